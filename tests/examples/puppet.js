// A client made with npm's `ws` that does what it is told on standard input, and says what it hears.
//
// Started with a URL, and perhaps an object of header fields in JSON.
// Told: text WORDS | binary BASE64 | ping WORDS | close CODE REASON.
// Says: open | refused STATUS CODE | text WORDS | binary BASE64 | pong WORDS | closed CODE REASON.
"use strict";

const { createInterface } = require("node:readline");
const WebSocket = require("ws");

const say = (...words) => console.log(words.join(" ").trimEnd());
const commands = createInterface({ input: process.stdin });
const socket = new WebSocket(process.argv[2], { headers: JSON.parse(process.argv[3] ?? "{}") });

const told = {
  text: words => socket.send(words),
  binary: base64 => socket.send(Buffer.from(base64, "base64")),
  ping: words => socket.ping(words),
  close: words => socket.close(Number(words.split(" ", 1)[0]), words.split(" ").slice(1).join(" ")),
};

socket.on("open", () => {
  say("open");
  commands.on("line", line => {
    const [command] = line.split(" ", 1);
    told[command](line.slice(command.length + 1));
  });
});
socket.on("message", (data, isBinary) =>
  isBinary ? say("binary", data.toString("base64")) : say("text", data.toString()));
socket.on("pong", data => say("pong", data.toString()));
socket.on("close", (code, reason) => {
  say("closed", code, reason.toString());
  commands.close();
});
// Before the upgrade: an answer of HTTP, with a problem document.
socket.on("unexpected-response", async (request, response) => {
  const body = (await response.toArray()).join("");
  say("refused", response.statusCode, JSON.parse(body).code);
  commands.close();
});
