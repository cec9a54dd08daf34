//! Tokens, and who comes with them.
//!
//! Knows: the keys that vouch for guests, what a token can say.
//! Must not know: what has to follow from it.

use super::act::ROOMS;
use super::client::Role;
use super::guest::{Guest, Kind, Pass};
use super::http::encode;
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
    fn now_ms(&self) -> u64 {
        self.clock().unix_ms
    }

    fn some_rooms(&mut self) -> Vec<&'static str> {
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
        let patterns =
            |rooms: &[&'static str]| rooms.iter().map(|room| (*room).to_owned()).collect();
        let order = Order {
            subject: Some(subject.to_owned()),
            expires: Some(expires),
            rights: Some(Asked {
                connect: true,
                subscribe: patterns(&reads),
                publish: patterns(&publishes),
                ..Asked::default()
            }),
            ..Order::default()
        };
        let mint = Mint::of_secret(Algorithm::HS256, &secret(key)).expect("32 bytes");
        let token = mint.token(&order).expect("it signs");
        Pass { token, key, expires_ms: expires * 1000, reads, publishes }
    }

    /// A guest comes, by a token of its own or by one that somebody had before.
    pub(crate) fn connect_guest(&mut self) {
        let id = format!("guest-{}", self.clients.len());
        let kind = *self.dice.pick(&[Kind::Relay, Kind::Roam, Kind::Roam, Kind::Stream]);
        let home = *self.dice.pick(&ROOMS);
        let old = self.clients.iter().filter_map(|client| client.guest());
        let old = old.filter(|guest| (guest.kind == Kind::Stream) == (kind == Kind::Stream));
        let old: Vec<Pass> = old.map(|guest| guest.pass.clone()).collect();
        let pass = if !old.is_empty() && self.dice.chance(30) {
            self.dice.pick(&old).clone()
        } else {
            let key = self.policies.latest().facts.guests.filter(|_| self.dice.chance(90));
            let key = key.unwrap_or_else(|| self.dice.below(KEYS));
            let publishes = self.some_rooms();
            let mut reads = self.some_rooms();
            if kind == Kind::Stream {
                reads = vec!["*"];
            }
            self.pass(&id, key, (reads, publishes))
        };
        let credential = format!("Authorization: Bearer {}\r\n", pass.token);
        let (path, room) = (encode(&id), encode(home));
        let text = match kind {
            Kind::Stream => format!(
                "GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: application/x-ndjson\r\n\
                 {credential}\r\n"
            ),
            Kind::Relay | Kind::Roam => {
                let route = if kind == Kind::Relay { "ws" } else { "roam" };
                format!(
                    "GET /{route}/{room}?connectionId={path} HTTP/1.1\r\nHost: localhost\r\n\
                     Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{credential}\r\n"
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

    /// A newer token of the same.
    fn refresh(&mut self, number: usize) -> String {
        let guest = self.clients[number].guest().expect("a guest");
        let (old, subject) = (guest.pass.clone(), self.subject_of(&guest.pass.token));
        let new = self.pass(&subject, old.key, (old.reads, old.publishes));
        let text = format!("{{\"refresh\":\"{}\"}}", new.token);
        if let Some(guest) = self.clients[number].guest_mut() {
            guest.refreshes.push_back(new.expires_ms);
        }
        text
    }

    /// Whom a token is about: who shows it may have it from another.
    fn subject_of(&self, token: &str) -> String {
        let claims = tidegate::auth::claims_of(token).expect("it is one of ours");
        let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
        claims["sub"].as_str().expect("a subject").to_owned()
    }

    /// When nothing moves, nobody is there who may be there no more. Only of a clock that was set
    /// ahead cores hear no sooner than when they look at it next.
    pub(crate) fn check_guests(&self) {
        const LOOK: std::time::Duration = std::time::Duration::from_secs(11);
        if self.now < self.set_at + LOOK {
            return;
        }
        let here = self.clients.iter().filter(|client| {
            !client.is_stalled && !client.is_mute && !client.wire.reset && !client.wire.is_over()
        });
        for guest in here.filter_map(|client| client.guest()) {
            assert!(!guest.overstays(self.now_ms()), "{guest:?} at {}", self.now_ms());
        }
    }
}
