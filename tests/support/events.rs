//! A reader of event streams, as the HTML standard describes it, and of NDJSON.

use super::http::Response;
use super::wire::Wire;
use serde_json::Value;
use std::net::SocketAddr;

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) data: String,
}

impl Event {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).expect(&self.data)
    }

    /// What a close event says; panics if it is none.
    pub(crate) fn close(&self) -> Close {
        assert_eq!(self.name, "message", "{self:?}");
        let json = self.json();
        let close = &json["close"];
        assert_eq!(json.as_object().unwrap().len(), 1, "{self:?}");
        let text = |key: &str| close[key].as_str().expect(&self.data).to_owned();
        Close {
            id: text("connectionId"),
            code: close["code"].as_u64().expect(&self.data),
            reason: text("reason"),
            by: text("by"),
            session: close["session"].as_u64().expect(&self.data),
        }
    }

    pub(crate) fn is_close(&self) -> bool {
        self.json().get("close").is_some()
    }

    /// The `missed` of a gap; panics if it is none.
    pub(crate) fn missed(&self) -> Option<u64> {
        assert_eq!(self.name, "gap", "{self:?}");
        let json = self.json();
        assert!(json["missed"].is_null() || json["missed"].is_u64(), "{self:?}");
        json["missed"].as_u64()
    }
}

/// The end of a connection, as a stream tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) id: String,
    pub(crate) code: u64,
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) session: u64,
}

impl Close {
    /// Whose close it is, with what code, by whom.
    pub(crate) fn is(&self, id: &str, code: u64, by: &str) -> bool {
        (self.id.as_str(), self.code, self.by.as_str()) == (id, code, by)
    }
}

/// A subscriber.
#[derive(Debug)]
pub(crate) struct EventStream {
    pub(crate) head: Response,
    /// What an EventSource would send as `Last-Event-ID`.
    pub(crate) last_id: String,
    pub(crate) retry: Option<u64>,
    pub(crate) wire: Wire,
    /// The gap that its first block was.
    begun: Option<Event>,
}

impl EventStream {
    /// Subscribes to `target` and waits until the server has said where the stream begins: whatever
    /// is published from now on comes.
    pub(crate) fn open(addr: SocketAddr, target: &str) -> EventStream {
        EventStream::open_with(addr, target, "")
    }

    /// Comes back as an EventSource does.
    pub(crate) fn resume(addr: SocketAddr, target: &str, last_id: &str) -> EventStream {
        EventStream::open_with(addr, target, &format!("Last-Event-ID: {last_id}\r\n"))
    }

    pub(crate) fn open_with(addr: SocketAddr, target: &str, headers: &str) -> EventStream {
        let mut wire = Wire::connect(addr);
        let headers = format!("Accept: text/event-stream\r\n{headers}");
        wire.write(super::http::request(addr, "GET", target, &headers).as_bytes());
        let head = wire.read_head().expect("a response");
        assert_eq!(head.status, 200, "{head:?}");
        assert_eq!(head.header("content-type"), Some("text/event-stream"), "{head:?}");
        let last_id = String::new();
        let mut stream = EventStream { head, last_id, retry: None, wire, begun: None };
        stream.begun = stream.block().expect("a first block");
        let is_gap = |event: &Event| event.name == "gap";
        assert!(stream.begun.as_ref().is_none_or(is_gap), "the first block is a place or a gap");
        assert!(stream.retry.is_some() && !stream.last_id.is_empty());
        stream
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) fn next(&mut self) -> Option<Event> {
        if let Some(gap) = self.begun.take() {
            return Some(gap);
        }
        loop {
            match self.block()? {
                Some(event) => return Some(event),
                None => continue,
            }
        }
    }

    /// The next `n` events.
    pub(crate) fn take(&mut self, n: usize) -> Vec<Event> {
        (0..n).map(|_| self.next().expect("one more event")).collect()
    }

    /// All events until the server ends the stream.
    pub(crate) fn rest(&mut self) -> Vec<Event> {
        let events = std::iter::from_fn(|| self.next()).collect();
        assert!(!self.wire.is_reset(), "the stream was cut");
        events
    }

    /// One block: an event, or something without data; the outer `None` at the end.
    pub(crate) fn block(&mut self) -> Option<Option<Event>> {
        let (mut name, mut data) = (String::new(), Vec::new());
        loop {
            let line = String::from_utf8(self.wire.read_through(b"\n")?).expect("UTF-8");
            let line = line.trim_end_matches('\n');
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match (line.is_empty(), field) {
                (true, _) => break,
                (_, "") => {}
                (_, "id") => self.last_id = value.to_owned(),
                (_, "event") => name = value.to_owned(),
                (_, "data") => data.push(value.to_owned()),
                (_, "retry") => self.retry = Some(value.parse().expect(line)),
                _ => panic!("an unknown field: {line}"),
            }
        }
        if data.is_empty() {
            return Some(None);
        }
        if name.is_empty() {
            name = "message".to_owned();
        }
        Some(Some(Event { id: self.last_id.clone(), name, data: data.join("\n") }))
    }
}

/// A subscriber that takes lines of JSON.
#[derive(Debug)]
pub(crate) struct Lines {
    wire: Wire,
}

impl Lines {
    /// Subscribes, and waits for the line that says where the stream begins.
    pub(crate) fn open(addr: SocketAddr, target: &str) -> Lines {
        let mut wire = Wire::connect(addr);
        let headers = "Accept: application/x-ndjson\r\n";
        wire.write(super::http::request(addr, "GET", target, headers).as_bytes());
        let head = wire.read_head().expect("a response");
        assert_eq!(head.header("content-type"), Some("application/x-ndjson"), "{head:?}");
        let mut lines = Lines { wire };
        let first = lines.next().expect("a first line");
        assert_eq!(first["type"], "position", "{first}");
        lines
    }

    /// The next line that is not empty; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Value> {
        loop {
            let line = String::from_utf8(self.wire.read_through(b"\n")?).expect("UTF-8");
            if !line.trim().is_empty() {
                return Some(serde_json::from_str(&line).expect(&line));
            }
        }
    }
}
