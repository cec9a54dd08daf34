// A WebSocket client: what is sent, what comes back, how it ends.

import { examine } from "./reach.js";
import { Rows } from "./rows.js";
import { binary, elements, meaning, server } from "./words.js";

const page = elements();
const rows = new Rows(page.log, words => page.unseen.textContent = words);
let socket;
/** It is closed here: whatever is told of its end is not a failure. */
let isLeft = false;
let sent = 0;
let received = 0;

function tell(text) {
  const isThere = socket !== undefined;
  const isOpen = socket?.readyState === WebSocket.OPEN;
  page.state.textContent = text;
  page.state.dataset.state = isOpen ? "open" : isThere ? "trying" : "closed";
  page.connection.dataset.open = isOpen;
  for (const field of [page.address, page.name, page.credential, page.open]) {
    field.disabled = isThere;
  }
  page.closing.hidden = !isThere;
  page.open.hidden = isThere;
  page.send.disabled = page.raw.disabled = page.file.disabled = !isOpen;
}

function show(entry) {
  page.empty.hidden = true;
  rows.add(entry);
  page.counts.textContent = `${sent.toLocaleString("en")} sent · ${
    received.toLocaleString("en")} received`;
}

function send(data) {
  if (socket?.readyState !== WebSocket.OPEN) return;
  socket.send(data);
  sent += 1;
  show({ kind: "sent", text: typeof data === "string" ? data : binary(new Uint8Array(data)) });
}

/** What the message becomes: what a relay takes, or, without a name, what was typed. */
function envelope() {
  const [connectionId, message] = [page.name.value, page.message.value];
  return connectionId ? JSON.stringify({ connectionId, message }) : message;
}

/** The code and the words of a message that says what was wrong with ours. */
function refusal(text) {
  if (!text.startsWith('{"error":')) return undefined;
  try {
    const { error } = JSON.parse(text);
    return typeof error?.code === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}

function receive({ data }) {
  received += 1;
  if (typeof data !== "string") {
    show({ kind: "binary", text: binary(new Uint8Array(data)) });
  } else {
    const error = refusal(data);
    if (error) show({ kind: "refused", who: error.code, text: String(error.message) });
    else show({ kind: "received", text: data });
  }
}

/** Why there is no connection, or where to look. */
async function explain(address) {
  const { host, pathname } = new URL(address);
  const { short = "it was refused", words } = await examine(address, "websocket");
  const refused = `A server answers at ${host}, but opens no WebSocket. Is ${pathname} one of its `
    + `routes? May pages from ${location.origin} connect (--allow-origin)? Does it want a `
    + `credential? What it says is shown by: tidegate connect ${address}`;
  show({ kind: "failed", text: words ?? refused });
  if (!socket) tell(`No connection: ${short}`);
}

function end(event, address, wasOpen) {
  socket = undefined;
  const { code, reason } = event;
  if (wasOpen) {
    const what = meaning(code);
    show({ kind: "closed", who: String(code), text: reason, note: what });
    tell(`Closed: ${code}${what && `, ${what}`}`);
  } else if (isLeft) {
    tell("Not connected: given up here");
  } else {
    tell("No connection");
    explain(address);
  }
}

function connect() {
  const address = page.address.value.trim();
  const connectionId = page.name.value;
  const credential = page.credential.value;
  let wasOpen = false;
  if (!/^wss?:/i.test(address) || !URL.canParse(address)) {
    return tell(`Not connected: an address is like ${server().websocket}`);
  }
  try {
    // The second is the credential itself: browsers can send one in no other way.
    const protocols = credential ? ["tidegate", `tidegate.bearer.${credential}`] : [];
    socket = new WebSocket(address, protocols);
  } catch {
    return tell("Not connected: the credential has signs that no subprotocol can have");
  }
  socket.binaryType = "arraybuffer";
  isLeft = false;
  tell("Connecting…");
  socket.addEventListener("open", () => {
    wasOpen = true;
    tell(connectionId ? `Open as ${connectionId}` : "Open");
    show({ kind: "open", text: address });
    // On a relay the first message registers the connection under its name.
    if (connectionId) send(JSON.stringify({ connectionId }));
    page.message.focus();
  });
  socket.addEventListener("message", receive);
  socket.addEventListener("close", event => end(event, address, wasOpen));
}

function preview() {
  page.preview.textContent = envelope();
}

/** The address that a link to this page names, on this server; as it is by default otherwise. */
function begin() {
  const url = new URL(server().websocket);
  const asked = new URLSearchParams(location.search);
  url.pathname = asked.get("path") ?? "/";
  page.address.value = url;
  const name = `web-${Math.random().toString(36).slice(2, 6)}`;
  page.name.value = asked.has("unnamed") ? "" : name;
  preview();
}

page.connection.addEventListener("submit", event => {
  event.preventDefault();
  connect();
});

page.closing.addEventListener("submit", event => {
  event.preventDefault();
  try {
    socket?.close(Number(page.code.value), page.reason.value);
    isLeft = true;
  } catch (error) {
    page.state.textContent = `Not closed: ${error.message}`;
  }
});

page.talk.addEventListener("submit", event => {
  event.preventDefault();
  send(envelope());
  page.message.select();
});

// The button cannot be pressed then, and a form whose button cannot be is not submitted.
page.message.addEventListener("keydown", ({ key }) => {
  if (key !== "Enter" || socket?.readyState === WebSocket.OPEN) return;
  tell(`Not ${socket ? "yet " : ""}connected: nothing was sent`);
});

page.raw.addEventListener("click", () => send(page.message.value));

page.file.addEventListener("change", async () => {
  const [file] = page.file.files;
  if (file) send(await file.arrayBuffer());
  page.file.value = "";
});

page.clear.addEventListener("click", () => {
  sent = received = 0;
  rows.clear();
  page.counts.textContent = "Nothing yet";
});

for (const field of [page.name, page.message]) field.addEventListener("input", preview);
begin();
