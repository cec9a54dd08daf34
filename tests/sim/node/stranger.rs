//! A connection of which nobody knows what it wants: it says anything, and is listened to as a peer
//! that knows the protocols would listen.
//!
//! Knows: what no server may ever send, whatever it was sent.
//! Must not know: what the bytes that it says mean.

use super::check;
use super::client::{Moment, is_problem};
use super::frames::{self, BINARY, CLOSE, Frame, PING, PONG, TEXT};
use super::http::{self, Response};
use super::shadow::Shadow;
use super::sse::{self, EventSource, Heard};
use super::wire::Wire;
use serde_json::Value;

/// One of them.
#[derive(Debug)]
pub(crate) struct Stranger {
    /// Whether its listener takes handshakes, and whether it serves anything else.
    handshakes: bool,
    streams: bool,
    /// All that it has said.
    said: Vec<u8>,
    hears: Hears,
    /// Responses behind which the connection stayed open.
    answers: usize,
    /// Nothing may follow.
    is_over: bool,
}

/// What it is being sent.
#[derive(Debug)]
enum Hears {
    Responses,
    Frames { deflates: bool },
    Events { source: EventSource, position: Option<u64> },
    Lines { position: Option<u64> },
}

impl Stranger {
    /// One that has heard nothing.
    pub(crate) fn new(handshakes: bool, streams: bool) -> Stranger {
        let (said, hears) = (Vec::new(), Hears::Responses);
        Stranger { handshakes, streams, said, hears, answers: 0, is_over: false }
    }

    /// Whether it may be registered under some name.
    pub(crate) fn is_websocket(&self) -> bool {
        matches!(self.hears, Hears::Frames { .. })
    }

    /// It says `bytes`, if it still can.
    pub(crate) fn say(&mut self, wire: &mut Wire, bytes: &[u8]) {
        let before = wire.said;
        wire.say(bytes);
        if wire.said > before {
            self.said.extend_from_slice(bytes);
        }
    }

    /// Takes what it can off `buffer`. `false`: more has to come first.
    pub(crate) fn hear(
        &mut self,
        wire: &Wire,
        buffer: &mut Vec<u8>,
        shadow: &Shadow,
        moment: &Moment<'_>,
    ) -> bool {
        assert!(!self.is_over || buffer.is_empty(), "after the end: {}", buffer.escape_ascii());
        match &mut self.hears {
            Hears::Responses => {
                let is_all = wire.is_over() && wire.queued.is_empty();
                match take_response(buffer, &self.said, is_all) {
                    Some(response) => self.hear_response(wire, &response),
                    None => return false,
                }
            }
            Hears::Frames { deflates } => match frames::take(buffer, *deflates) {
                Some(frame) => self.hear_frame(&frame, moment),
                None => return false,
            },
            Hears::Events { source, position } => match sse::take_line(buffer) {
                Some(line) => {
                    let is_begin = position.is_none();
                    if let Some(heard) = source.line(&line) {
                        assert!(!is_begin || matches!(heard, Heard::Retry | Heard::Position(_)));
                        hear_event(position, heard, shadow, moment);
                    }
                }
                None => return false,
            },
            Hears::Lines { position } => match sse::take_line(buffer) {
                Some(line) => hear_event(position, sse::json_line(&line), shadow, moment),
                None => return false,
            },
        }
        true
    }

    fn hear_response(&mut self, wire: &Wire, response: &Response) {
        let known = [
            101, 200, 202, 204, 304, 400, 403, 404, 405, 408, 409, 410, 413, 414, 415, 417, 421,
            422, 426, 429, 431, 501, 503, 505,
        ];
        assert!(known.contains(&response.status), "{response:?}");
        let is_problem = is_problem(response).is_some();
        assert!(!is_problem || response.status >= 400, "{response:?}");
        self.is_over = response.is_last();
        let must_be_last = matches!(response.status, 408 | 413 | 414 | 417 | 431 | 505);
        assert!(self.is_over || !must_be_last, "{response:?}");
        if !self.is_over {
            self.answers += 1;
            // Of a head that was not whole nothing can come but a last word.
            let consumed = &self.said[..(wire.consumed as usize).min(self.said.len())];
            let heads = consumed.windows(4).filter(|four| four == b"\r\n\r\n").count();
            assert!(self.answers <= heads, "{} answers to {heads} heads", self.answers);
        }
        let kind = response.header("content-type").unwrap_or_default();
        match (response.status, kind) {
            (101, _) => {
                assert!(self.handshakes, "{response:?}");
                let accept = response.header("sec-websocket-accept");
                assert!(accept.is_some_and(|accept| accept.len() == 28), "{response:?}");
                let deflates = response.header("sec-websocket-extensions").is_some();
                self.hears = Hears::Frames { deflates };
            }
            (200, "text/event-stream") => {
                assert!(self.streams && self.is_over, "{response:?}");
                self.is_over = false;
                self.hears = Hears::Events { source: EventSource::default(), position: None };
            }
            (200, "application/x-ndjson") => {
                assert!(self.streams && self.is_over, "{response:?}");
                self.is_over = false;
                self.hears = Hears::Lines { position: None };
            }
            _ => {}
        }
    }

    fn hear_frame(&mut self, frame: &Frame, moment: &Moment<'_>) {
        match frame.opcode {
            TEXT | BINARY => {
                let longest = moment.bounds.most.message_bytes_max.max(400);
                assert!(frame.payload.len() <= longest, "{} bytes", frame.payload.len());
            }
            CLOSE => {
                let code = frames::close_code(&frame.payload);
                let is_sendable = matches!(code, 1000..=1003 | 1005 | 1007..=1014 | 3000..=4999);
                assert!(is_sendable, "closed with {code}");
                self.is_over = true;
            }
            PING | PONG => {}
            other => unreachable!("the parser knows no opcode {other}"),
        }
    }

    /// It has read everything up to the end, at which nothing was left out.
    pub(crate) fn hear_graceful_end(&self) {
        match &self.hears {
            Hears::Responses | Hears::Lines { .. } => {}
            Hears::Frames { .. } => assert!(self.is_over, "a WebSocket ends with a close frame"),
            Hears::Events { source, .. } => assert!(!source.in_block, "between two events"),
        }
    }
}

/// Takes a response. Whether it is one to HEAD only what follows tells: the body that its head
/// speaks of, or something else.
fn take_response(buffer: &mut Vec<u8>, said: &[u8], is_all: bool) -> Option<Response> {
    let may_be_head = said.windows(4).any(|four| four == b"HEAD");
    let head_length = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let rest = &buffer[head_length..];
    let is_without = rest.starts_with(b"HTTP/1.1 ") || (rest.is_empty() && is_all);
    http::take(buffer, may_be_head && is_without)
}

fn hear_event(position: &mut Option<u64>, heard: Heard, shadow: &Shadow, moment: &Moment<'_>) {
    let before = *position;
    let (at, is_new) = match heard {
        Heard::Retry | Heard::Heartbeat => return,
        Heard::Position(id) => (check::number(&id, moment.hub), false),
        Heard::Event { name, data, id } if name == "gap" => {
            let gap: Value = serde_json::from_str(&data).expect("a gap is JSON");
            assert!(gap["missed"].is_null() || gap["missed"].as_u64().is_some_and(|n| n > 0));
            (check::number(&id, moment.hub), false)
        }
        Heard::Event { name, data, id } => {
            let at = check::number(&id, moment.hub);
            let event = shadow.event(at);
            if data.starts_with("{\"id\":") {
                check::is_full(&id, event, &data);
            } else {
                assert!(matches!(name.as_str(), "" | "binary" | "join" | "leave"), "{name}");
                check::is_shown(&event.id, &event.shows, data.as_bytes());
            }
            (at, true)
        }
    };
    let goes_on = before.is_none_or(|before| if is_new { at > before } else { at >= before });
    assert!(goes_on, "{at} after {before:?}");
    assert!(before.is_some() || !is_new, "a position comes first");
    *position = Some(at);
}
