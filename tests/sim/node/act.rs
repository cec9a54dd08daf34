//! What clients do: come, ask, speak, dawdle, leave.
//!
//! Knows: routes, parameters, the names that clients share.
//! Must not know: what follows from it.

use super::client::{Client, Expected, READY, Role};
use super::configured;
use super::deflate::{AGREED, OFFERS};
use super::http::encode;
use super::noise::noise;
use super::policies::{Bounds, ORIGIN};
use super::reach;
use super::reader::{Begin, Form, Reader};
use super::says;
use super::speaker::{Speaker, Talk};
use super::stranger::Stranger;
use super::wire::{Ending, Wire};
use super::world::{Core, World};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::Ordering;
use tidegate::bytes::ConnKey;
use tidegate::hub::EVERYONE;

/// Few names, so that they clash.
pub(crate) const IDS: [&str; 5] = ["a", "b c", "ü", "d\"q", "e"];
pub(crate) const ROOMS: [&str; 4] = ["main", "r1", "r 2", "ö"];
const WS: u8 = 0;
const HTTP: u8 = 1;
const BOTH: u8 = 2;

/// What can be asked, and what is answered: status, whether it is HEAD, body, whether the
/// connection ends.
type Question = (&'static str, u16, bool, Option<&'static str>, bool);
const QUESTIONS: [Question; 19] = [
    ("GET /", 200, false, Some(configured::SMALL), false),
    ("GET /large", 200, false, Some(configured::LARGE), false),
    ("HEAD /large", 200, true, None, false),
    ("GET /hello", 200, false, Some("{\"response\":\"world\"}"), false),
    ("HEAD /hello", 200, true, None, false),
    ("GET /livez", 200, false, Some(READY), false),
    ("GET /readyz", 200, false, Some(READY), false),
    ("GET /metrics", 200, false, None, false),
    ("GET /nothing", 404, false, None, false),
    // These ask other cores, and wait.
    ("GET /api/connections?limit=3&prefix=a", 200, false, None, false),
    ("HEAD /api/connections", 200, true, None, false),
    ("GET /api/connections/nobody", 404, false, None, false),
    ("GET /api/rooms/nobody", 404, false, None, false),
    ("OPTIONS /hello", 204, false, None, false),
    ("GET /events?format=odd", 400, false, None, false),
    ("HEAD /events", 200, true, None, true),
    ("DELETE /hello", 405, false, None, false),
    ("POST /hello", 405, false, None, false),
    ("BREW /hello", 501, false, None, false),
];

impl World<'_> {
    /// Somebody connects.
    pub(crate) fn connect(&mut self) {
        if self.strangers > 0 && self.dice.chance(self.strangers) {
            return self.connect_stranger();
        }
        if self.policies.have_keys() && self.dice.chance(45) {
            let is_errand = self.dice.chance(40);
            return if is_errand { self.run_errand() } else { self.connect_guest() };
        }
        match self.dice.below(100) {
            0..=31 => self.connect_speaker(Talk::Relay),
            32..=43 => self.connect_configured(),
            44..=50 => self.connect_roamer(),
            51..=58 => {
                let echo = self.dice.chance(30);
                self.connect_speaker(Talk::Member { echo });
            }
            59..=62 => self.connect_speaker(Talk::Echo),
            63..=90 => self.connect_reader(),
            _ => {
                let listener = *self.dice.pick(&[HTTP, HTTP, BOTH, WS]);
                let number = self.arrive(listener, Role::Plain);
                self.ask(number, listener);
            }
        }
    }

    pub(crate) fn arrive(&mut self, listener: u8, role: Role) -> usize {
        let core = self.dice.below(self.cores.len());
        let now = self.clock();
        let number = self.clients.len();
        let open = self.connections.load(Ordering::Relaxed);
        let Core { engine, by, is_draining, .. } = &mut self.cores[core];
        let key: Option<ConnKey> = engine.accept(listener, IpAddr::V4(Ipv4Addr::LOCALHOST), now);
        let limits = &by.policy.limits;
        assert_eq!(key.is_some(), !*is_draining && open < limits.connections_max);
        let bounds = Bounds::of(limits);
        let room = *self.dice.pick(&[60, 300, 2000, 100_000]);
        let mut client = Client::new((number, core, key), Wire::new(room), role, self.now, bounds);
        client.is_lazy = self.dice.chance(5);
        if let Some(key) = key {
            self.connections_peak = self.connections_peak.max(open + 1);
            self.cores[core].keys.insert(key, number);
            self.cores[core].is_rung = true;
        } else {
            client.wire.queued.extend(self.cores[core].engine.refusal(now));
            client.wire.ending = Ending::Closed(true);
            client.role = Role::Plain;
            client.expected.push_back(Expected {
                status: 503,
                is_head: false,
                body: None,
                begin: 0,
                end: 0,
            });
        }
        self.trace(|| format!("client {number} comes to core {core}: {:?}", client.role));
        self.clients.push(client);
        number
    }

    fn connect_speaker(&mut self, talk: Talk) {
        let room = *self.dice.pick(&ROOMS);
        let id = (*self.dice.pick(&IDS)).to_owned();
        let mut by_url = false;
        let (path, room, id) = match talk {
            Talk::Relay => {
                let is_main = room == "main" && self.dice.chance(80);
                let path = if is_main { "/".to_owned() } else { format!("/ws/{}", encode(room)) };
                by_url = self.dice.chance(25);
                let query = format!("?connectionId={}", encode(&id));
                (path + if by_url { &query } else { "" }, Some(room), Some(id))
            }
            Talk::Member { echo } => {
                (format!("/chat/{}?echo={echo}", encode(room)), Some(room), None)
            }
            Talk::Echo | Talk::Desk | Talk::Wrap | Talk::Roam => ("/echo".to_owned(), None, None),
        };
        if let Some(id) = &id {
            *self.claims.entry(id.clone()).or_default() += 1;
        }
        let mut speaker = Speaker::new(talk, room.map(str::to_owned), id);
        if by_url {
            speaker.register_by_url();
        }
        self.shake_hands(&path, speaker);
    }

    /// The speaker comes, and asks for `path`.
    pub(crate) fn shake_hands(&mut self, path: &str, mut speaker: Speaker) {
        let mut offer = String::new();
        if self.dice.chance(10) {
            speaker.has_origin = true;
            offer = format!("Origin: {ORIGIN}\r\n");
        }
        if self.dice.chance(40) {
            let (text, agreed) = *self.dice.pick(&OFFERS);
            offer += &format!("Sec-WebSocket-Extensions: {text}\r\n");
            speaker.agreed = agreed.map(|parameters| format!("{AGREED}{parameters}"));
        }
        let listener = *self.dice.pick(&[WS, BOTH]);
        let number = self.arrive(listener, Role::Speaker(Box::new(speaker)));
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
             Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n{offer}\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.request(number, &request, (101, false, None));
    }

    /// The client asks for something.
    fn request(
        &mut self,
        number: usize,
        text: &str,
        (status, is_head, body): (u16, bool, Option<&'static str>),
    ) {
        let client = &mut self.clients[number];
        if client.key.is_none() || client.is_gone() {
            return;
        }
        let is_limited = matches!(&client.role, Role::Reader(reader) if reader.is_limited);
        let has_keys = self.policies.have_keys();
        let text = if has_keys { reach::with_key(text, is_limited) } else { text.to_owned() };
        let begin = client.wire.said;
        client.wire.say(text.as_bytes());
        let end = client.wire.said;
        client.expected.push_back(Expected { status, is_head, body, begin, end });
    }

    /// A plain client asks one thing or several.
    fn ask(&mut self, number: usize, listener: u8) {
        if self.clients[number].has_asked_last {
            return;
        }
        if listener == WS {
            self.clients[number].has_asked_last = true;
            let text = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
            return self.request(number, text, (426, false, None));
        }
        for _ in 0..self.dice.between(1, 4) {
            let (line, status, is_head, body, is_last) = *self.dice.pick(&QUESTIONS);
            // A body that turns out to be none ends the connection without a second answer.
            let is_spoilt = line == "POST /hello" && self.dice.chance(20);
            let rest = match line {
                _ if is_spoilt => "Transfer-Encoding: chunked\r\n\r\n3\r\nabcde",
                "POST /hello" if self.dice.chance(50) => {
                    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
                }
                "POST /hello" => "Content-Length: 5\r\n\r\nabcde",
                _ => "\r\n",
            };
            let text = format!("{line} HTTP/1.1\r\nHost: localhost:80\r\n{rest}");
            self.request(number, &text, (status, is_head, body));
            if is_last || is_spoilt {
                self.clients[number].has_asked_last = true;
                return;
            }
        }
        if self.dice.chance(10) {
            self.clients[number].has_asked_last = true;
            self.request(number, "GARBAGE\r\n\r\n", (400, false, None));
        }
    }

    fn connect_stranger(&mut self) {
        let listener = *self.dice.pick(&[WS, HTTP, BOTH]);
        let stranger = Stranger::new(listener != HTTP, listener != WS);
        self.has_strangers |= listener != HTTP;
        let number = self.arrive(listener, Role::Stranger(Box::new(stranger)));
        self.babble(number);
    }

    /// A stranger says a thing or several.
    fn babble(&mut self, number: usize) {
        for _ in 0..self.dice.between(1, 3) {
            let bytes = noise(&mut self.dice, &self.policies.bounds.least);
            self.trace(|| format!("stranger {number} says {}", bytes.escape_ascii()));
            let client = &mut self.clients[number];
            if let Role::Stranger(stranger) = &mut client.role {
                stranger.say(&mut client.wire, &bytes);
            }
        }
    }

    fn connect_reader(&mut self) {
        let rooms = [&ROOMS[..], &[EVERYONE]].concat();
        let mut rooms = self.some(&rooms, &[0, 0, 1, 1, 1, 2, 3]);
        let may_limit = self.policies.have_keys() && !self.policies.flips;
        let is_limited = may_limit && self.dice.chance(60);
        rooms.retain(|room| !is_limited || reach::has(room));
        let mut ids = self.some(&IDS, &[0, 0, 0, 0, 1, 2]);
        if self.dice.chance(10) {
            let known = self.clients.iter().filter_map(Client::speaker);
            let known: Vec<&String> = known.filter_map(|speaker| speaker.id.as_ref()).collect();
            ids.extend(known.last().map(|id| (*id).clone()));
            ids.sort_unstable();
            ids.dedup();
        }
        let form = *self.dice.pick(&[Form::Events, Form::Events, Form::Full, Form::Lines]);
        let (mut begin, resume) = self.some_begin();
        // A number that it was never told says nothing of where it was.
        if is_limited && resume.as_ref().is_some_and(|id| reach::sealed(id, &self.hub).is_none()) {
            begin = Begin::Unknown;
        }
        let mut query: Vec<String> = rooms.iter().map(|r| format!("room={}", encode(r))).collect();
        query.extend(ids.iter().map(|id| format!("connectionId={}", encode(id))));
        let follows = !self.dice.chance(15);
        query.extend((!follows).then(|| "follow=false".to_owned()));
        query.extend((begin == Begin::Earliest).then(|| "since=earliest".to_owned()));
        query.extend((form == Form::Full).then(|| "format=full".to_owned()));
        let mut headers = "Host: 127.0.0.1\r\n".to_owned();
        if form == Form::Lines {
            headers += "Accept: application/x-ndjson\r\n";
        }
        match resume {
            Some(id) if self.dice.chance(50) => headers += &format!("Last-Event-ID: {id}\r\n"),
            Some(id) => query.push(format!("lastEventId={}", encode(&id))),
            None => {}
        }
        let mut reader = Reader::new(rooms, ids, form, begin);
        reader.follows = follows;
        if is_limited {
            reader.limit();
        }
        let is_alone = self.dice.chance(80);
        reader.is_alone = is_alone;
        let listener = *self.dice.pick(&[HTTP, BOTH]);
        let number = self.arrive(listener, Role::Reader(Box::new(reader)));
        if !is_alone {
            let text = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
            (0..self.dice.below(5)).for_each(|_| self.request(number, text, (200, false, None)));
        }
        let text = format!("GET /events?{} HTTP/1.1\r\n{headers}\r\n", query.join("&"));
        self.request(number, &text, (200, false, None));
    }

    /// Where a stream begins, and the id that says so.
    fn some_begin(&mut self) -> (Begin, Option<String>) {
        let seen = self.clients.iter().filter_map(|client| match &client.role {
            Role::Reader(reader) => Some(&reader.seen),
            Role::Plain | Role::Speaker(_) | Role::Stranger(_) | Role::Guest(_) => None,
        });
        let seen: Vec<String> = seen.flatten().cloned().collect();
        match self.dice.below(100) {
            0..=44 => (Begin::Now, None),
            45..=59 => (Begin::Earliest, None),
            60..=89 if !seen.is_empty() => {
                let id = self.dice.pick(&seen).clone();
                let at = super::check::number(&id, &self.hub);
                (Begin::At(at), Some(id))
            }
            90..=93 => (Begin::Unknown, Some("garbage".to_owned())),
            94..=96 => (Begin::Unknown, Some("zzzzzzz-00000000001".to_owned())),
            97..=99 => {
                // One that is only just ahead may be there when it is asked for.
                let ahead = *self.dice.pick(&[1, 2, 1000]);
                let at = self.shadow.head() + ahead;
                let id = String::from_utf8_lossy(&self.hub.epoch().id(at)).into_owned();
                (if ahead < 1000 { Begin::Near(at) } else { Begin::Unknown }, Some(id))
            }
            _ => (Begin::Now, None),
        }
    }

    fn some(&mut self, from: &[&str], counts: &[usize]) -> Vec<String> {
        let mut some: Vec<String> = Vec::new();
        for _ in 0..*self.dice.pick(counts) {
            some.push((*self.dice.pick(from)).to_owned());
        }
        some.sort_unstable();
        some.dedup();
        some
    }

    /// The client says or asks something more.
    pub(crate) fn go_on(&mut self, number: usize) {
        let client = &mut self.clients[number];
        match client.role {
            Role::Plain => self.ask(number, HTTP),
            Role::Speaker(_) => {
                for _ in 0..self.dice.between(1, 4) {
                    says::say(client, &mut self.dice, &mut self.shadow, &self.policies.bounds);
                }
            }
            Role::Reader(_) => {}
            Role::Stranger(_) => self.babble(number),
            Role::Guest(_) => {
                (0..self.dice.between(1, 4)).for_each(|_| self.guest_speaks(number));
            }
        }
        self.trace(|| format!("client {number} speaks"));
    }

    /// The client leaves, in one of many ways.
    pub(crate) fn leave(&mut self, number: usize) {
        let is_rude = self.dice.chance(50);
        let client = &mut self.clients[number];
        self.hash ^= u64::from(is_rude);
        match (&client.role, is_rude) {
            (Role::Speaker(_), false) => says::say_close(client, &mut self.dice),
            (_, false) => client.wire.say_end(),
            (_, true) if self.dice.chance(50) => client.wire.say_end(),
            (_, true) => client.wire.break_off(),
        }
        self.trace(|| format!("client {number} leaves, rude: {is_rude}"));
    }
}
