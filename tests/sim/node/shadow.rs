//! What really happened: every committed event in order, and what had to be true of it when it
//! came.
//!
//! Knows: chunks as the hub numbers them, who had said what.
//! Must not know: who reads, how the engine works.
//!
//! The shadow is a core of its own that follows everything and does nothing, so it sees each chunk
//! once and in commit order, also one that its log loses at once.

use super::api::Published;
use super::check;
use super::client::{Client, Moment};
use super::configured;
use super::speaker::Talk;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use tidegate::hub::{Audience, Chunk, Class, Format, RoomKey, Sender, What, Who};

/// How subscribers have to be shown a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// These bytes.
    Line(Vec<u8>),
    /// `{"connectionId":…,"message":…}` with this text.
    Wrapped(String),
    /// This text as a line or in a wrap: nobody here says which is right.
    Either(String),
    /// `{"connectionId":…,"base64":…}` with these bytes.
    Base64(Vec<u8>),
    /// `{"message":…}` with this text.
    ApiWrapped(String),
    /// `{"base64":…}` with these bytes.
    ApiBase64(Vec<u8>),
}

/// One event.
#[derive(Debug)]
pub(crate) struct Logged {
    pub(crate) room: String,
    pub(crate) id: String,
    pub(crate) session: u64,
    pub(crate) what: What,
    pub(crate) at_ms: u64,
    /// Members get it, and subscribers do.
    pub(crate) members: bool,
    pub(crate) subscribers: bool,
    /// The API said it, with this ticket; the names that do not get it.
    pub(crate) ticket: Option<usize>,
    pub(crate) except: Vec<String>,
    /// What members get.
    pub(crate) raw: Vec<u8>,
    pub(crate) shows: Shows,
}

/// One registration of one name.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) client: Option<usize>,
    is_strange: bool,
    /// Nobody is told of its end.
    is_quiet: bool,
    events: usize,
    /// The rooms that are told that it is there.
    rooms: BTreeSet<String>,
    /// Its first event.
    first: u64,
    /// Code and side.
    pub(crate) closed: Option<(u16, String)>,
}

/// Everything that was committed.
#[derive(Debug, Default)]
pub(crate) struct Shadow {
    log: Vec<Logged>,
    /// Each room's next ordinal.
    ordinals: BTreeMap<RoomKey, u64>,
    pub(crate) sessions: BTreeMap<u64, Session>,
    /// The last session of each name.
    latest: BTreeMap<String, u64>,
    /// By its number, who said a message, and which of what it said.
    pub(crate) said: Vec<(usize, usize)>,
    /// By its ticket, what the API was to publish.
    pub(crate) api: Vec<Published>,
    /// What ids begin with.
    pub(crate) epoch: Vec<u8>,
}

impl Shadow {
    /// One of which nothing has happened; ids begin with `epoch`.
    pub(crate) fn new(epoch: Vec<u8>) -> Shadow {
        Shadow { epoch, ..Shadow::default() }
    }

    /// The number of the last event.
    pub(crate) fn head(&self) -> u64 {
        self.log.len() as u64
    }

    /// The event `sequence`.
    pub(crate) fn event(&self, sequence: u64) -> &Logged {
        &self.log[sequence as usize - 1]
    }

    /// The events after `position`, with their numbers.
    pub(crate) fn after(&self, position: u64) -> impl Iterator<Item = (u64, &Logged)> {
        (position + 1..).zip(&self.log[(position as usize).min(self.log.len())..])
    }

    /// Takes a chunk that was just committed.
    pub(crate) fn append(&mut self, chunk: &Chunk, clients: &mut [Client], moment: &Moment<'_>) {
        assert_eq!(chunk.first(), self.head() + 1, "sequences are contiguous");
        let ordinal = self.ordinals.entry(chunk.room()).or_default();
        assert_eq!(chunk.ordinal(), *ordinal, "a room's ordinals are contiguous");
        *ordinal = chunk.next_ordinal();
        let made = match chunk.audience() {
            Audience::SUBSCRIBERS => Format::Events,
            Audience::BROADCAST | Audience::MEMBERS => Format::Frames,
            Audience::ALL => return self.append_api(chunk),
            other => panic!("nobody publishes to {other:?}"),
        };
        for (number, entry) in chunk.index().iter().enumerate() {
            let runs = chunk.senders();
            let run = runs.partition_point(|(from, _)| *from as usize <= number);
            let sender = &runs[run - 1].1;
            assert_eq!(sender.who, entry.who, "the index and the senders agree");
            let raw = chunk.bytes(made)[entry.payload()].to_vec();
            let id = sender.id.to_string();
            let event = Logged {
                room: chunk.room_name().to_owned(),
                id,
                session: sender.session,
                what: entry.what(),
                at_ms: chunk.at().unix_ms,
                members: chunk.audience().has(Class::Member),
                subscribers: chunk.audience().has(Class::Subscriber),
                ticket: None,
                except: Vec::new(),
                shows: Shows::Line(raw.clone()),
                raw,
            };
            self.append_event(event, sender, clients, moment);
        }
    }

    /// What the API published is an event for itself, and what it was to publish.
    fn append_api(&mut self, chunk: &Chunk) {
        let ticket = chunk.ticket().expect("the API has one for each") as usize;
        let Published { room, binary, raw, shows, except } = self.api[ticket].clone();
        let [entry] = chunk.index() else { panic!("one event, one chunk") };
        assert_eq!(chunk.senders(), [(0, Sender::API)]);
        assert_eq!(chunk.room_name(), room);
        assert_eq!(chunk.bytes(Format::Frames)[entry.payload()], raw);
        let what = if binary { What::Binary } else { What::Text };
        assert_eq!((entry.what(), entry.who), (what, Who::NOBODY));
        self.log.push(Logged {
            room: room.to_owned(),
            id: String::new(),
            session: 0,
            what,
            at_ms: chunk.at().unix_ms,
            members: true,
            subscribers: true,
            ticket: Some(ticket),
            except,
            raw,
            shows,
        });
    }

    /// Whether the session had begun before event `sequence`.
    pub(crate) fn has_begun(&self, session: u64, sequence: u64) -> bool {
        self.sessions.get(&session).is_some_and(|session| session.first < sequence)
    }

    fn append_event(
        &mut self,
        mut event: Logged,
        sender: &Sender,
        clients: &mut [Client],
        moment: &Moment<'_>,
    ) {
        if let Some(number) = event.id.strip_prefix("guest-") {
            let number: usize = number.parse().expect("a number");
            return self.append_guest(event, number, clients);
        }
        self.begin_session(&event, clients);
        let next = self.head() + 1;
        let n = marker(&event);
        let session = self.sessions.get_mut(&sender.session).expect("begun above");
        assert!(session.closed.is_none(), "nothing comes after a close: {event:?}");
        match (event.what, n) {
            (What::Close, _) => session.close(&event, clients, Some(moment)),
            (What::Join | What::Leave, _) => session.presence(&event, clients),
            (What::Text | What::Binary, Some(n)) => {
                let (client, place) = self.said[n];
                event.shows = session.message(&event, client, place, &mut clients[client]);
            }
            (What::Text | What::Binary, None) => {
                let by_url = format!("{{\"connectionId\":{}}}", Value::from(event.id.as_str()));
                if session.events > 0 || event.raw != by_url.into_bytes() {
                    assert!(moment.has_strangers, "nobody said it: {event:?}");
                    event.shows = session.strange_message(&event);
                }
            }
        }
        if session.events == 0 {
            session.first = next;
        }
        session.events += 1;
        self.log.push(event);
    }

    /// Something of guest `number`, who has a name to itself.
    fn append_guest(&mut self, event: Logged, number: usize, clients: &mut [Client]) {
        let guest = clients[number].guest_mut().expect("nobody else is called so");
        guest.check_event(&event.room, event.what, &event.raw);
        let next = self.head() + 1;
        let is_quiet = !event.subscribers;
        let session = self.sessions.entry(event.session);
        let session = session.or_insert(Session { is_quiet, first: next, ..Session::default() });
        assert!(session.closed.is_none(), "nothing comes after a close: {event:?}");
        match event.what {
            What::Close => session.close(&event, clients, None),
            What::Join | What::Leave => session.presence(&event, clients),
            What::Text | What::Binary => {}
        }
        session.events += 1;
        self.log.push(event);
    }

    /// A name's next session begins after the last one's close.
    fn begin_session(&mut self, event: &Logged, clients: &[Client]) {
        if self.sessions.contains_key(&event.session) {
            return;
        }
        let could_be = |client: &Client| {
            let speaker = client.speaker();
            speaker.is_some_and(|one| one.is_named_at_once() && one.id.as_ref() == Some(&event.id))
        };
        let is_nobody = event.id.len() != 36 && !clients.iter().any(could_be);
        assert!(event.what != What::Close || !is_nobody, "a close of nobody: {event:?}");
        if let Some(last) = self.latest.insert(event.id.clone(), event.session) {
            assert!(last < event.session, "sessions grow");
            let is_closed = self.sessions[&last].closed.is_some();
            assert!(is_closed, "{event:?} comes before the close of session {last}");
        }
        let is_quiet = !event.subscribers;
        self.sessions.insert(event.session, Session { is_quiet, ..Session::default() });
    }
}

impl Session {
    /// Whether all that has to be told of it was.
    pub(crate) fn is_over(&self) -> bool {
        self.closed.is_some() || self.is_quiet
    }

    fn message(
        &mut self,
        event: &Logged,
        number: usize,
        place: usize,
        client: &mut Client,
    ) -> Shows {
        assert!(!self.is_strange, "client {number}'s session has words of a stranger: {event:?}");
        let most = client.bounds.most.message_bytes_max;
        let speaker = client.speaker_mut().expect("a speaker said it");
        if speaker.by_url && speaker.published == 0 && place == 1 {
            assert_eq!(self.events, 1, "the URL's registration came first");
            speaker.published = 1;
        }
        if let Some(roaming) = &mut speaker.roaming {
            roaming.publish(place, &event.room);
        } else {
            assert_eq!(speaker.published, place, "client {number}: in its order, once: {event:?}");
            assert_eq!(speaker.room.as_deref(), Some(event.room.as_str()));
            assert_eq!(self.events, place, "client {number}: all of it in one session: {event:?}");
        }
        assert_eq!(*self.client.get_or_insert(number), number, "a session is one connection's");
        assert_eq!(*speaker.session.get_or_insert(event.session), event.session);
        let own_id = speaker.id.get_or_insert_with(|| event.id.clone());
        assert_eq!(*own_id, event.id);
        let said = &speaker.said[place];
        assert_eq!(said.binary, event.what == What::Binary);
        assert!(said.raw.len() <= most, "client {number}: longer than ever allowed: {event:?}");
        let came_by = speaker.came_by.expect("it has come");
        assert_eq!(came_by.answer(speaker), 101, "client {number} came in: {event:?}");
        let is_quiet = configured::is_quiet(came_by.variant, speaker.kind);
        assert_eq!(event.subscribers, !is_quiet, "client {number} keeps its route: {event:?}");
        match (&said.shows, speaker.talk) {
            (_, Talk::Member { .. } | Talk::Roam) => {
                assert!(event.members && event.subscribers != self.is_quiet);
                assert_eq!(said.raw, event.raw, "members get the sender's own bytes");
            }
            (Shows::Line(line), _) => assert_eq!(*line, event.raw, "as it came, on one line"),
            (shows, _) => check::is_shown(&event.id, shows, &event.raw),
        }
        speaker.published += 1;
        said.shows.clone()
    }

    /// A message of which only its form is known.
    fn strange_message(&mut self, event: &Logged) -> Shows {
        assert_eq!(self.client, None, "a stranger's words in another's session: {event:?}");
        self.is_strange = true;
        match (event.members, event.what) {
            (true, What::Binary) => Shows::Base64(event.raw.clone()),
            (true, _) => Shows::Either(String::from_utf8(event.raw.clone()).expect("UTF-8")),
            (false, _) => {
                let object: Result<&RawValue, _> = serde_json::from_slice(&event.raw);
                assert!(object.is_ok_and(|json| json.get().starts_with('{')), "{event:?}");
                assert!(!event.raw.iter().any(|byte| b"\r\n".contains(byte)), "{event:?}");
                Shows::Line(event.raw.clone())
            }
        }
    }

    /// Somebody comes or goes, each once.
    fn presence(&mut self, event: &Logged, clients: &[Client]) {
        let key = if event.what == What::Join { "join" } else { "leave" };
        let (id, session) = (Value::from(event.id.as_str()), event.session);
        let told = format!("{{\"{key}\":{{\"connectionId\":{id},\"session\":{session}}}}}");
        assert_eq!(str::from_utf8(&event.raw), Ok(told.as_str()));
        let is_new = match event.what {
            What::Join => self.rooms.insert(event.room.clone()),
            _ => self.rooms.remove(&event.room),
        };
        assert!(is_new && event.members, "{event:?}");
        let is_its = |client: &&Client| {
            let speaker = client.speaker();
            speaker.is_some_and(|one| one.roaming.is_some() && one.id.as_ref() == Some(&event.id))
        };
        if let Some(client) = clients.iter().find(is_its) {
            assert_eq!(*self.client.get_or_insert(client.number), client.number);
        }
    }

    fn close(&mut self, event: &Logged, clients: &[Client], moment: Option<&Moment<'_>>) {
        let text = str::from_utf8(&event.raw).expect("a close is text");
        let close: Value = serde_json::from_str(text).expect("a close is JSON");
        let close = &close["close"];
        assert_eq!(close["connectionId"].as_str(), Some(event.id.as_str()));
        assert_eq!(close["session"].as_u64(), Some(event.session));
        assert!(!event.members && close["reason"].is_string());
        let code = close["code"].as_u64().and_then(|code| u16::try_from(code).ok());
        let (code, by) = (code.expect("a code"), close["by"].as_str().expect("a side"));
        if let Some((client, moment)) = self.client.zip(moment) {
            check::close_event(&clients[client], code, by, moment);
        }
        assert!(self.rooms.is_empty(), "it has left before: {:?}", self.rooms);
        self.closed = Some((code, by.to_owned()));
    }
}

/// What `n` is marked with in a message of ours: `#12.4b3f#`. Strangers will not guess it.
pub(crate) fn mark(n: usize) -> String {
    format!("#{n}.{:x}#", (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40)
}

/// `text` with spaces for line breaks.
pub(crate) fn on_one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

/// The number in a message of ours.
fn marker(event: &Logged) -> Option<usize> {
    let decoded;
    let bytes = match (event.what, event.members) {
        (What::Close | What::Join | What::Leave, _) => return None,
        (What::Binary, false) => {
            let value: Value = serde_json::from_slice(&event.raw).expect("an object");
            decoded = STANDARD.decode(value["base64"].as_str().expect("base64")).expect("base64");
            &decoded
        }
        _ => &event.raw,
    };
    let start = bytes.iter().position(|byte| *byte == b'#')? + 1;
    let length = bytes[start..].iter().position(|byte| *byte == b'#')?;
    let marked = str::from_utf8(&bytes[start..start + length]).ok()?;
    let n = marked.split('.').next()?.parse().ok()?;
    (mark(n).trim_matches('#') == marked).then_some(n)
}
