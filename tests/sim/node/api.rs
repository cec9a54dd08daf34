//! What is published on behalf of nobody who is connected, and the counts that go with it.
//!
//! Knows: the engine's face for it, what a receipt promises.
//! Must not know: how it is asked for over HTTP.

use super::client::{Client, Role};
use super::finish::is_open;
use super::shadow::Shows;
use super::world::World;
use std::mem;
use tidegate::engine::Said;
use tidegate::hub::{Api, EVERYONE, Receipt, Who};

/// Rooms that clients are in, one that none is in, and all.
const ROOMS: [&str; 8] = ["main", "r1", "r 2", "ö", "nobody's", EVERYONE, EVERYONE, EVERYONE];

/// Something that the API says.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) room: &'static str,
    pub(crate) binary: bool,
    pub(crate) raw: Vec<u8>,
    pub(crate) shows: Shows,
    /// The names that do not get it.
    pub(crate) except: Vec<String>,
}

/// Whether a message comes from there: nobody else says such a thing.
pub(crate) fn is_from_api(payload: &[u8]) -> bool {
    payload.starts_with(b"api:") || payload.starts_with(b"{\"api:\"")
}

impl World<'_> {
    /// Somebody has a core publish something.
    pub(crate) fn publish_by_api(&mut self) {
        let core = self.dice.below(self.cores.len());
        let room = *self.dice.pick(&ROOMS);
        self.have_published(core, room);
    }

    fn have_published(&mut self, core: usize, room: &'static str) {
        let ticket = self.shadow.api.len();
        let pad = "x".repeat(*self.dice.pick(&[0, 0, 30, 300]));
        let (binary, text) = match self.dice.below(4) {
            0 => (true, format!("api:{ticket}{pad}\0")),
            1 => {
                (false, format!("{{\"api:\":{ticket},\r\n\"connectionId\":\"a\",\"p\":\"{pad}\"}}"))
            }
            _ => (false, format!("api:{ticket}\r\n{pad}")),
        };
        let raw = text.clone().into_bytes();
        let shows = match text.starts_with('{') {
            _ if binary => Shows::ApiBase64(raw.clone()),
            true => Shows::Line(super::shadow::on_one_line(&text).into_bytes()),
            false => Shows::ApiWrapped(text),
        };
        let names = self.clients.iter().filter_map(|client| client.speaker()?.id.clone());
        let names: Vec<String> = names.collect();
        let mut except = Vec::new();
        if !names.is_empty() {
            let count = *self.dice.pick(&[0, 0, 1, 3]);
            except.extend((0..count).map(|_| self.dice.pick(&names).clone()));
        }
        self.trace(|| format!("core {core} is to publish {ticket} to {room}, not to {except:?}"));
        self.shadow.api.push(Published { room, binary, raw, shows, except });
        self.cores[core].to_publish.push(ticket);
        self.cores[core].is_rung = true;
    }

    /// What core `core` was asked to publish goes into its turn. Gives the tickets.
    pub(crate) fn publish_pending(&mut self, core: usize) -> Vec<usize> {
        let mut tickets = mem::take(&mut self.cores[core].to_publish);
        tickets.retain(|ticket| {
            let Published { room, binary, raw, except, .. } = &self.shadow.api[*ticket];
            let who = |name: &String| -> Who { self.hub.who_keys().who(name) };
            let api = Api { ticket: *ticket as u64, except: except.iter().map(who).collect() };
            let said = match binary {
                true => Said::Binary(raw),
                false => Said::Text(str::from_utf8(raw).expect("text")),
            };
            let is_there = *room == EVERYONE || self.hub.room_info(room).is_some();
            let may_be = is_there || self.hub.holdings().rooms < self.policies.of_logs().rooms_max;
            let is_published = self.cores[core].engine.publish(room, said, api);
            assert_eq!(is_published, may_be, "{room}");
            is_published
        });
        tickets
    }

    /// Each of them has a receipt that names its event.
    pub(crate) fn check_receipts(&self, core: usize, tickets: &[usize]) {
        let receipts = self.cores[core].engine.receipts();
        assert_eq!(receipts.len(), tickets.len(), "{receipts:?}");
        for (receipt, ticket) in receipts.iter().zip(tickets) {
            assert_eq!(receipt.ticket, *ticket as u64);
            assert_eq!(self.shadow.event(receipt.first).ticket, Some(*ticket));
        }
    }

    /// What a receipt says when nothing moves is what is so.
    pub(crate) fn check_receipt_at_rest(&mut self) {
        let core = self.dice.below(self.cores.len());
        let room = *self.dice.pick(&ROOMS);
        let Some((members, subscribers)) = self.count(room) else { return };
        self.have_published(core, room);
        self.turn(core);
        if let Some(&Receipt { members: told, subscribers: streams, .. }) =
            self.cores[core].engine.receipts().last()
        {
            assert_eq!((told, streams), (members, subscribers), "{room}");
        }
    }

    /// The WebSockets that are in `room`, and the streams that read all of it. `None`: somebody is
    /// there of whom nothing is known.
    fn count(&self, room: &str) -> Option<(u64, u64)> {
        let is_known = |client: &Client| {
            let is_stranger = matches!(client.role, Role::Stranger(_) | Role::Guest(_));
            !is_stranger && !client.is_stalled && !client.is_mute
        };
        if !self.clients.iter().all(is_known) {
            return None;
        }
        let open = || self.clients.iter().filter(|client| is_open(client));
        let is_in = |client: &&Client| {
            client.speaker().is_some_and(|speaker| {
                let is_home = speaker.room.as_deref().is_some_and(|home| home == room);
                let joined = speaker.roaming.as_ref().map(|roaming| roaming.joined.contains(room));
                room == EVERYONE || joined.unwrap_or(is_home)
            })
        };
        let reads = |client: &&Client| match &client.role {
            Role::Reader(reader) => {
                let rooms = &reader.rooms;
                // Who reads all that is in its reach is counted nowhere.
                !reader.reads_reach()
                    && reader.ids.is_empty()
                    && (rooms.is_empty() || rooms.iter().any(|one| one == room))
            }
            Role::Plain | Role::Speaker(_) | Role::Stranger(_) | Role::Guest(_) => false,
        };
        Some((open().filter(is_in).count() as u64, open().filter(reads).count() as u64))
    }

    /// When nothing moves, each room's counts are true.
    pub(crate) fn check_counts(&self) {
        for room in self.hub.rooms(None, "", usize::MAX) {
            let Some((connections, subscribers)) = self.count(&room.name) else { return };
            let told = (room.connections, room.subscribers);
            assert_eq!(told, (connections, subscribers), "{room:?}");
            let is_member = |client: &&Client| {
                let speaker = client.speaker();
                speaker.is_some_and(|speaker| {
                    let is_home = speaker.room.as_deref() == Some(&*room.name);
                    let joined =
                        speaker.roaming.as_ref().map(|one| one.joined.contains(&*room.name));
                    speaker.is_member() && joined.unwrap_or(is_home)
                })
            };
            let members = self.clients.iter().filter(is_member).filter(|client| is_open(client));
            assert_eq!(room.members, members.count() as u64, "{room:?}");
        }
    }
}
