// A backend that has users of its own, and is asked who may come in. It needs nothing but Node.
//
//     node backend.js [--port 9000]
"use strict";

const { createServer } = require("node:http");
const { parseArgs } = require("node:util");

const { values } = parseArgs({ options: { port: { type: "string", default: "9000" } } });

// What each user's secret is, and which rooms are theirs. A real backend has a table of sessions.
const users = {
  "wonderland-and-back": { subject: "alice", rooms: ["kitchen", "garden*"] },
  "can-we-fix-it-yes": { subject: "bob", rooms: ["kitchen"] },
};

const server = createServer((request, response) => {
  const user = users[request.headers.authorization?.replace(/^Bearer /, "")];
  console.log(`${request.headers["x-forwarded-uri"].split("?")[0]}: ${user?.subject ?? "nobody"}`);
  if (!user) return response.writeHead(401).end();
  const { subject, rooms } = user;
  const rights = { subject, connect: true, subscribe: rooms, publish: rooms, connectionId: subject, expiresIn: 3600 };
  return response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(rights));
});
server.listen(Number(values.port), "localhost", () =>
  console.log(`http://localhost:${server.address().port}/auth`));
