// Chromium, driven by playwright-core as told on standard input: a line of JSON for each thing to do, a line
// of JSON as the answer to each. What a page must never do is collected, and told by `complaints`.
"use strict";

const { createInterface } = require("node:readline");
const { chromium } = require("playwright-core");

// A little less than whoever told us waits for the answer.
const PATIENCE_MS = 50_000;
const LOOKS = ["light", "dark"].flatMap(colorScheme => [
  { name: `desktop-${colorScheme}`, colorScheme, viewport: { width: 1280, height: 800 } },
  { name: `phone-${colorScheme}`, colorScheme, viewport: { width: 360, height: 740 } },
]);

let browser;
let shared;
const pages = [];
const complaints = [];

/** Looks at all that a page says and asks for. */
function watch(page) {
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("pageerror", error => complaints.push(`${page.url()}: ${error}`));
  page.on("dialog", dialog => complaints.push(`${page.url()}: a dialog: ${dialog.message()}`));
  page.on("console", message => {
    // What the browser itself writes of a server that is not there, or that refuses it.
    const isExpected = [
      /WebSocket connection to|ERR_CONNECTION|net::ERR_|status of (40[013]|426|503) /,
      /EventSource's response has a MIME type/,
      /blocked by CORS policy: No 'Access-Control-Allow-Origin' header/,
    ].some(words => words.test(message.text()));
    if (["error", "warning"].includes(message.type()) && !isExpected) {
      complaints.push(`${page.url()}: ${message.text()}`);
    }
  });
  page.on("request", request => {
    const url = new URL(request.url());
    if (!["127.0.0.1", "localhost", ""].includes(url.hostname)) {
      complaints.push(`${page.url()} asks for ${url}`);
    }
  });
}

const actions = {
  async launch({ path, args }) {
    // Chromium's own walls need rights that a container, and root, do not have.
    browser = await chromium.launch({ executablePath: path, args: ["--no-sandbox", ...args] });
    shared = await browser.newContext();
  },
  async open({ url, look, private: isPrivate }) {
    const { colorScheme, viewport } = LOOKS.find(({ name }) => name === look);
    // Windows share their cookies, as a person's do, but for private ones.
    const page = await (isPrivate ? await browser.newContext() : shared).newPage();
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    watch(page);
    const response = await page.goto(url);
    if (response?.status() >= 400) throw new Error(`${url}: ${response.status()}`);
    return pages.push(page) - 1;
  },
  click: ({ page, role, name }) => page.getByRole(role, { name, exact: true }).click(),
  fill: ({ page, label, text }) => page.getByLabel(label, { exact: true }).fill(text),
  select: ({ page, label, text }) =>
    page.getByLabel(label, { exact: true }).selectOption({ label: text }),
  choose: ({ page, label, file }) => page.getByLabel(label, { exact: true }).setInputFiles(file),
  press: ({ page, key }) => page.keyboard.press(key),
  value: ({ page, label }) => page.getByLabel(label, { exact: true }).inputValue(),
  enabled: ({ page, role, name }) => page.getByRole(role, { name, exact: true }).isEnabled(),
  heading: ({ page }) => page.getByRole("heading", { level: 1 }).innerText(),
  /** Waits until the status says so. */
  wait: ({ page, text }) => page.getByRole("status").getByText(text).waitFor(),
  /** What stands in the log, once there are so many entries. */
  async entries({ page, count }) {
    const entries = page.getByRole("log").locator("> *");
    if (count > 0) await entries.nth(count - 1).waitFor({ state: "attached" });
    return entries.allInnerTexts();
  },
  /** In all looks; a page must fit into each. */
  async photograph({ page, path }) {
    for (const { name, colorScheme, viewport } of LOOKS) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      await page.screenshot({ path: `${path}-${name}.png` });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > viewport.width) complaints.push(`${page.url()}: ${width} px wide as ${name}`);
    }
  },
  /** A function, run inside the page. */
  run: ({ page, script }) => page.evaluate(`(${script.trim().replace(/;$/, "")})()`),
  complaints: () => complaints,
};

async function obey(line) {
  const told = JSON.parse(line);
  try {
    const value = await actions[told.do]({ ...told, page: pages[told.page] });
    console.log(JSON.stringify({ value: value ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}

(async () => {
  for await (const line of createInterface({ input: process.stdin })) await obey(line);
  await browser?.close();
})();
