//! Who runs the node: what is revoked, what of that is taken back, tickets for guests.
//!
//! Knows: what the API is asked, and what follows from it once it has been.
//! Must not know: how a core goes through its connections.

use super::client::{Expected, Role};
use super::guest::{Guest, Kind};
use super::http::{Response, encode};
use super::pass::{Kept, Pass};
use super::policies::Facts;
use super::reach;
use super::world::World;
use serde_json::{Value, json};
use std::sync::Arc;
use tidegate::auth::Whom;

const HTTP: u8 = 1;
const BOTH: u8 = 2;

/// A credential that is good once.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) pass: Pass,
    pub(crate) until_ms: u64,
    pub(crate) is_used: bool,
}

impl Ticket {
    /// Somebody shows it. Whether that counts.
    pub(crate) fn redeem(&mut self, now_ms: u64) -> bool {
        !std::mem::replace(&mut self.is_used, true) && now_ms < self.until_ms
    }
}

/// What the API is asked.
#[derive(Clone, Debug)]
enum Deed {
    Revoke(Whom),
    Lift(Whom),
    /// A ticket that gives this for so many seconds, or for ever.
    Mint(Pass, Option<u64>),
}

/// Somebody who asks it.
#[derive(Debug)]
pub(crate) struct Errand {
    deed: Deed,
    /// The byte behind its request.
    request_end: u64,
    /// What it is to be answered, since when.
    due: Option<(u16, u64)>,
    pub(crate) is_answered: bool,
    /// What it was given.
    pub(crate) ticket: Option<Ticket>,
}

impl Errand {
    /// What it did is answered. If keys have come or gone since it came, either may be so.
    pub(crate) fn hear(&mut self, response: &Response, is_flipped: bool) {
        let (due, given_ms) = self.due.expect("nothing is answered before it came");
        let is_it = response.status == due || is_flipped;
        assert!(is_it, "{due} for {:?}: {response:?}", self.deed);
        let Deed::Mint(pass, span) = &self.deed else { return };
        if response.status != 201 {
            return;
        }
        let said: Value = serde_json::from_slice(&response.body).expect("JSON");
        let until_ms = said["expiresAt"].as_u64().expect("a time");
        let mut pass = pass.clone();
        said["ticket"].as_str().expect("a ticket").clone_into(&mut pass.text);
        pass.issued_ms = Some(given_ms / 1000 * 1000);
        pass.expires_ms = span.map(|seconds| given_ms + seconds * 1000);
        let most = pass.expires_ms.unwrap_or(u64::MAX).min(given_ms + 30_000);
        assert_eq!(until_ms, most, "{said}");
        self.ticket = Some(Ticket { pass, until_ms, is_used: false });
    }
}

impl World<'_> {
    /// Somebody comes who may manage, and asks for one thing.
    pub(crate) fn run_errand(&mut self) {
        let deed = self.some_deed();
        let (line, body) = match &deed {
            Deed::Revoke(whom) => {
                let (kind, name) = parts(whom);
                ("POST /api/revocations".to_owned(), json!({ kind: name }).to_string())
            }
            Deed::Lift(whom) => {
                let (kind, name) = parts(whom);
                let line = format!("DELETE /api/revocations?{kind}={}", encode(name));
                (line, String::new())
            }
            Deed::Mint(pass, span) => {
                let mut body = json!({
                    "subject": pass.subject, "connect": true,
                    "subscribe": pass.reads, "publish": pass.publishes,
                });
                if let Some(seconds) = span {
                    body["expiresIn"] = (*seconds).into();
                }
                ("POST /api/tickets".to_owned(), body.to_string())
            }
        };
        let listener = *self.dice.pick(&[HTTP, BOTH]);
        let number = self.arrive(listener, Role::Plain);
        let client = &mut self.clients[number];
        client.has_asked_last = true;
        if client.key.is_none() {
            return;
        }
        let text = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        client.wire.say(reach::with_key(&text, false).as_bytes());
        let request_end = client.wire.said;
        let expected =
            Expected { status: 200, is_head: false, body: None, begin: 0, end: request_end };
        client.expected.push_back(expected);
        let (due, is_answered, ticket) = (None, false, None);
        let errand = Errand { deed, request_end, due, is_answered, ticket };
        client.errand = Some(Box::new(errand));
        self.trace(|| format!("client {number} is to {line} {body}"));
    }

    /// What it was given, others may come with.
    pub(crate) fn take_ticket(&mut self, number: usize) {
        let errand = self.clients[number].errand.as_mut();
        if let Some(mut ticket) = errand.and_then(|errand| errand.ticket.take()) {
            ticket.pass.kept = Kept::Ticket(self.tickets.len());
            self.tickets.push(ticket);
        }
    }

    fn some_deed(&mut self) -> Deed {
        match self.dice.below(10) {
            0..=5 => Deed::Revoke(self.some_whom()),
            6 if !self.revoked.is_empty() => {
                let revoked = self.revoked.iter().map(|one| one.whom.clone()).collect::<Vec<_>>();
                Deed::Lift(self.dice.pick(&revoked).clone())
            }
            6 => Deed::Lift(self.some_whom()),
            _ => {
                let kind = *self.dice.pick(&[Kind::Relay, Kind::Roam, Kind::Stream]);
                let subject = *self.dice.pick(&["guest", "other", "bearer of a ticket"]);
                let (publishes, reads) = (self.some_rooms(), self.some_rooms());
                let pass = Pass {
                    text: String::new(),
                    kept: Kept::Ticket(0),
                    subject: subject.to_owned(),
                    token_id: None,
                    issued_ms: None,
                    expires_ms: None,
                    reads: if kind == Kind::Stream { vec!["*"] } else { reads },
                    publishes,
                };
                Deed::Mint(pass, *self.dice.pick(&[None, Some(1), Some(20), Some(600)]))
            }
        }
    }

    /// Mostly somebody who is there, or who comes next.
    fn some_whom(&mut self) -> Whom {
        let guests = self.clients.iter().filter(|client| client.guest().is_some());
        let (here, all): (Vec<_>, Vec<_>) =
            guests.partition(|client| client.guest().is_some_and(Guest::is_let_in));
        let some = if here.is_empty() || self.dice.chance(20) { all } else { here };
        let some: Vec<usize> = some.iter().map(|client| client.number).collect();
        if some.is_empty() || self.dice.chance(10) {
            return Whom::ConnectionId(format!("guest-{}", self.clients.len() + 1).into());
        }
        let number = *self.dice.pick(&some);
        let guest = self.clients[number].guest().expect("one of them");
        let (id, subject) = (guest.id.clone(), guest.pass.subject.clone());
        let token_id = guest.pass.token_id.clone();
        match (self.dice.below(3), token_id) {
            (0, Some(token_id)) => Whom::TokenId(token_id.into()),
            (0 | 1, _) => Whom::Subject(subject.into()),
            _ => Whom::ConnectionId(Arc::from(id)),
        }
    }

    /// What somebody came to ask may just have reached a core that goes by `facts`.
    pub(crate) fn note_errand(&mut self, number: usize, facts: Facts) {
        let now_ms = self.now_ms();
        let client = &mut self.clients[number];
        let is_sure = !self.cores[client.core].is_draining && !client.is_flipped;
        let consumed = client.wire.consumed;
        let Some(errand) = &mut client.errand else { return };
        if errand.due.is_some() || errand.is_answered || consumed < errand.request_end {
            return;
        }
        let revocations = &self.vault.revocations;
        let (due, whom) = match &errand.deed {
            Deed::Mint(..) => (201, None),
            Deed::Revoke(whom) => (200, Some((whom, true))),
            Deed::Lift(whom) => {
                let was_there = self.revoked.iter().any(|one| one.whom == *whom);
                (if was_there { 204 } else { 404 }, Some((whom, false)))
            }
        };
        let due = if facts.has_keys { due } else { 409 };
        errand.due = Some((due, now_ms));
        if let Some((whom, is_revoked)) = whom.filter(|_| is_sure && facts.has_keys) {
            assert_eq!(revocations.holds(whom, now_ms), is_revoked, "{:?}", errand.deed);
        }
        // Where nobody can be sure, it is as the vault says.
        self.revoked = revocations.page(None, usize::MAX, now_ms);
        let guests = self.clients.iter_mut().filter_map(|client| client.guest_mut());
        guests.for_each(|guest| guest.note_revoked(&self.revoked));
    }
}

fn parts(whom: &Whom) -> (&'static str, &str) {
    match whom {
        Whom::Subject(name) => ("subject", name),
        Whom::TokenId(name) => ("tokenId", name),
        Whom::ConnectionId(name) => ("connectionId", name),
    }
}
