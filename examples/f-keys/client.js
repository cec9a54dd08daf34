// Connects with a key in a header field, or with a token in the URL, says hello, and shows what it receives.
//
//     npm install ws
//     node client.js --key-file devices.key
//     node client.js --token-file alice.token
//     node client.js
//
// The last one is refused: it has neither.
"use strict";

const { readFileSync } = require("node:fs");
const { parseArgs } = require("node:util");
const WebSocket = require("ws");

const options = {
  server: { type: "string", default: "ws://localhost:8080" },
  "key-file": { type: "string" },
  "token-file": { type: "string" },
};
const { values } = parseArgs({ options });
const read = name => readFileSync(values[name], "utf8").trim();

function connect() {
  if (values["token-file"]) {
    const url = new URL("/app", values.server);
    url.searchParams.set("accessToken", read("token-file"));
    return new WebSocket(url);
  }
  const headers = values["key-file"] ? { "X-WS-AUTH-KEY": read("key-file") } : {};
  return new WebSocket(new URL("/devices", values.server), { headers });
}

const socket = connect();
socket.on("open", () => {
  console.log("connected");
  socket.send("hello");
});
socket.on("message", data => console.log(`received ${data}`));
socket.on("close", (code, reason) => console.log(`closed ${code} ${reason}`.trimEnd()));

// Refused before the upgrade: an answer of HTTP, which says why.
socket.on("unexpected-response", async (request, response) => {
  const { code, detail } = JSON.parse((await response.toArray()).join(""));
  console.log(`refused ${response.statusCode} ${code}: ${detail}`);
  process.exitCode = 1;
});
