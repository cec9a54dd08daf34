import { ReconnectingSocket } from "./reconnect.js";

const [state, ask, returns] = ["state", "ask", "returns"].map(id => document.getElementById(id));

// The WebSocket is where the page is: wss: for https:, ws: for http:.
const url = new URL("/ws", location.href);
url.protocol = url.protocol.replace("http", "ws");

const socket = new ReconnectingSocket(url);

function tell(text) {
  state.textContent = text;
  state.dataset.open = socket.isOpen;
  ask.disabled = !socket.isOpen;
}

/** What the server said, if it is JSON. */
function read(data) {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

socket.addEventListener("open", () => tell("Connected"));
socket.addEventListener("lost", ({ detail }) =>
  tell(`Connection lost; the next attempt is in ${(detail.wait / 1000).toFixed(1)} s`));
socket.addEventListener("close", ({ detail }) => tell(`Closed: ${detail.code} ${detail.reason}`));

socket.addEventListener("message", ({ data }) => {
  const answer = read(data);
  if (answer?.append !== true) return;
  const [entry, words] = ["p", "span"].map(tag => document.createElement(tag));
  // As text, so that it cannot become a part of the page.
  words.textContent = answer.returnText;
  entry.append(words);
  returns.append(entry);
  returns.scrollTop = returns.scrollHeight;
});

ask.addEventListener("click", () => socket.send(JSON.stringify({ message: "Am I using websockets?" })));
