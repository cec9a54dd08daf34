// A list of what happened: bounded, drawn once per frame however much comes, filtered, paused.
// What others wrote is only ever set as text, so it cannot become a part of the page.

import { soon } from "./soon.js";
import { clock, count, visible } from "./words.js";

const KEPT_MAX = 2000;
const KEPT_CHARACTERS_MAX = 8_000_000;
const SHOWN_MAX = 500;
const TEXT_MAX = 500;

export class Rows {
  #list;
  #told;
  #kept = [];
  #characters = 0;
  #fresh = [];
  #behind = 0;
  #wanted = "";
  #isPaused = false;
  #isAtEnd = true;
  #drawSoon = soon(() => this.#draw());

  /** `told` is called with words about what is not to be seen, and with whether that is all. */
  constructor(list, told) {
    this.#list = list;
    this.#told = told;
    // Whoever reads what was before is left there; whoever is at the end stays at the end.
    list.addEventListener("scroll", () => {
      this.#isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    });
    new ResizeObserver(() => this.#follow()).observe(list);
  }

  /** `entry`: its `kind`, and what there is of `who`, `room`, `text` and `note`; `at`, if that was
      not now. */
  add(entry) {
    // Of another server anything may come.
    if (Number.isNaN(new Date(entry.at).getTime())) entry.at = Date.now();
    this.#keep(entry);
    if (this.#isPaused) {
      this.#behind += 1;
    } else if (this.#isWanted(entry)) {
      this.#fresh.push(entry);
      // A window that nobody sees is not drawn.
      if (this.#fresh.length >= 2 * SHOWN_MAX) this.#fresh.splice(0, SHOWN_MAX);
    }
    this.#drawSoon();
  }

  clear() {
    this.#kept = [];
    this.#characters = 0;
    this.#drawAnew();
  }

  /** Shows only what has this in it. */
  filter(text) {
    this.#wanted = text.toLowerCase();
    this.#drawAnew();
  }

  pause(isPaused) {
    this.#isPaused = isPaused;
    if (isPaused) this.#drawSoon();
    else this.#drawAnew();
  }

  #keep(entry) {
    this.#kept.push(entry);
    this.#characters += entry.text?.length ?? 0;
    while (this.#kept.length > KEPT_MAX || this.#characters > KEPT_CHARACTERS_MAX) {
      this.#characters -= this.#kept.shift().text?.length ?? 0;
    }
  }

  #isWanted({ kind, who, room, text, note }) {
    if (!this.#wanted) return true;
    const all = [kind, who, room, text, note].filter(Boolean).join(" ");
    return all.toLowerCase().includes(this.#wanted);
  }

  #drawAnew() {
    this.#list.replaceChildren();
    this.#isAtEnd = true;
    this.#behind = 0;
    this.#fresh = this.#kept.filter(entry => this.#isWanted(entry));
    this.#drawSoon();
  }

  #draw() {
    const list = this.#list;
    const rows = this.#fresh.splice(0).slice(-SHOWN_MAX).map(draw);
    const over = list.childElementCount + rows.length - SHOWN_MAX;
    for (let left = over; left > 0; left -= 1) list.firstElementChild.remove();
    list.append(...rows);
    this.#follow();
    const hasNone = list.childElementCount === 0 && this.#kept.length > 0;
    this.#told(this.#words(), hasNone && this.#wanted !== "");
  }

  #follow() {
    if (this.#isAtEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }

  #words() {
    if (this.#isPaused) {
      return this.#behind > 0 ? `Paused, ${count(this.#behind, "row")} behind` : "Paused";
    }
    const shown = this.#list.childElementCount;
    if (this.#wanted) return `${shown} of ${count(this.#kept.length, "row")}`;
    return shown < SHOWN_MAX ? "" : `The last ${SHOWN_MAX}`;
  }
}

function part(className, text, tag = "span") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = visible(text);
  return element;
}

function draw({ kind, at, who, room, text = "", note }) {
  const row = document.createElement("div");
  row.className = "row";
  row.dataset.kind = kind;
  const what = document.createElement("span");
  what.className = "what";
  if (room) what.append(roomPart(room), " ");
  if (who) what.append(part("who", who), " ");
  if (text) what.append(...long(text));
  if (note) what.append(text ? " " : "", part("note", note));
  row.append(timePart(at), part("kind", kind, "b"), what);
  return row;
}

function timePart(at) {
  const time = part("at", clock(at), "time");
  time.dateTime = new Date(at).toISOString();
  time.title = new Date(at).toLocaleString();
  return time;
}

const EVERYONE = "*";

function roomPart(room) {
  const tag = part("room", room);
  if (room === EVERYONE) tag.title = "everyone: it goes to every WebSocket, whatever its room";
  return tag;
}

/** The text, or its beginning and a button for the rest. */
function long(text) {
  if (text.length <= TEXT_MAX) return [part("text", text)];
  const begun = part("text", text.slice(0, TEXT_MAX).replace(/[\ud800-\udbff]$/, ""));
  const more = part("more", `Show all ${count(text.length, "character")}`, "button");
  more.type = "button";
  more.addEventListener("click", () => {
    begun.textContent = visible(text);
    more.remove();
  });
  return [begun, more];
}
