// The application: who logs in gets a session, which is a cookie with a token (JWT) in it. It needs nothing but Node.
//
//     node app.js [--port 3000] [--minutes 60] [--tidegate ws://localhost:8080]
"use strict";

const { createHmac } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { createServer } = require("node:http");
const { join } = require("node:path");
const { parseArgs } = require("node:util");

const options = {
  port: { type: "string", default: "3000" },
  minutes: { type: "string", default: "60" },
  tidegate: { type: "string", default: "ws://localhost:8080" },
  "key-file": { type: "string", default: join(__dirname, "session.key") },
};
const { values } = parseArgs({ options });
// A newline at the end of the file is not a part of the secret.
const secret = readFileSync(values["key-file"], "utf8").replace(/\n$/, "");
const encode = value => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token for `user`; its signature is what nobody else can make. */
function session(user) {
  const now = Math.floor(Date.now() / 1000);
  const exp = now + Math.round(Number(values.minutes) * 60);
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ sub: user, iat: now, exp })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

const files = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page.js": ["page.js", "text/javascript; charset=utf-8"],
  "/style.css": ["../../d-express/public/style.css", "text/css; charset=utf-8"],
};

const answers = {
  "POST /login": async (request, response) => {
    const form = new URLSearchParams((await request.toArray()).join(""));
    const user = form.get("user") ?? "";
    // A real application asks for a password here.
    if (!/^[a-z]{1,20}$/.test(user)) return response.writeHead(400).end("a name has 1 to 20 letters a to z\n");
    const cookie = `session=${session(user)}; HttpOnly; SameSite=Strict; Path=/`;
    return response.writeHead(303, { "Set-Cookie": cookie, Location: "/" }).end();
  },
  "POST /logout": (request, response) =>
    response.writeHead(303, { "Set-Cookie": "session=; Max-Age=0; Path=/", Location: "/" }).end(),
  "GET /where": (request, response) =>
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(values.tidegate)),
};

const server = createServer((request, response) => {
  const path = new URL(request.url, "http://localhost").pathname;
  const answer = answers[`${request.method} ${path}`];
  if (answer) return answer(request, response);
  if (request.method !== "GET" || !files[path]) return response.writeHead(404).end("not found\n");
  const [name, type] = files[path];
  return response.writeHead(200, { "Content-Type": type }).end(readFileSync(join(__dirname, "public", name)));
});
server.listen(Number(values.port), "localhost", () =>
  console.log(`http://localhost:${server.address().port}/`));
