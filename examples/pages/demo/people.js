// Who was heard of: each connection by its connectionId, what it said, how it ended.

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
    let open = 0;
    for (const one of this.#all.values()) open += one.end === undefined ? 1 : 0;
    return open;
  }

  /** Something came from `name`; gives whether that is new. The session is not always told. */
  hear(name, session) {
    const known = this.#all.get(name);
    const isSame = known && known.end === undefined && (known.session ?? session) === session;
    const one = isSame ? known : { name, session, messages: 0, end: undefined };
    one.messages += 1;
    // Who spoke last is at the end.
    this.#all.delete(name);
    this.#all.set(name, one);
    if (this.#all.size > KEPT_MAX) this.#all.delete(this.#all.keys().next().value);
    this.#drawSoon();
    return !isSame;
  }

  /** `name` is gone. */
  end(name, session, code) {
    this.hear(name, session);
    const one = this.#all.get(name);
    one.messages -= 1;
    one.end = code;
  }

  clear() {
    this.#all.clear();
    this.#drawSoon();
  }

  #draw() {
    const latest = [...this.#all.values()].slice(-SHOWN_MAX).reverse();
    this.#list.replaceChildren(...latest.map(draw));
  }
}

function draw({ name, messages, end }) {
  const item = document.createElement("li");
  item.dataset.open = end === undefined;
  const [who, what] = [document.createElement("span"), document.createElement("span")];
  who.className = "who";
  who.textContent = visible(name);
  what.textContent = count(messages, "event") + (end === undefined ? "" : ` · closed ${end}`);
  item.append(who, what);
  return item;
}
