// Words and signs that both clients use.

/** All elements that have an id, by it. */
export function elements() {
  return Object.fromEntries([...document.querySelectorAll("[id]")].map(one => [one.id, one]));
}

/** The server that these pages are about: the page says its ports, its URL the rest. */
export function server() {
  const { content } = document.querySelector('meta[name="tidegate"]');
  const ports = Object.fromEntries(content.split(" ").map(word => word.split("=")));
  const host = location.hostname || "localhost";
  const secure = location.protocol === "https:" ? "s" : "";
  return {
    websocket: `ws${secure}://${host}:${ports["ws-port"]}/`,
    events: `http${secure}://${host}:${ports["http-port"]}/events`,
  };
}

// What shows nothing, or turns around what others show: controls, marks of direction, halves of
// signs. Those that join letters and emoji are left alone.
const UNSEEN = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** `text` with everything in it to be seen. */
export function visible(text) {
  return text.replace(UNSEEN, sign => `\\u${sign.codePointAt(0).toString(16).padStart(4, "0")}`);
}

const pad = (number, digits) => String(number).padStart(digits, "0");

/** The time of day, to the millisecond. */
export function clock(at) {
  const time = new Date(at);
  const day = [time.getHours(), time.getMinutes(), time.getSeconds()].map(part => pad(part, 2));
  return `${day.join(":")}.${pad(time.getMilliseconds(), 3)}`;
}

export function count(number, one, several = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : several}`;
}

const BYTES_SHOWN = 24;

/** Size and beginning of something binary. */
export function binary(bytes) {
  const shown = bytes.subarray(0, BYTES_SHOWN);
  const more = bytes.length > shown.length ? " …" : "";
  const hex = Array.from(shown, byte => byte.toString(16).padStart(2, "0")).join(" ");
  const base64 = btoa(String.fromCharCode(...shown)).replace(/=+$/, end => more ? "" : end);
  return `${count(bytes.length, "byte")} · ${hex}${more} · base64 ${base64}${more}`;
}

const CODES = {
  1000: "done, as agreed",
  1001: "going away",
  1002: "the other side broke the protocol",
  1003: "a kind of message that is not taken",
  1005: "closed without a code",
  1006: "broken off without a goodbye",
  1007: "text that is not UTF-8",
  1008: "a rule was broken too often",
  1009: "a message was too long",
  1010: "an extension was missing",
  1011: "the server failed",
  1012: "the server restarts: connect again in a moment",
  1013: "try again later",
  1014: "a gateway had no answer",
  4401: "the credential has ended: connect with another",
  4408: "too slow: something was missed",
  4409: "another connection took the connectionId",
};

/** What a close code means; nothing, if that is between the two sides alone. */
export function meaning(code) {
  return CODES[code] ?? (code >= 3000 ? "a code of the application's own" : "");
}
