// An EventSource client: who connects, what they say, how they end, and what became of the stream.

import { People } from "./people.js";
import { Rows } from "./rows.js";
import { soon } from "./soon.js";
import { Stream } from "./stream.js";
import { binary, count, elements, meaning, server } from "./words.js";

const page = elements();
const rows = new Rows(page.log, (words, hasNone) => {
  page.unseen.textContent = words;
  page.none.hidden = !hasNone;
});
const people = new People(page.people);
let counts = { events: 0, gaps: 0, reconnects: 0 };
let stream;
let isPaused = false;

function show(entry) {
  page.empty.hidden = true;
  rows.add(entry);
  tellCountsSoon();
}

const tellCountsSoon = soon(() => {
  const { events, gaps, reconnects } = counts;
  const said = [count(events, "event"), gaps && count(gaps, "gap"),
    reconnects && count(reconnects, "reconnect")];
  page.counts.textContent = said.filter(Boolean).join(" · ");
  const there = [people.open && `${people.open} open`, people.unknown && `${people.unknown} unknown`];
  page.there.textContent = there.filter(Boolean).join(" · ");
});

/** A connection's end, as the server tells it. */
function showClose(close, room, at) {
  const { connectionId, code, reason, by, session } = close;
  people.end(connectionId, session, code);
  const words = meaning(code);
  const note = `by the ${by}${words && `: ${words}`}`;
  const text = `${code}${reason && ` ${reason}`}`;
  show({ kind: "closed", who: connectionId, room, text, note, at });
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), sign => sign.charCodeAt(0));
}

/** What everybody is shown, of whichever format: `type`, `room`, `who`, `session`, `at`, `data` and
    the JSON of that as it was written. */
function showEvent({ type, room, who, session, at, data, json }) {
  counts.events += 1;
  if (type === "close") return showClose(data.close, room, at);
  if (type === "join" || type === "leave") {
    const { connectionId } = data[type];
    return show({ kind: type === "join" ? "joined" : "left", who: connectionId, room, at });
  }
  // Nobody has a name for what the API says.
  const isNew = typeof who === "string" && people.hear(who, session);
  const text = type === "binary" ? binary(bytesOf(data.base64)) : json;
  const isBare = type === "message" && Object.keys(data).length === 1 && "connectionId" in data;
  const kind = isNew && isBare ? "connected" : type;
  show({ kind, who: who ?? "the API", room, text, at });
}

/** The text of the member `data` as it stands: numbers and escapes as their sender wrote them. */
function written(text, parsed) {
  const cut = text.slice(text.indexOf(',"data":') + ',"data":'.length, -1);
  try {
    JSON.parse(cut);
    return cut;
  } catch {
    return JSON.stringify(parsed.data);
  }
}

function read({ type, data: text }, isFull) {
  const parsed = JSON.parse(text);
  if (isFull) {
    const { type, room, connectionId: who, session, at, data } = parsed;
    return showEvent({ type, room, who, session, at, data, json: written(text, parsed) });
  }
  const isClose = type === "message" && "close" in parsed;
  const who = parsed.connectionId;
  showEvent({ type: isClose ? "close" : type, who, data: parsed, json: text });
}

/** What happened to the stream itself. */
const happenings = {
  open: ({ tries, after, url }) => {
    tell("Open", "open");
    counts.reconnects += tries > 0 ? 1 : 0;
    // It begins now: whatever there was before, the end of it may not be told.
    if (!after) people.doubt();
    const note = tries > 0 ? `after ${count(tries, "attempt")}` : "";
    show({ kind: tries > 0 ? "reconnected" : "open", text: after ? `behind ${after}` : url, note });
  },
  lost: ({ tries, after, why }) => {
    const where = after ? `, behind ${after}` : "";
    tell(`Reconnecting (${tries})${where}`, "trying");
    const text = `The stream broke off. ${why}`;
    if (tries === 1) show({ kind: "lost", text, note: "trying again" });
    tellCountsSoon();
  },
  trying: ({ tries, why }) => {
    tell(`Connecting (${tries})`, "trying");
    if (tries === 1) show({ kind: "failed", text: why });
  },
  refused: ({ why }) => {
    tell("Not connected", "closed");
    show({ kind: "failed", text: why });
    lock(false);
  },
  event: (event, isFull) => {
    try {
      read(event, isFull);
    } catch {
      // Of another server than this page is about: anything may come.
      show({ kind: "message", text: event.data });
    }
  },
  gap: ({ data }) => {
    counts.gaps += 1;
    people.doubt();
    const { missed } = JSON.parse(data);
    const text = missed === null
      ? "Events are missing here; how many is not known."
      : `${count(missed, "event")} ${missed === 1 ? "is" : "are"} missing here.`;
    show({ kind: "gap", text });
  },
  expired: ({ data }) => {
    const { reason } = JSON.parse(data);
    tell(`Ended: the credential is no longer good (${reason})`, "closed");
    const text = `The credential is no longer good: ${reason}. Open with another.`;
    show({ kind: "expired", text });
    lock(false);
  },
};

function tell(text, state) {
  page.state.textContent = text;
  page.state.dataset.state = state;
  page.connection.dataset.open = state === "open";
}

function lock(isThere) {
  for (const field of page.connection.querySelectorAll(".fields :is(input, select)")) {
    field.disabled = isThere;
  }
  const [shown, hidden] = isThere ? [page.close, page.open] : [page.open, page.close];
  const hadFocus = document.activeElement === hidden;
  hidden.hidden = true;
  shown.hidden = false;
  // Whoever uses keys goes on where they were.
  if (hadFocus) shown.focus();
}

const list = text => text.split(",").map(one => one.trim()).filter(Boolean);

/** The URL that the fields make. */
function address() {
  const url = new URL(page.address.value.trim());
  if (!/^https?:$/.test(url.protocol)) throw new TypeError(url.protocol);
  for (const room of list(page.rooms.value)) url.searchParams.append("room", room);
  for (const name of list(page.names.value)) url.searchParams.append("connectionId", name);
  if (page.since.value === "earliest") url.searchParams.set("since", "earliest");
  if (page.since.value === "id") url.searchParams.set("lastEventId", page.last.value.trim());
  if (page.full.checked) url.searchParams.set("format", "full");
  return url;
}

page.connection.addEventListener("submit", event => {
  event.preventDefault();
  let url;
  try {
    url = address();
  } catch {
    return tell(`Not connected: an address is like ${server().events}`, "closed");
  }
  if (/[^\x21-\x7e]/.test(page.credential.value)) {
    return tell("Not connected: the credential has signs that no header field can have", "closed");
  }
  lock(true);
  tell("Connecting…", "trying");
  stream = new Stream(url, page.credential.value, page.full.checked, happenings);
});

page.close.addEventListener("click", () => {
  stream.close();
  lock(false);
  tell("Closed", "closed");
  show({ kind: "left", text: "The stream was closed here." });
});

page.since.addEventListener("change", () => page.after.hidden = page.since.value !== "id");

page.filter.addEventListener("input", () => rows.filter(page.filter.value));

page.pause.addEventListener("click", () => {
  isPaused = !isPaused;
  page.pause.textContent = isPaused ? "Resume" : "Pause";
  rows.pause(isPaused);
});

page.clear.addEventListener("click", () => {
  counts = { events: 0, gaps: 0, reconnects: 0 };
  rows.clear();
  people.clear();
  tellCountsSoon();
});

page.address.value = server().events;
