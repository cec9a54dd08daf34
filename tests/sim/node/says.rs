//! What a WebSocket client says: messages good and bad, in frames of all shapes.
//!
//! Knows: the rules for messages, and how each can be broken.
//! Must not know: when it arrives, in which pieces.

use super::client::{Client, Role};
use super::deflate::deflated;
use super::dice::Dice;
use super::policies::Bounds;
use super::roamer::Order;
use super::shadow::{Shadow, Shows, mark, on_one_line};
use super::speaker::{Answer, Said, Speaker, Talk};
use serde_json::Value;
use tidegate::limits::Limits;
use tidegate::ws::frame::{Opcode, push_masked};

/// Set on the first frame of a compressed message.
const RSV1: u8 = 0x40;

/// The client says something, if it may.
pub(crate) fn say(client: &mut Client, dice: &mut Dice, shadow: &mut Shadow, bounds: &Bounds) {
    let what = dice.below(100);
    say_what(client, what, dice, shadow, bounds);
}

/// The client says a message that nothing is wrong with, if it may.
pub(crate) fn say_well(client: &mut Client, dice: &mut Dice, shadow: &mut Shadow, bounds: &Bounds) {
    say_what(client, 0, dice, shadow, bounds);
}

fn say_what(
    client: &mut Client,
    what: usize,
    dice: &mut Dice,
    shadow: &mut Shadow,
    bounds: &Bounds,
) {
    let (number, is_gone) = (client.number, client.is_gone());
    let Role::Speaker(speaker) = &mut client.role else { return };
    if is_gone || !speaker.may_speak() {
        return;
    }
    let mut out = Vec::new();
    match what {
        77..=86 => speaker.say_ping(dice, &mut out),
        87..=88 => frame(&mut out, dice, Opcode::Pong, b"unasked"),
        40..=55 | 89..=96 if speaker.talk == Talk::Roam => {
            let epoch = str::from_utf8(&shadow.epoch).expect("letters").to_owned();
            if let Some((text, answer)) = speaker.order(dice, shadow, &epoch) {
                speaker.push_message(&mut out, dice, Opcode::Text, text.as_bytes(), bounds);
                speaker.answers.push_back(answer);
            }
        }
        89..=96 if speaker.talk == Talk::Relay => speaker.say_refused(dice, bounds, &mut out),
        97 => speaker.break_rules(dice, bounds, &mut out),
        _ => speaker.say_message(number, dice, shadow, bounds, &mut out),
    }
    client.wire.say(&out);
}

/// The client closes politely.
pub(crate) fn say_close(client: &mut Client, dice: &mut Dice) {
    let is_gone = client.is_gone();
    let Role::Speaker(speaker) = &mut client.role else { return };
    if is_gone || !speaker.may_speak() {
        return;
    }
    let code = *dice.pick(&[1000, 1001, 1005, 3000, 4000, 4999]);
    speaker.sent_close = Some(code);
    let mut payload = Vec::new();
    if code != 1005 {
        payload.extend_from_slice(&code.to_be_bytes());
        payload.extend_from_slice(dice.pick(&["", "bye", "so \"long\"\n"]).as_bytes());
    }
    let mut out = Vec::new();
    frame(&mut out, dice, Opcode::Close, &payload);
    if dice.chance(20) {
        // Nothing after it counts.
        frame(&mut out, dice, Opcode::Text, b"{}");
    }
    client.wire.say(&out);
}

fn frame(out: &mut Vec<u8>, dice: &mut Dice, opcode: Opcode, payload: &[u8]) {
    push_masked(out, true, opcode, mask(dice), payload);
}

fn mask(dice: &mut Dice) -> [u8; 4] {
    (dice.below(256) as u32).wrapping_mul(0x0123_4567).to_be_bytes()
}

impl Speaker {
    fn say_message(
        &mut self,
        number: usize,
        dice: &mut Dice,
        shadow: &mut Shadow,
        bounds: &Bounds,
        out: &mut Vec<u8>,
    ) {
        let n = shadow.said.len();
        shadow.said.push((number, self.said.len()));
        let n = mark(n);
        // What no policy refuses, but for the bold.
        let is_bold = dice.chance(3);
        let pad = padding(dice, if is_bold { &bounds.most } else { &bounds.least });
        let binary = dice.chance(20) && (self.talk != Talk::Relay || self.is_registered);
        let to = self.say_to(dice, binary);
        let said = match self.talk {
            _ if to.is_some() => said_to(to.as_deref().unwrap_or_default(), &n, &pad),
            _ if binary => {
                let raw = format!("{n}{pad}\0").into_bytes();
                Said { binary, shows: Shows::Base64(raw.clone()), raw }
            }
            Talk::Relay => relayed(self.id.as_deref().unwrap_or_default(), &n, &pad, dice),
            Talk::Member { .. } | Talk::Echo | Talk::Wrap | Talk::Desk | Talk::Roam => {
                let own = self.id.as_deref().filter(|_| self.is_named);
                broadcast(&n, &pad, dice, own)
            }
        };
        let opcode = if binary { Opcode::Binary } else { Opcode::Text };
        self.boldest = self.boldest.max(said.raw.len());
        self.push_message(out, dice, opcode, &said.raw, bounds);
        match self.talk {
            Talk::Echo => {
                self.answers.push_back(Answer::Echo { binary, payload: said.raw.clone() });
            }
            Talk::Desk => self.answers.push_back(Answer::Desk(said.raw.clone())),
            Talk::Roam => self.answers.push_back(Answer::Order(Order::Say(to))),
            Talk::Relay | Talk::Wrap | Talk::Member { .. } => {}
        }
        if !self.publishes() {
            return;
        }
        self.is_registered = true;
        self.refusals = 0;
        self.said.push(said);
    }

    /// One message in one frame or several, with pings between them.
    fn push_message(
        &mut self,
        out: &mut Vec<u8>,
        dice: &mut Dice,
        opcode: Opcode,
        payload: &[u8],
        bounds: &Bounds,
    ) {
        let deflated = (self.deflates && dice.chance(60)).then(|| deflated(payload, dice));
        let payload = deflated.as_deref().unwrap_or(payload);
        let start = out.len();
        let frames = if dice.chance(70) { 1 } else { dice.between(2, bounds.least.fragments_max) };
        let mut rest = payload;
        for number in 0..frames {
            let is_last = number + 1 == frames;
            let n = if is_last { rest.len() } else { dice.below(rest.len() + 1) };
            let opcode = if number == 0 { opcode } else { Opcode::Continuation };
            push_masked(out, is_last, opcode, mask(dice), &rest[..n]);
            rest = &rest[n..];
            if !is_last && dice.chance(20) {
                self.say_ping(dice, out);
            }
        }
        if deflated.is_some() {
            out[start] |= RSV1;
        }
    }

    fn say_ping(&mut self, dice: &mut Dice, out: &mut Vec<u8>) {
        // Each its own, so that it can be seen which were left out.
        self.pings += 1;
        let mut payload = self.pings.to_be_bytes().to_vec();
        payload.resize(dice.between(8, 125), b'.');
        frame(out, dice, Opcode::Ping, &payload);
        self.answers.push_back(Answer::Pong(payload));
    }

    /// A message that is refused, and the connection lives on.
    fn say_refused(&mut self, dice: &mut Dice, bounds: &Bounds, out: &mut Vec<u8>) {
        let is_registered = self.is_registered;
        let id = Value::from(self.id.as_deref().unwrap_or_default());
        let too_early = |code| if is_registered { code } else { "not-registered" };
        let (text, code) = match dice.below(8) {
            0 => ("no JSON".to_owned(), "not-json"),
            1 => ("[1]".to_owned(), "not-an-object"),
            2 => (format!("{{\"connectionId\":{id},\"connectionId\":{id}}}"), "duplicate-key"),
            3 => (format!("{{\"connectionId\":{id},\"clos\\u0065\":1}}"), "reserved-key"),
            4 => ("{\"m\":1}".to_owned(), too_early("bad-connection-id")),
            5 => ("{\"connectionId\":5}".to_owned(), "bad-connection-id"),
            6 => (format!("{{\"connectionId\":{id},\"m\":01}}"), "not-json"),
            _ if is_registered => {
                ("{\"connectionId\":\"other\"}".to_owned(), "wrong-connection-id")
            }
            _ => ("{\"connectionId\":\"\"}".to_owned(), "bad-connection-id"),
        };
        let is_early_binary = !is_registered && dice.chance(20);
        if is_early_binary {
            frame(out, dice, Opcode::Binary, text.as_bytes());
        } else {
            frame(out, dice, Opcode::Text, text.as_bytes());
        }
        self.answers.push_back(Answer::Error(if is_early_binary {
            "not-registered"
        } else {
            code
        }));
        self.refusals += 1;
        self.most_refusals = self.most_refusals.max(self.refusals);
        if self.refusals >= bounds.most.refusals_max {
            self.doom = Some(1008);
        }
    }

    /// A breach of the protocol, for which the connection is closed.
    fn break_rules(&mut self, dice: &mut Dice, bounds: &Bounds, out: &mut Vec<u8>) {
        let too_big = (1u64 << 20).to_be_bytes();
        let (bytes, code): (Vec<u8>, u16) = match dice.below(if self.deflates { 13 } else { 10 }) {
            0 => (vec![0x81, 0x01, b'x'], 1002),
            1 => (vec![0xf1, 0x80, 1, 2, 3, 4], 1002),
            2 => (vec![0x83, 0x80, 1, 2, 3, 4], 1002),
            3 => (vec![0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007),
            4 => (vec![0x80, 0x80, 1, 2, 3, 4], 1002),
            5 => (vec![0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0], 1002),
            6 => ([&[0x82, 0xff][..], &too_big, &[1, 2, 3, 4]].concat(), 1009),
            7 => (vec![0x88, 0x81, 0, 0, 0, 0, 3], 1002),
            8 => (vec![0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed], 1002),
            // No DEFLATE, a ping with RSV1, and more than may be.
            10 => (vec![0xc1, 0x81, 0, 0, 0, 0, 0xff], 1007),
            11 => (vec![0xc9, 0x80, 1, 2, 3, 4], 1002),
            12 => {
                let bomb = deflated(&vec![b'0'; bounds.most.message_bytes_max + 1], dice);
                let mut bytes = Vec::new();
                push_masked(&mut bytes, true, Opcode::Binary, mask(dice), &bomb);
                bytes[0] |= RSV1;
                (bytes, 1009)
            }
            _ => {
                let mut bytes = vec![0x02, 0x80, 0, 0, 0, 0];
                (0..bounds.most.fragments_max).for_each(|_| bytes.extend([0, 0x80, 0, 0, 0, 0]));
                (bytes, 1009)
            }
        };
        out.extend_from_slice(&bytes);
        if dice.chance(50) {
            frame(out, dice, Opcode::Text, b"whatever follows");
        }
        self.doom = Some(code);
    }
}

/// Mostly short; now and then as long as may be.
fn padding(dice: &mut Dice, limits: &Limits) -> String {
    let longest = limits.message_bytes_max - 200;
    let length = match dice.below(20) {
        0 => dice.below(longest + 1),
        1..=4 => dice.below(longest.min(600) + 1),
        _ => dice.below(40),
    };
    let filler = *dice.pick(&["x", "ü", "🫐", "a b"]);
    filler.repeat(length / filler.len())
}

/// A message for a relay, and how subscribers see it.
fn relayed(id: &str, n: &str, pad: &str, dice: &mut Dice) -> Said {
    let id = Value::from(id);
    let text = match dice.below(5) {
        0 => format!("{{\"m\":\"{n}{pad}\",\"connectionId\":{id}}}"),
        1 => format!("{{\r\n \"connectionId\" :\n{id},\r\"m\":\"{n}{pad}\"}}\n"),
        2 => format!("{{\"connection\\u0049d\":{id},\"m\":[\"{n}{pad}\",{{}}]}}"),
        3 => format!("{{\"connectionId\":{id},\"m\":{{\"close\":1,\"p\":\"{n}{pad}\"}}}}"),
        _ => format!("{{\"connectionId\":{id},\"m\":\"{n}{pad}\"}}"),
    };
    let line = on_one_line(&text);
    Said { binary: false, raw: text.into_bytes(), shows: Shows::Line(line.into_bytes()) }
}

/// A message for one of several rooms.
fn said_to(room: &str, n: &str, pad: &str) -> Said {
    let raw = serde_json::json!({"m": format!("{n}{pad}"), "to": room}).to_string().into_bytes();
    Said { binary: false, shows: Shows::Line(raw.clone()), raw }
}

/// A message for a route that takes anything.
fn broadcast(n: &str, pad: &str, dice: &mut Dice, own: Option<&str>) -> Said {
    let (text, is_object) = match dice.below(5) {
        0 => (format!("{{\"m\":\"{n}{pad}\"}}"), true),
        1 => (format!("{{\n\"m\":\r\n\"{n}{pad}\"}}"), true),
        2 => (format!("{{\"connectionId\":\"a\",\"m\":\"{n}{pad}\"}}"), own == Some("a")),
        3 => (format!("{{\"close\":{{}},\"m\":\"{n}{pad}\"}}"), false),
        _ => (format!("{n} {pad}\r\n\"\\ \u{1}"), false),
    };
    let shows = if is_object {
        Shows::Line(on_one_line(&text).into_bytes())
    } else {
        Shows::Wrapped(text.clone())
    };
    Said { binary: false, raw: text.into_bytes(), shows }
}
