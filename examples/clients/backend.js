// A backend: reads all events, answers each message by the API, and misses nothing when it is cut off.
//
//     node backend.js [URL]                # else TIDEGATE_URL, else http://localhost:8082
"use strict";

const url = process.argv[2] ?? process.env.TIDEGATE_URL ?? "http://localhost:8082";
const token = process.env.TIDEGATE_TOKEN; // where keys are configured
const credential = token ? { Authorization: `Bearer ${token}` } : {};
const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));
let last; // the id of the last event that was dealt with

async function answer(connectionId, words) {
  const response = await fetch(`${url}/api/connections/${encodeURIComponent(connectionId)}`, {
    method: "POST",
    headers: { ...credential, "Content-Type": "application/json" },
    body: JSON.stringify({ json: { answer: words } }),
  });
  // 404 and 410: it has left in the meantime.
  if (!response.ok) console.error(`${connectionId}: ${(await response.json()).detail}`);
}

async function deal(event) {
  const { type, data, connectionId, missed } = event;
  if (type === "gap") console.log(`missed ${missed ?? "some, or none"}`);
  if (type === "close") console.log(`${connectionId} has left: ${data.close.code}`);
  // What the API publishes is nobody's: there is no connection to answer.
  if (type === "message" && connectionId !== null && typeof data.message === "string") {
    console.log(`${connectionId}: ${data.message}`);
    await answer(connectionId, data.message.toUpperCase());
  }
  last = event.id ?? last; // only now: what was not dealt with comes again
}

async function watch() {
  const resume = last ? { "Last-Event-ID": last } : {};
  const headers = { ...credential, ...resume, Accept: "application/x-ndjson" };
  const response = await fetch(`${url}/events`, { headers });
  if (!response.ok) throw new Error((await response.json()).detail);
  console.log("watching");
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop(); // half a line, or nothing
    for (const line of lines) if (line) await deal(JSON.parse(line)); // an empty one is a heartbeat
  }
}

(async () => {
  for (;;) {
    await watch().catch(error => console.error(error.cause?.code ?? error.message));
    await sleep(500 + 500 * Math.random());
  }
})();
