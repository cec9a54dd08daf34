// Nine users at once. User n says hello every n units of time; each shows what it hears of the others.
//
//     npm install ws
//     node client.js [--unit MILLISECONDS] [URL]
//
// A unit is two seconds, unless said otherwise.
"use strict";

const { parseArgs } = require("node:util");
const WebSocket = require("ws");

const USERS = 9;

const { values, positionals } = parseArgs({
  options: { unit: { type: "string", default: "2000" } },
  allowPositionals: true,
});
const unit = Number(values.unit);
if (!(unit > 0)) {
  console.error(`--unit: ${values.unit} is no number of milliseconds`);
  process.exit(2);
}
const url = positionals[0] ?? "ws://localhost:8080/";

for (let user = 1; user <= USERS; user++) {
  const socket = new WebSocket(url);
  let speaking;
  socket.on("open", () => {
    speaking = setInterval(() => socket.send(`Client ${user} says hello`), user * unit);
  });
  socket.on("message", data => console.log(`Client ${user}: ${data}`));
  socket.on("close", (code, reason) => {
    clearInterval(speaking);
    console.log(`Client ${user} is closed: ${code} ${reason}`.trimEnd());
  });
  socket.on("error", error => console.error(`Client ${user}: ${error.message}`));
}
