const [state, say, text, send, log] =
  ["state", "say", "text", "send", "log"].map(id => document.getElementById(id));

function tell(words, isOpen = false) {
  state.textContent = words;
  state.dataset.open = isOpen;
  send.disabled = !isOpen;
}

function append(who, words) {
  const [entry, name, message] = ["p", "b", "span"].map(tag => document.createElement(tag));
  // As text, so that nothing that somebody says becomes a part of the page.
  name.textContent = who;
  message.textContent = words;
  entry.append(name, message);
  log.append(entry);
}

/** Who comes and goes the server says, as no client can: a text with a "join" or "leave" of its own is refused. */
function presence(data) {
  try {
    const { join, leave } = JSON.parse(data);
    if (join) return `${join.connectionId} is here`;
    if (leave) return `${leave.connectionId} has left`;
  } catch {
    // It is no JSON: somebody said it.
  }
  return undefined;
}

const server = await (await fetch("/where")).json();
const socket = new WebSocket(new URL("/chat", server));

socket.addEventListener("open", () => tell("Connected", true));
socket.addEventListener("message", ({ data }) => {
  const told = presence(data);
  append(told ? "" : "they", told ?? data);
});
socket.addEventListener("close", ({ code, reason }) => {
  // A browser does not tell its page the status of a refusal: it is just not connected.
  tell(code === 1006 ? "Not connected: log in" : `Closed: ${code} ${reason}`);
});
say.addEventListener("submit", event => {
  event.preventDefault();
  socket.send(text.value);
  append("you", text.value);
  text.value = "";
});
