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

const server = await (await fetch("/where")).json();
const socket = new WebSocket(new URL("/chat", server));

socket.addEventListener("open", () => tell("Connected", true));
socket.addEventListener("message", ({ data }) => append("they", data));
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
