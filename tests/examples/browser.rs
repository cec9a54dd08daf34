//! Chromium, and what a person does with it: opens windows, fills in, clicks, looks.

use crate::support::Foreign;
use crate::support::foreign::{self, root};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::fs;

/// How a window looks: its size, and the colours that its owner likes.
pub(crate) const DESKTOP: &str = "desktop-light";
pub(crate) const DESKTOP_DARK: &str = "desktop-dark";
pub(crate) const PHONE: &str = "phone-light";
pub(crate) const PHONE_DARK: &str = "phone-dark";

/// A browser without windows on the screen.
pub(crate) struct Browser {
    driver: RefCell<Foreign>,
}

/// One of its windows.
pub(crate) struct Window<'a> {
    browser: &'a Browser,
    page: Value,
}

impl Browser {
    pub(crate) fn start() -> Browser {
        Browser::start_with(&[])
    }

    /// Starts it with more on its command line.
    pub(crate) fn start_with(args: &[&str]) -> Browser {
        let script = root().join("tests/examples/browser.js");
        let driver = Foreign::converse(&mut foreign::node(&script, &["playwright-core"]));
        let browser = Browser { driver: RefCell::new(driver) };
        let path = foreign::installed("chromium");
        browser.ask(json!({"do": "launch", "path": path, "args": args}));
        browser
    }

    /// Opens a window with the page at `url`.
    pub(crate) fn open(&self, url: &str, look: &str) -> Window<'_> {
        let page = self.ask(json!({"do": "open", "url": url, "look": look}));
        Window { browser: self, page }
    }

    /// The same with no cookies of the other windows.
    pub(crate) fn open_private(&self, url: &str, look: &str) -> Window<'_> {
        let page = self.ask(json!({"do": "open", "url": url, "look": look, "private": true}));
        Window { browser: self, page }
    }

    fn ask(&self, what: Value) -> Value {
        let mut driver = self.driver.borrow_mut();
        driver.tell(&what.to_string());
        let mut answer = driver.json();
        assert!(answer.get("error").is_none(), "{what}: {}", answer["error"]);
        answer["value"].take()
    }

    /// Closes it, whatever its pages complained of.
    pub(crate) fn quit(self) {
        self.driver.into_inner().finish();
    }

    /// Closes it; no page may have failed, asked for something elsewhere, or been too wide.
    pub(crate) fn finish(self) {
        assert_eq!(self.ask(json!({"do": "complaints"})), json!([]));
        assert!(self.driver.into_inner().finish().is_empty());
    }
}

impl Window<'_> {
    fn ask(&self, action: &str, mut what: Value) -> Value {
        what["do"] = action.into();
        what["page"] = self.page.clone();
        self.browser.ask(what)
    }

    fn text(&self, action: &str, what: Value) -> String {
        self.ask(action, what).as_str().expect(action).to_owned()
    }

    /// Presses the button that says `name`.
    pub(crate) fn click(&self, name: &str) {
        self.ask("click", json!({"role": "button", "name": name}));
    }

    /// Ticks the box that says `name`, or unticks it.
    pub(crate) fn tick(&self, name: &str) {
        self.ask("click", json!({"role": "checkbox", "name": name}));
    }

    /// Follows the link that says `name`.
    pub(crate) fn follow(&self, name: &str) {
        self.ask("click", json!({"role": "link", "name": name}));
    }

    pub(crate) fn fill(&self, label: &str, text: &str) {
        self.ask("fill", json!({"label": label, "text": text}));
    }

    /// Chooses one of what a list has.
    pub(crate) fn select(&self, label: &str, text: &str) {
        self.ask("select", json!({"label": label, "text": text}));
    }

    /// Chooses a file of this machine.
    pub(crate) fn choose(&self, label: &str, file: &str) {
        self.ask("choose", json!({"label": label, "file": file}));
    }

    pub(crate) fn press(&self, key: &str) {
        self.ask("press", json!({"key": key}));
    }

    /// What stands in a field.
    pub(crate) fn value(&self, label: &str) -> String {
        self.text("value", json!({"label": label}))
    }

    /// Whether the button may be pressed.
    pub(crate) fn can_click(&self, name: &str) -> bool {
        let answer = self.ask("enabled", json!({"role": "button", "name": name}));
        answer.as_bool().expect("yes or no")
    }

    pub(crate) fn heading(&self) -> String {
        self.text("heading", json!({}))
    }

    /// Waits until the status says `text`, perhaps among other words.
    pub(crate) fn wait_for(&self, text: &str) {
        self.ask("wait", json!({"text": text}));
    }

    /// What stands in the page's log, once there are so many entries.
    pub(crate) fn entries(&self, count: usize) -> Vec<String> {
        let entries = self.ask("entries", json!({"count": count}));
        let entries = entries.as_array().expect("a list").iter();
        entries.map(|entry| entry.as_str().expect("a text").replace('\n', " ")).collect()
    }

    /// What a function of JavaScript gives, run inside the page.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.ask("run", json!({"script": script}))
    }

    /// Leaves pictures in `target/pages`: bright and dark, on a desktop and on a phone.
    pub(crate) fn photograph(&self, name: &str) {
        let folder = root().join("target/pages");
        fs::create_dir_all(&folder).unwrap();
        self.ask("photograph", json!({"path": folder.join(name)}));
    }
}
