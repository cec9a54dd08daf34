// Run in the page of d-express: `reconnect.js` between a WebSocket that does as it is told, timers that do
// not wait, and dice that always say a half.
async () => {
  const { ReconnectingSocket } = await import("/reconnect.js");
  const real = { WebSocket, setTimeout, clearTimeout, random: Math.random, now: performance.now };
  let now = 0;
  let sockets = [];
  let timer;
  window.WebSocket = class {
    static OPEN = 1;
    constructor() {
      sockets.push(this);
    }
    close() {}
  };
  window.setTimeout = run => ((timer = run), 1);
  window.clearTimeout = () => (timer = undefined);
  Math.random = () => 0.5;
  performance.now = () => now;
  const lose = (code = 1006) => sockets.at(-1).onclose({ code, reason: "" });
  const told = { waits: [] };

  const one = new ReconnectingSocket("ws://localhost/");
  let wait;
  one.addEventListener("lost", event => (wait = event.detail.wait));
  for (let n = 0; n < 7; n++) {
    // Open, but not for long: this is no reason to come back at once.
    sockets.at(-1).onopen();
    lose();
    told.waits.push(wait);
    timer();
  }
  sockets.at(-1).onopen();
  now += 60_000;
  lose();
  told.afterAGoodOne = wait;

  sockets = [];
  dispatchEvent(new Event("online"));
  told.afterOnline = { attempts: sockets.length };

  timer = undefined;
  sockets = [];
  const two = new ReconnectingSocket("ws://localhost/");
  let over;
  two.addEventListener("close", event => (over = event.detail));
  lose(4409);
  told.afterReplaced = { code: over.code, attempts: timer ? 1 : 0 };

  window.WebSocket = real.WebSocket;
  window.setTimeout = real.setTimeout;
  window.clearTimeout = real.clearTimeout;
  Math.random = real.random;
  performance.now = real.now;
  return told;
};
