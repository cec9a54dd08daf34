// Why there may be no connection. A browser does not tell a page: what can be found out without it.

import { server } from "./words.js";

const SWAPPED_SCHEMES = { "ws:": "wss:", "wss:": "ws:", "http:": "https:", "https:": "http:" };

const PLACES = {
  websocket: { what: "WebSockets connect", port: "WebSocket port", other: "events" },
  events: { what: "events are read", port: "HTTP port", other: "websocket" },
};

/** What is found at `address`, where a "websocket" or "events" were wanted: whether a server answers
    there, and what is wrong with the address, in words and in short, as far as that is known. */
export async function examine(address, wanted) {
  const url = new URL(address);
  if (await answers(url)) return { isThere: true, ...swappedPorts(url, wanted) };
  const other = new URL(url);
  other.protocol = SWAPPED_SCHEMES[url.protocol];
  if (await answers(other)) return { isThere: false, ...swappedSchemes(url, other) };
  const { port } = PLACES[wanted];
  return {
    isThere: false,
    short: "nothing answers there",
    words: `Nothing answers at ${url.host}. Is the server running, and is that its ${port}?`,
  };
}

/** Nothing, unless the port is the one for the other thing. */
function swappedPorts(url, wanted) {
  const { what, other } = PLACES[wanted];
  const [right, wrong] = [new URL(server()[wanted]), new URL(server()[other])];
  if (url.port !== wrong.port || wrong.port === right.port) return {};
  return {
    short: `${what} at ${right}`,
    words: `Port ${wrong.port} is where ${PLACES[other].what}; ${what} at ${right}.`,
  };
}

function swappedSchemes(url, other) {
  const hasTls = /^(wss|https):$/.test(other.protocol);
  const short = `that port has ${hasTls ? "" : "no "}TLS`;
  const scheme = `${other.protocol}//`;
  return {
    short,
    words: `A server answers at ${url.host}, but ${short}: write ${scheme} in place of ${
      url.protocol}//.`,
  };
}

/** Whether anything at all answers there; what it says, other pages are not told. */
async function answers(url) {
  const address = new URL(url);
  address.protocol = address.protocol.replace("ws", "http");
  address.search = "";
  try {
    await fetch(address, { mode: "no-cors", cache: "no-store", credentials: "omit" });
    return true;
  } catch {
    return false;
  }
}
