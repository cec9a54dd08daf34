// The WebSocket client of the demonstration: registers, says hello, shows what it receives, and leaves.
//
//     npm install ws
//     node client.js [URL]
"use strict";

const WebSocket = require("ws");

const socket = new WebSocket(process.argv[2] ?? "ws://localhost:8080/");
const connectionId = String(Date.now());

socket.on("open", () => {
  // The first message registers the connection under its name.
  socket.send(JSON.stringify({ connectionId }));
  socket.send(JSON.stringify({ connectionId, message: "hello from WebSocket client!!" }));
  console.log(`open as ${connectionId}; Ctrl-C closes`);
});
socket.on("message", data => console.log(`received ${data}`));
socket.on("close", (code, reason) => console.log(`closed ${code} ${reason}`.trimEnd()));
socket.on("error", error => console.error(error.message));

process.once("SIGINT", () => socket.close(1000));
