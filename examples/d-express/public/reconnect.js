// A WebSocket that comes back when it is lost.

/** Codes of closes after which the same would only happen again, see PROTOCOL.md. */
const FINAL = [1002, 1007, 1008, 1009, 4409];

/** A connection that held so long was a good one: the next attempt is the first again. */
const GOOD_MS = 5_000;

/**
 * Connects to `url`, and again whenever the connection is lost, after a pause. The pauses grow to twice their
 * length, from `first` up to `longest` milliseconds; of each a random part is waited, so that the clients of
 * a server that was away do not all come back at the same moment.
 *
 * Events: "open", "message" with its `data`, "lost" with `detail.wait` (milliseconds until the next attempt),
 * and "close" with `detail.code` and `detail.reason` if it does not come back.
 */
export class ReconnectingSocket extends EventTarget {
  #url;
  #first;
  #longest;
  #socket;
  #attempts = 0;
  #timer;
  #isOver = false;

  constructor(url, { first = 1_000, longest = 30_000 } = {}) {
    super();
    this.#url = url;
    this.#first = first;
    this.#longest = longest;
    this.#connect();
    // The network is back: why wait?
    addEventListener("online", () => this.#hurry());
  }

  get isOpen() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Sends a message; `false` if there is no connection at the moment, and then nothing is sent later either. */
  send(data) {
    if (this.isOpen) this.#socket.send(data);
    return this.isOpen;
  }

  /** Closes for good. */
  close(code = 1000, reason = "") {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#socket.close(code, reason);
  }

  #connect() {
    let opened;
    this.#timer = undefined;
    this.#socket = new WebSocket(this.#url);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => {
      opened = performance.now();
      this.dispatchEvent(new Event("open"));
    };
    this.#socket.onmessage = ({ data }) =>
      this.dispatchEvent(new MessageEvent("message", { data }));
    this.#socket.onclose = ({ code, reason }) => {
      if (performance.now() - opened > GOOD_MS) this.#attempts = 0;
      if (this.#isOver || FINAL.includes(code)) {
        this.#isOver = true;
        this.dispatchEvent(new CustomEvent("close", { detail: { code, reason } }));
      } else {
        this.#connectLater();
      }
    };
  }

  #connectLater() {
    const wait = Math.random() * Math.min(this.#longest, this.#first * 2 ** this.#attempts);
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.#connect(), wait);
    this.dispatchEvent(new CustomEvent("lost", { detail: { wait } }));
  }

  #hurry() {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#connect();
  }
}
