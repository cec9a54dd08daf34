// The application and its backend: whoever may come in gets a ticket. It needs nothing but Node.
//
//     node app.js [--port 3000] [--ws ws://localhost:8080] [--api http://localhost:8082]
"use strict";

const { readFileSync } = require("node:fs");
const { createServer } = require("node:http");
const { join } = require("node:path");
const { parseArgs } = require("node:util");

const options = {
  port: { type: "string", default: "3000" },
  ws: { type: "string", default: "ws://localhost:8080" },
  api: { type: "string", default: "http://localhost:8082" },
  "key-file": { type: "string", default: join(__dirname, "backend.key") },
};
const { values } = parseArgs({ options });
const key = readFileSync(values["key-file"], "utf8").trim();

/** A ticket for one connection of `user`, to this room alone. */
async function ticket(user, room) {
  const rights = { subject: user, connect: true, subscribe: [room], publish: [room], connectionId: user };
  const response = await fetch(new URL("/api/tickets", values.api), {
    method: "POST",
    headers: { "X-API-Key": key, "Content-Type": "application/json" },
    // The connection ends after an hour.
    body: JSON.stringify({ ...rights, expiresIn: 3600 }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()).ticket;
}

const files = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page.js": ["page.js", "text/javascript; charset=utf-8"],
  "/style.css": ["../../d-express/public/style.css", "text/css; charset=utf-8"],
};

async function answer(request, response) {
  const url = new URL(request.url, "http://localhost");
  if (request.method === "POST" && url.pathname === "/ticket") {
    // A real application knows who is logged in; this one believes what it is told, but for one.
    const { user, room } = JSON.parse((await request.toArray()).join(""));
    if (user === "mallory") return response.writeHead(403).end("not you\n");
    const body = JSON.stringify({ ticket: await ticket(user, room), ws: values.ws, events: values.api });
    return response.writeHead(200, { "Content-Type": "application/json" }).end(body);
  }
  const file = request.method === "GET" && files[url.pathname];
  if (!file) return response.writeHead(404).end("not found\n");
  const [name, type] = file;
  return response.writeHead(200, { "Content-Type": type }).end(readFileSync(join(__dirname, "public", name)));
}

const server = createServer((request, response) =>
  answer(request, response).catch(error => {
    console.error(error.message);
    response.writeHead(502).end("no ticket\n");
  }));
server.listen(Number(values.port), "localhost", () =>
  console.log(`http://localhost:${server.address().port}/`));
