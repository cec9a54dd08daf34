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

function fail(status, words) {
  console.error(words);
  process.exit(status);
}

function readLine() {
  const options = {
    help: { type: "boolean", short: "h" },
    unit: { type: "string", default: "2000" },
  };
  try {
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
  console.log("node client.js [--unit MILLISECONDS] [URL]: without them 2000 and ws://localhost:8080/");
  process.exit();
}
const unit = Number(values.unit);
if (!(unit > 0)) {
  fail(2, `--unit: ${values.unit} is no number of milliseconds`);
}
const [url = "ws://localhost:8080/"] = positionals;
// Whoever read along has gone, as `head` does.
process.stdout.on("error", () => process.exit());

for (let user = 1; user <= USERS; user++) {
  const socket = connect(url);
  socket.on("open", () => {
    const speaking = setInterval(() => socket.send(`Client ${user} says hello`), user * unit);
    socket.on("close", (code, reason) => {
      clearInterval(speaking);
      console.log(`Client ${user} is closed: ${code} ${reason}`.trimEnd());
    });
  });
  socket.on("message", data => console.log(`Client ${user}: ${data}`));
  socket.on("error", error => {
    // Of several addresses that were tried there is only a code.
    console.error(`Client ${user}: ${url}: ${error.message || error.code}`);
    process.exitCode = 1;
  });
}
