const page = Object.fromEntries(
  [...document.querySelectorAll("[id]")].map(element => [element.id, element]));
let socket;

/** The WebSocket is where the page is: wss: for https:, ws: for http:. */
function address() {
  const url = new URL(`/chat/${encodeURIComponent(page.room.value)}`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  if (page.name.value) url.searchParams.set("connectionId", page.name.value);
  if (page.echo.checked) url.searchParams.set("echo", "true");
  return url;
}

/** What others wrote is only ever set as text, so it cannot become a part of the page. */
function show(kind, text) {
  const [entry, label, words] = ["p", "b", "span"].map(tag => document.createElement(tag));
  entry.className = kind;
  label.textContent = kind;
  words.textContent = text;
  entry.append(label, words);
  page.messages.append(entry);
  if (page.messages.childElementCount > 500) page.messages.firstElementChild.remove();
  page.messages.scrollTop = page.messages.scrollHeight;
}

/** Text is itself; of binary the size and the first bytes. */
function describe(data) {
  if (typeof data === "string") return data;
  const bytes = Array.from(new Uint8Array(data, 0, Math.min(data.byteLength, 16)));
  const digits = bytes.map(byte => byte.toString(16).padStart(2, "0")).join(" ");
  return `${data.byteLength} bytes: ${digits}${data.byteLength > 16 ? " …" : ""}`;
}

function tell(text) {
  const isThere = socket !== undefined;
  const isOpen = socket?.readyState === WebSocket.OPEN;
  page.state.textContent = text;
  page.state.dataset.open = isOpen;
  for (const field of [page.room, page.name, page.echo, page.open]) field.disabled = isThere;
  page.close.disabled = !isThere;
  page.send.disabled = page.file.disabled = !isOpen;
}

function say(data) {
  if (socket?.readyState !== WebSocket.OPEN) return;
  socket.send(data);
  show("sent", describe(data));
}

function connect() {
  let wasOpen = false;
  socket = new WebSocket(address());
  socket.binaryType = "arraybuffer";
  tell("Connecting…");
  socket.onopen = () => {
    wasOpen = true;
    tell(`Open: ${page.room.value}`);
    page.message.focus();
  };
  socket.onmessage = ({ data }) => show("received", describe(data));
  socket.onclose = ({ code, reason }) => {
    socket = undefined;
    // A browser does not tell a page why there was no upgrade; the server's answer says it to curl.
    const refused = "Refused, before it was open. Is the name taken, or the server away?";
    tell(wasOpen ? `Closed: ${code} ${reason}` : refused);
  };
}

page.connection.addEventListener("submit", event => {
  event.preventDefault();
  connect();
});

page.close.addEventListener("click", () => socket?.close(1000));

page.talk.addEventListener("submit", event => {
  event.preventDefault();
  say(page.message.value);
  page.message.value = "";
});

page.file.addEventListener("change", async () => {
  const [file] = page.file.files;
  if (file) say(await file.arrayBuffer());
  page.file.value = "";
});
