//! Tokens, and who comes with them, or with a ticket.
//!
//! Knows: the keys that vouch for guests, what a token can say, which tickets there are.
//! Must not know: what has to follow from it.

use super::act::ROOMS;
use super::client::Role;
use super::guest::{Bid, Guest, Kind};
use super::http::encode;
use super::pass::{Kept, Pass};
use super::policies::Facts;
use super::world::World;
use std::sync::Arc;
use tidegate::auth::{Access, Algorithm, Asked, Expected, Mint, Order, Rights, Secret};
use tidegate::ws::frame::{Opcode, push_masked};

/// Keys of one name that there may be, one at a time.
pub(crate) const KEYS: usize = 2;

const WS: u8 = 0;
const HTTP: u8 = 1;
const BOTH: u8 = 2;

fn secret(key: usize) -> Secret {
    Secret::new(vec![b'a' + u8::try_from(key).expect("few"); 32])
}

/// Who may come in where `access` says so, and guests if there is a key for them.
pub(crate) fn invited(access: &Arc<Access>, guests: Option<usize>) -> Arc<Access> {
    let Some(key) = guests else { return Arc::clone(access) };
    let mut access = Access::clone(access);
    let (keyring, expected) = (&mut access.keyring, Expected::default());
    let (of, rights) = (secret(key), Rights::usual());
    let added = keyring.add_hmac("guests", Algorithm::HS256, None, expected, &of, rights);
    added.expect("a key of 32 bytes");
    Arc::new(access)
}

impl World<'_> {
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock().unix_ms
    }

    pub(crate) fn some_rooms(&mut self) -> Vec<&'static str> {
        let all = ROOMS.into_iter();
        all.filter(|_| self.dice.chance(50)).collect()
    }

    /// A token of this key for `subject`, good for some seconds.
    fn pass(
        &mut self,
        subject: &str,
        key: usize,
        (reads, publishes): (Vec<&'static str>, Vec<&'static str>),
    ) -> Pass {
        let seconds = *self.dice.pick(&[1, 5, 20, 60, 600]);
        let expires = self.now_ms() / 1000 + seconds;
        self.tokens += 1;
        let token_id = self.dice.chance(70).then(|| format!("token-{}", self.tokens));
        let issued = self.dice.chance(50).then(|| self.now_ms() / 1000);
        let order = Order {
            subject: Some(subject.to_owned()),
            token_id: token_id.clone(),
            issued,
            expires: Some(expires),
            rights: Some(Asked {
                connect: true,
                subscribe: reads.iter().map(|room| (*room).to_owned()).collect(),
                publish: publishes.iter().map(|room| (*room).to_owned()).collect(),
                ..Asked::default()
            }),
            ..Order::default()
        };
        let mint = Mint::of_secret(Algorithm::HS256, &secret(key)).expect("32 bytes");
        Pass {
            text: mint.token(&order).expect("it signs"),
            kept: Kept::Token(key),
            subject: subject.to_owned(),
            token_id,
            issued_ms: issued.map(|seconds| seconds * 1000),
            expires_ms: Some(expires * 1000),
            reads,
            publishes,
        }
    }

    /// One of their keys, mostly the one that there is.
    fn some_key(&mut self) -> usize {
        let key = self.policies.latest().facts.guests.filter(|_| self.dice.chance(90));
        key.unwrap_or_else(|| self.dice.below(KEYS))
    }

    /// What somebody comes with who wants to be `kind`: a ticket, something that somebody had
    /// before, or a new token.
    fn some_pass(&mut self, id: &str, kind: Kind) -> Pass {
        let is_stream = |pass: &Pass| pass.reads == ["*"];
        let fits = |pass: &&Pass| is_stream(pass) == (kind == Kind::Stream);
        let old = self.clients.iter().filter_map(|client| client.guest());
        let old: Vec<Pass> = old.map(|guest| &guest.pass).filter(fits).cloned().collect();
        let tickets = self.tickets.iter().map(|ticket| &ticket.pass).filter(fits).cloned();
        let tickets: Vec<Pass> = tickets.collect();
        if !tickets.is_empty() && self.dice.chance(50) {
            // Mostly the last: it may be good yet, once.
            let recent = tickets.len().saturating_sub(2);
            return self.dice.pick(&tickets[recent..]).clone();
        }
        if !old.is_empty() && self.dice.chance(30) {
            return self.dice.pick(&old).clone();
        }
        let (key, publishes, reads) = (self.some_key(), self.some_rooms(), self.some_rooms());
        let reads = if kind == Kind::Stream { vec!["*"] } else { reads };
        // Some are of one subject.
        let shared = ["guest", "other"];
        let subject = if self.dice.chance(20) { *self.dice.pick(&shared) } else { id };
        self.pass(subject, key, (reads, publishes))
    }

    /// A guest comes, by a token of its own or by one that somebody had before.
    pub(crate) fn connect_guest(&mut self) {
        let id = format!("guest-{}", self.clients.len());
        let kind = *self.dice.pick(&[Kind::Relay, Kind::Roam, Kind::Roam, Kind::Stream]);
        let home = *self.dice.pick(&ROOMS);
        let pass = self.some_pass(&id, kind);
        let (field, ticket) = match pass.kept {
            Kept::Token(_) => (format!("Authorization: Bearer {}\r\n", pass.text), String::new()),
            Kept::Ticket(_) => (String::new(), format!("ticket={}", pass.text)),
        };
        let (path, room) = (encode(&id), encode(home));
        let text = match kind {
            Kind::Stream => format!(
                "GET /events?{ticket} HTTP/1.1\r\nHost: localhost\r\n\
                 Accept: application/x-ndjson\r\n{field}\r\n"
            ),
            Kind::Relay | Kind::Roam => {
                let route = if kind == Kind::Relay { "ws" } else { "roam" };
                format!(
                    "GET /{route}/{room}?connectionId={path}&{ticket} HTTP/1.1\r\n\
                     Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{field}\r\n"
                )
            }
        };
        let listener = if kind == Kind::Stream { [HTTP, BOTH] } else { [WS, BOTH] };
        let listener = *self.dice.pick(&listener);
        let guest = Guest::new(kind, id, home, pass);
        let number = self.arrive(listener, Role::Guest(Box::new(guest)));
        let client = &mut self.clients[number];
        client.wire.say(text.as_bytes());
        let end = client.wire.said;
        if let Some(guest) = client.guest_mut() {
            guest.request_end = end;
        }
    }

    /// A guest that is there says something: what it may, and what it may not.
    pub(crate) fn guest_speaks(&mut self, number: usize) {
        let Some(guest) = self.clients[number].guest() else { return };
        if !guest.is_let_in() || guest.kind == Kind::Stream {
            return;
        }
        let (is_member, reads) = (guest.kind == Kind::Roam, guest.pass.reads.clone());
        // Mostly one that it can be in.
        let is_near = !reads.is_empty() && self.dice.chance(70);
        let room = if is_near { *self.dice.pick(&reads) } else { *self.dice.pick(&ROOMS) };
        let text = match self.dice.below(100) {
            0..=14 => self.refresh(number),
            15..=39 if is_member => format!("{{\"join\":{}}}", serde_json::Value::from(room)),
            40..=69 if is_member => self.clients[number].guest().expect("one").message(Some(room)),
            _ => self.clients[number].guest().expect("one").message(None),
        };
        let mut frame = Vec::new();
        push_masked(&mut frame, true, Opcode::Text, [1, 2, 3, 4], text.as_bytes());
        self.trace(|| format!("guest {number} says {text}"));
        self.clients[number].wire.say(&frame);
    }

    /// A newer token of the same, with other rights; now and then of somebody else.
    fn refresh(&mut self, number: usize) -> String {
        let guest = self.clients[number].guest().expect("a guest");
        let (old, may_bid) = (guest.pass.clone(), guest.may_bid());
        let is_foreign = self.dice.chance(10);
        let subject = if is_foreign { "somebody else" } else { &*old.subject };
        let key = match old.kept {
            Kept::Token(key) => key,
            Kept::Ticket(_) => self.some_key(),
        };
        let mut reads = old.reads;
        let more: Vec<&str> = ROOMS.into_iter().filter(|room| !reads.contains(room)).collect();
        match self.dice.below(4) {
            0 if !reads.is_empty() => _ = reads.swap_remove(self.dice.below(reads.len())),
            1 if !more.is_empty() => reads.push(*self.dice.pick(&more)),
            _ => {}
        }
        let publishes = self.some_rooms();
        let pass = self.pass(subject, key, (reads, publishes));
        let text = format!("{{\"refresh\":\"{}\"}}", pass.text);
        if let Some(guest) = self.clients[number].guest_mut().filter(|_| may_bid) {
            guest.bid(Bid { pass, is_foreign });
        }
        text
    }

    /// A guest may just have come, to a core that goes by `facts`.
    pub(crate) fn note_guest(&mut self, number: usize, facts: Facts) {
        let (now_ms, consumed) = (self.now_ms(), self.clients[number].wire.consumed);
        let Some(guest) = self.clients[number].guest_mut() else { return };
        if !guest.comes(consumed) {
            return;
        }
        let pass = &guest.pass;
        let is_revoked = self.revoked.iter().any(|revocation| pass.is_revoked(revocation));
        let is_there = match pass.kept {
            Kept::Token(key) => facts.guests == Some(key),
            Kept::Ticket(ticket) if facts.has_keys => self.tickets[ticket].redeem(now_ms),
            Kept::Ticket(_) => false,
        };
        let is_good = is_there && pass.is_timely(now_ms) && !is_revoked;
        // What was over once may be forgotten, or not, when the clock was set back.
        guest.is_unsure = match pass.kept {
            Kept::Token(_) => false,
            Kept::Ticket(ticket) => self.tickets[ticket].until_ms <= self.latest_ms,
        };
        guest.has_come(facts, is_good, &self.revoked);
    }

    /// When nothing moves, nobody is there who may be there no more. Only of a clock that was set
    /// ahead cores hear no sooner than when they look at it next.
    pub(crate) fn check_guests(&self) {
        const LOOK: std::time::Duration = std::time::Duration::from_secs(11);
        let is_steady = self.now >= self.set_at + LOOK;
        let here = self.clients.iter().filter(|client| {
            !client.is_stalled && !client.is_mute && !client.wire.reset && !client.wire.is_over()
        });
        for guest in here.filter_map(|client| client.guest()) {
            assert!(!guest.is_unwanted(), "{guest:?} is still there");
            let overstays = is_steady && guest.overstays(self.now_ms());
            assert!(!overstays, "{guest:?} at {}", self.now_ms());
        }
    }
}
