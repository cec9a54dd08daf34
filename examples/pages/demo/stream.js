// One event stream for as long as somebody wants it: what an EventSource does by itself, what a
// ticket that is good once makes necessary, and why there is none.

import { examine } from "./reach.js";

const NAMES = ["message", "binary", "join", "leave"];
const PAUSE_MAX_MS = 10_000;
/** Trying again would change nothing. */
const NO_STREAM = 404;

export class Stream {
  #url;
  #credential;
  #isFull;
  #told;
  #source;
  #timer;
  #after = "";
  #tries = 0;
  #wasOpen = false;
  #isOver = false;

  /** `told` has a function for each thing that can happen. */
  constructor(url, credential, isFull, told) {
    this.#url = url;
    this.#credential = credential;
    this.#isFull = isFull;
    this.#told = told;
    this.#open();
  }

  close() {
    this.#isOver = true;
    this.#source?.close();
    clearTimeout(this.#timer);
  }

  async #open() {
    const url = new URL(this.#url);
    if (this.#after) url.searchParams.set("lastEventId", this.#after);
    if (this.#credential) {
      try {
        url.searchParams.set("ticket", await this.#buyTicket());
      } catch (error) {
        return this.#fail(error);
      }
    }
    if (!this.#isOver) this.#listen(url);
  }

  #listen(url) {
    const source = this.#source = new EventSource(url);
    const on = (name, what) => source.addEventListener(name, event => {
      if (event.lastEventId) this.#after = event.lastEventId;
      what(event);
    });
    source.addEventListener("open", () => {
      this.#told.open({ tries: this.#tries, after: this.#after, url: this.#url.href });
      this.#tries = 0;
      this.#wasOpen = true;
    });
    source.addEventListener("error", () => this.#break(source));
    for (const name of NAMES) on(name, event => this.#told.event(event, this.#isFull));
    on("gap", this.#told.gap);
    on("expired", event => {
      this.close();
      this.#told.expired(event);
    });
  }

  /** The browser tries again by itself, unless it was refused. With a ticket it must not: that is
      used up. */
  async #break(source) {
    if (source.readyState === EventSource.CONNECTING && !this.#credential) {
      if (this.#wasOpen) return this.#tell("");
      const { words } = await this.#examine();
      return this.#wasOpen ? undefined : this.#tell(words);
    }
    source.close();
    const { status, words } = await this.#ask();
    if (status >= 400) this.#fail({ status, message: words });
    else this.#again(words);
  }

  #again(words) {
    if (this.#isOver) return;
    this.#tell(words);
    const pause = Math.min(500 * 2 ** Math.min(this.#tries, 6), PAUSE_MAX_MS);
    this.#timer = setTimeout(() => this.#open(), pause * (0.5 + Math.random() / 2));
  }

  #tell(why) {
    if (this.#isOver) return;
    this.#tries += 1;
    const what = { tries: this.#tries, after: this.#after, why };
    if (this.#wasOpen) this.#told.lost(what);
    else this.#told.trying(what);
  }

  #fail({ status, message }) {
    if (this.#isOver) return;
    if (status === undefined || status === 429 || status >= 500) return this.#again(message);
    this.close();
    this.#told.refused({ why: message });
  }

  async #buyTicket() {
    const response = await this.#fetch(new URL("/api/tickets", this.#url), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: "{}",
    });
    if (!response.ok) throw refusal(response.status, await words(response));
    return (await response.json()).ticket;
  }

  /** Asks for the same without an EventSource, which is told nothing. */
  async #ask() {
    const url = new URL(this.#url);
    url.searchParams.set("follow", "false");
    try {
      const response = await this.#fetch(url, {});
      const { status, ok } = response;
      if (!ok) return { status, words: await words(response) };
      await response.body.cancel();
      const type = response.headers.get("Content-Type");
      if (type?.startsWith("text/event-stream")) return { status, words: "" };
      return { status: NO_STREAM, words: `There is no event stream there, but ${type}.` };
    } catch (error) {
      return { status: error.status, words: error.message };
    }
  }

  async #fetch(url, { headers, ...options }) {
    const authorization = this.#credential ? { Authorization: `Bearer ${this.#credential}` } : {};
    const all = { ...options, headers: { ...headers, ...authorization }, cache: "no-store" };
    try {
      return await fetch(url, all);
    } catch {
      const { isThere, words } = await this.#examine();
      throw refusal(isThere ? 403 : undefined, words);
    }
  }

  /** Whether a server is there, and where to look if it gives no stream. */
  async #examine() {
    const { isThere, words } = await examine(this.#url, "events");
    const refused = `A server answers at ${this.#url.host}, but not to pages from ${
      location.origin}. Is that its HTTP port? Is this page allowed (--allow-origin)?`;
    return { isThere, words: words ?? refused };
  }
}

/** An error with the status that it came of, if there was one. */
function refusal(status, message) {
  return Object.assign(new Error(message), { status });
}

/** What a refusal says. */
async function words(response) {
  const { status } = response;
  try {
    const { code, detail } = await response.json();
    return code ? `${status} ${code}: ${detail}` : `The server answered ${status}.`;
  } catch {
    return `The server answered ${status}.`;
  }
}
