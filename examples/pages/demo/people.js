// Who was heard of: each connection by its connectionId, what it said, how it ended. Of whom an end
// may have been missed it is not known whether they are there.

import { soon } from "./soon.js";
import { count, visible } from "./words.js";

const KEPT_MAX = 1000;
const SHOWN_MAX = 40;

export class People {
  #list;
  #all = new Map();
  #drawSoon = soon(() => this.#draw());

  constructor(list) {
    this.#list = list;
  }

  get open() {
    return this.#count("true");
  }

  get unknown() {
    return this.#count("unknown");
  }

  /** Something came from `name`; gives whether that is new. The session is not always told. */
  hear(name, session) {
    const known = this.#all.get(name);
    const isSame = known && known.end === undefined && (known.session ?? session) === session;
    // A name that comes again goes on counting.
    const messages = (known?.messages ?? 0) + 1;
    const lasting = isSame ? known.session : undefined;
    this.#keep({ name, session: session ?? lasting, messages, end: undefined });
    return !isSame;
  }

  /** `name` is gone. */
  end(name, session, code) {
    const known = this.#all.get(name);
    const isOther = known && (known.session ?? session) !== session;
    // Whoever took the name is there.
    if (isOther && stateOf(known) === "true") return;
    this.#keep({ name, session, messages: known?.messages ?? 0, end: code });
  }

  /** Something was missed: whoever was there may be gone. */
  doubt() {
    for (const one of this.#all.values()) one.isDoubtful = one.end === undefined;
    this.#drawSoon();
  }

  clear() {
    this.#all.clear();
    this.#drawSoon();
  }

  #keep(one) {
    // Who spoke last is at the end.
    this.#all.delete(one.name);
    this.#all.set(one.name, one);
    if (this.#all.size > KEPT_MAX) this.#all.delete(this.#all.keys().next().value);
    this.#drawSoon();
  }

  #count(state) {
    return [...this.#all.values()].filter(one => stateOf(one) === state).length;
  }

  #draw() {
    const latest = [...this.#all.values()].slice(-SHOWN_MAX).reverse();
    this.#list.replaceChildren(...latest.map(draw));
  }
}

/** Whether a connection is open, as far as is known. */
function stateOf({ end, isDoubtful }) {
  if (end !== undefined) return "false";
  return isDoubtful ? "unknown" : "true";
}

function draw(one) {
  const { name, messages, end } = one;
  const item = document.createElement("li");
  item.dataset.open = stateOf(one);
  const [who, what] = [document.createElement("span"), document.createElement("span")];
  who.className = "who";
  who.textContent = visible(name);
  const ends = { true: "", false: ` · closed ${end}`, unknown: " · perhaps gone" };
  what.textContent = count(messages, "event") + ends[stateOf(one)];
  item.append(who, what);
  return item;
}
