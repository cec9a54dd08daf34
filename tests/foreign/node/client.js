// A WebSocket client made with npm's `ws`: one scenario per run, one line of output per step.
"use strict";

const WebSocket = require("ws");

const [scenario, url, id] = process.argv.slice(2);
const socket = new WebSocket(url);
const say = (...words) => console.log(words.join(" "));

socket.on("error", error => say("error", error.message));
socket.on("close", (code, reason) => say("closed", code, reason.toString()));

/** The next message, as text or as bytes. */
const hear = () =>
  new Promise(resolve =>
    socket.once("message", (data, isBinary) => resolve(isBinary ? data : data.toString())));

const scenarios = {
  async tutorial() {
    socket.send(JSON.stringify({ connectionId: id }));
    socket.send(JSON.stringify({ connectionId: id, message: "hello" }));
    socket.close(1000, "bye");
  },

  async echo() {
    const text = "größer 🦀 ".repeat(4000).slice(0, 30000);
    socket.send(text);
    say("text", (await hear()) === text);
    const bytes = Buffer.alloc(65536, Uint8Array.from({ length: 251 }, (_, n) => n));
    socket.send(bytes);
    say("binary", bytes.equals(await hear()));
    const pong = new Promise(resolve => socket.once("pong", resolve));
    socket.ping("are you there?");
    say("pong", (await pong).toString());
    socket.send(Buffer.alloc(65537));
  },

  async binary() {
    socket.send(JSON.stringify({ connectionId: id }));
    socket.send(Buffer.from([0, 1, 254, 255]));
    socket.close(4000);
  },

  async nonsense() {
    for (let n = 0; n < 16; n++) {
      socket.send("nonsense");
      const answer = JSON.parse(await hear());
      if (n === 0) say("refused", answer.error.code);
    }
  },

  async stay() {
    socket.on("ping", () => say("ping"));
    socket.send(JSON.stringify({ connectionId: id }));
  },
};

socket.on("open", scenarios[scenario]);
