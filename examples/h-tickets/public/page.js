const [enter, user, room, state, say, text, send, log] =
  ["enter", "user", "room", "state", "say", "text", "send", "log"].map(id => document.getElementById(id));
let socket;
let stream;

function tell(words, isOpen = false) {
  state.textContent = words;
  state.dataset.open = isOpen;
  send.disabled = !isOpen;
}

function append(words) {
  const [entry, message] = ["p", "span"].map(tag => document.createElement(tag));
  // As text, so that nothing that somebody says becomes a part of the page.
  message.textContent = words;
  entry.append(message);
  log.append(entry);
}

/** A URL that lets in once. */
async function admitted(path, which) {
  const body = JSON.stringify({ user: user.value, room: room.value });
  const response = await fetch("/ticket", { method: "POST", body });
  if (!response.ok) throw new Error(`No ticket: ${(await response.text()).trim()}`);
  const given = await response.json();
  const url = new URL(path, given[which]);
  url.searchParams.set("ticket", given.ticket);
  return url;
}

async function listen() {
  const url = await admitted("/events", "events");
  url.searchParams.set("room", room.value);
  stream = new EventSource(url);
  stream.addEventListener("message", ({ data }) => append(data));
  // The ticket is used up: an EventSource that comes again with it is refused. A new one gets a new ticket.
  stream.addEventListener("expired", () => stream.close());
  await new Promise(resolve => stream.addEventListener("open", resolve));
}

async function connect() {
  socket = new WebSocket(await admitted(`/rooms/${encodeURIComponent(room.value)}`, "ws"));
  socket.addEventListener("open", () => tell(`In ${room.value} as ${user.value}`, true));
  socket.addEventListener("close", ({ code, reason }) => tell(`Closed: ${code} ${reason}`));
}

enter.addEventListener("submit", async event => {
  event.preventDefault();
  socket?.close();
  stream?.close();
  try {
    await listen();
    await connect();
  } catch (error) {
    tell(error.message);
  }
});
say.addEventListener("submit", event => {
  event.preventDefault();
  socket.send(JSON.stringify({ message: text.value }));
  text.value = "";
});
