// The WebSocket client of the demonstration: registers, says hello, shows what it receives, and leaves.
//
//     npm install ws
//     node client.js [URL [NAME]]
//
// Two who have one name cannot be there at once: give a second client another.
"use strict";

const { parseArgs } = require("node:util");
const WebSocket = require("ws");

function fail(status, words) {
  console.error(words);
  process.exit(status);
}

function readLine() {
  try {
    const options = { help: { type: "boolean", short: "h" } };
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    return fail(2, error.message);
  }
}

function connect(url) {
  try {
    return new WebSocket(url);
  } catch (error) {
    return fail(2, `${url}: ${error.message}`);
  }
}

const { values, positionals } = readLine();
if (values.help) {
  console.log("node client.js [URL [NAME]]: without them ws://localhost:8080/ and 1700000000000");
  process.exit();
}
const [url = "ws://localhost:8080/", connectionId = "1700000000000"] = positionals;
const socket = connect(url);

socket.on("open", () => {
  // The first message registers the connection under its name.
  socket.send(JSON.stringify({ connectionId }));
  socket.send(JSON.stringify({ connectionId, message: "hello from WebSocket client!!" }));
  console.log(`open as ${connectionId}; Ctrl-C closes`);
  socket.on("close", (code, reason) => console.log(`closed ${code} ${reason}`.trimEnd()));
});
socket.on("message", data => console.log(`received ${data}`));
socket.on("error", error => {
  // Of several addresses that were tried there is only a code.
  console.error(`${url}: ${error.message || error.code}`);
  process.exitCode = 1;
});

process.once("SIGINT", () => socket.close(1000));
// Whoever read along has gone, as `head` does.
process.stdout.on("error", () => process.exit());
