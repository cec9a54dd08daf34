// A WebSocket client: says each line of its input, shows what comes back, and comes again when it is cut off.
//
//     npm install ws
//     node device.js [NAME [URL]]          # else a name of its own, and ws://localhost:8080/
"use strict";

const { createInterface } = require("node:readline");
const WebSocket = require("ws");

const [name = `device-${process.pid}`, url = "ws://localhost:8080/"] = process.argv.slice(2);
const token = process.env.TIDEGATE_TOKEN; // where keys are configured
const headers = token ? { Authorization: `Bearer ${token}` } : {};
const waiting = []; // lines that were typed while nobody listened
let socket;
let over = false;
let pause = 500;

function say(line) {
  if (socket.readyState === WebSocket.OPEN) {
    socket.send(JSON.stringify({ connectionId: name, message: line }));
  } else {
    waiting.push(line);
  }
}

function connect() {
  socket = new WebSocket(url, { headers });
  socket.on("open", () => {
    pause = 500;
    console.log(`connected as ${name}`);
    socket.send(JSON.stringify({ connectionId: name })); // registers; from now on it can be sent to
    waiting.splice(0).forEach(say);
    if (over) socket.close(1000);
  });
  socket.on("message", data => console.log(`received ${data}`));
  socket.on("error", error => console.error(error.message || error.code));
  socket.on("close", (code, reason) => {
    console.log(`closed ${code} ${reason}`.trimEnd());
    // 4409: another one has our name. Who came back then would throw it out, and it us, for ever.
    if (over || code === 4409) process.exit(over ? 0 : 1);
    setTimeout(connect, pause * (1 + Math.random())); // not all at the same time
    pause = Math.min(2 * pause, 10_000);
  });
}

connect();
const input = createInterface({ input: process.stdin });
input.on("line", say);
input.on("close", () => {
  over = true;
  if (socket.readyState === WebSocket.OPEN) socket.close(1000);
});
