//! Whatever happens in rooms that somebody may not read, what they are sent is the same.
//!
//! Knows: two runs in which the same is said in reach, and something else out of it.
//! Must not know: how a reader is fed.
//!
//! Byte for byte but for times, sessions (which count within a millisecond), and ids: of those only
//! that they are sealed is looked at. Where no room but those in reach comes to a limit that all
//! share, nothing else may differ.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What happens where it can be read.
#[derive(Clone, Copy, Debug)]
enum Inside {
    Say(usize, usize),
    Leave(usize),
    /// Ten seconds pass.
    Wait,
    /// The reader takes so many bytes of what it is sent next, until it takes all.
    Stall(usize),
    Take,
    /// It comes back with what it last saw, or asks for all that there is.
    Return(bool),
}

/// What happens elsewhere, between two steps of that.
#[derive(Clone, Copy, Debug)]
enum Outside {
    Say(usize, usize),
    Leave(usize),
    Tell,
    Read,
}

const INSIDE: [&str; 3] = ["in.a", "in.b", "also"];
const OUTSIDE: [&str; 3] = ["out", "in", "alsO"];

fn inside() -> impl Strategy<Value = Inside> {
    prop_oneof![
        6 => (0..INSIDE.len(), 1usize..4).prop_map(|(room, n)| Inside::Say(room, n)),
        1 => (0..INSIDE.len()).prop_map(Inside::Leave),
        2 => Just(Inside::Wait),
        1 => (0usize..200).prop_map(Inside::Stall),
        1 => Just(Inside::Take),
        2 => any::<bool>().prop_map(Inside::Return),
    ]
}

fn outside() -> impl Strategy<Value = Outside> {
    prop_oneof![
        6 => (0..OUTSIDE.len(), 1usize..6).prop_map(|(room, n)| Outside::Say(room, n)),
        2 => (0..OUTSIDE.len()).prop_map(Outside::Leave),
        1 => Just(Outside::Tell),
        1 => Just(Outside::Read),
    ]
}

/// A run, and what its reader was sent in it.
struct Run {
    node: Node,
    speakers: BTreeMap<&'static str, ConnKey>,
    query: &'static str,
    reader: ConnKey,
    sent: String,
    said: u32,
}

impl Run {
    fn new(query: &'static str) -> Run {
        let limits = Limits {
            room_log_events_max: 4,
            log_age: Duration::from_secs(35),
            write_stall: Duration::from_secs(100_000),
            ping_interval: Duration::from_secs(100_000),
            ..Limits::default()
        };
        let mut node = Node::new(limits);
        let reader = node.stream(IN, query);
        Run { node, speakers: BTreeMap::new(), query, reader, sent: String::new(), said: 0 }
    }

    fn speaker(&mut self, room: &'static str) -> ConnKey {
        if let Some(key) = self.speakers.get(room) {
            return *key;
        }
        let key = self.node.relay(room, room);
        self.speakers.insert(room, key);
        key
    }

    fn say(&mut self, room: &'static str, count: usize) {
        let key = self.speaker(room);
        // Of rooms out of reach only how much is said there differs, never what is said in others.
        let is_inside = INSIDE.contains(&room);
        for _ in 0..count {
            self.said += u32::from(is_inside);
            self.node.core.say(key, &[&said_by(room, self.said)]);
        }
        self.node.turn();
    }

    fn leave(&mut self, room: &'static str) {
        if let Some(key) = self.speakers.remove(room) {
            self.node.core.engine.receive_error(key, self.node.core.now);
            self.node.turn();
        }
    }

    fn inside(&mut self, step: Inside) {
        match step {
            Inside::Say(room, count) => self.say(INSIDE[room], count),
            Inside::Leave(room) => self.leave(INSIDE[room]),
            Inside::Wait => self.node.later(10),
            Inside::Stall(most) => {
                let key = self.speaker("in.a");
                self.said += 1;
                self.node.core.say(key, &[&said_by("in.a", self.said)]);
                self.node.turn_taking(most);
            }
            Inside::Take => self.node.core.flush(self.reader),
            Inside::Return(is_resumed) => self.come_back(is_resumed),
        }
        self.node.turn();
    }

    fn come_back(&mut self, is_resumed: bool) {
        self.node.core.flush(self.reader);
        self.node.turn();
        self.hear();
        self.node.core.engine.receive_error(self.reader, self.node.core.now);
        self.node.turn();
        let id = self.sent.rsplit_once("id: ").and_then(|(_, rest)| rest.lines().next());
        let from = match id.filter(|_| is_resumed) {
            Some(id) => format!("lastEventId={id}"),
            None => "since=earliest".to_owned(),
        };
        self.sent.push_str("\n--\n");
        self.reader = self.node.stream(IN, &format!("{}&{from}", self.query));
    }

    fn outside(&mut self, step: Outside) {
        match step {
            Outside::Say(room, count) => self.say(OUTSIDE[room], count),
            Outside::Leave(room) => self.leave(OUTSIDE[room]),
            Outside::Tell => {
                let api = Api { ticket: 1, except: Box::default() };
                let said = Said::Text("{\"to\":\"everybody\"}");
                assert!(self.node.core.engine.publish("*", said, api), "there is room");
                self.node.turn();
            }
            Outside::Read => {
                let stream = self.node.stream(IN_A, "since=earliest&follow=false");
                self.node.core.engine.receive_error(stream, self.node.core.now);
                self.node.turn();
            }
        }
    }

    fn hear(&mut self) {
        self.sent += &self.node.read(self.reader);
    }

    /// All that the reader was sent, without what may differ.
    fn end(mut self) -> Vec<String> {
        self.node.core.flush(self.reader);
        self.node.turn();
        self.node.later(20);
        self.hear();
        let epoch = *self.node.core.hub.epoch();
        let word = format!("{epoch:?}.");
        let digits = |text: &str| text.chars().take_while(|one| one.is_ascii_digit()).count();
        let lines = self.sent.lines().filter(|line| !line.starts_with("retry: "));
        let plain = lines.map(|line| {
            assert!(!line.contains(&format!("{epoch:?}-")), "not sealed: {line}");
            let mut line = line.to_owned();
            while let Some(at) = line.find(&word) {
                let rest = &line[at + word.len()..];
                let end = rest.find(|one: char| !one.is_ascii_alphanumeric()).unwrap_or(rest.len());
                line.replace_range(
                    at..at + word.len() + end,
                    if end == 11 { "EVENT" } else { "PLACE" },
                );
            }
            for key in ["\"session\":", "\"at\":"] {
                while let Some(at) = line.find(key).filter(|at| digits(&line[at + key.len()..]) > 0)
                {
                    let end = at + key.len() + digits(&line[at + key.len()..]);
                    line.replace_range(at..end, "SOME");
                }
            }
            line
        });
        plain.collect()
    }
}

const QUERIES: [&str; 7] = [
    "",
    "format=full",
    "connectionId=in.a",
    "connectionId=out&connectionId=in.b",
    "room=in.a",
    "room=in.a&room=also",
    "room=in.b&connectionId=in.b",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn what_cannot_be_read_cannot_be_told_from_what_is_not_there(
        query in prop::sample::select(QUERIES.as_slice()),
        steps in prop::collection::vec(
            (inside(), prop::collection::vec(outside(), 0..4)),
            1..40,
        ),
    ) {
        let (mut busy, mut quiet) = (Run::new(query), Run::new(query));
        for (step, elsewhere) in steps {
            elsewhere.into_iter().for_each(|step| busy.outside(step));
            for run in [&mut busy, &mut quiet] {
                run.inside(step);
            }
        }
        let (busy, quiet) = (busy.end(), quiet.end());
        prop_assert_eq!(busy, quiet);
    }
}

/// What is too old goes at moments that only the clock decides: here a reader that takes nothing for
/// a while would get an event or a gap, by whether others had spoken since.
#[test]
fn what_is_said_elsewhere_makes_nothing_older() {
    use Inside::{Stall, Take, Wait};
    let steps = [Wait, Stall(0), Stall(0), Wait, Wait, Wait, Wait, Take];
    let (mut busy, mut quiet) = (Run::new(""), Run::new(""));
    for (number, step) in steps.into_iter().enumerate() {
        match number {
            3 => busy.outside(Outside::Say(1, 1)),
            7 => busy.outside(Outside::Say(0, 1)),
            _ => {}
        }
        busy.inside(step);
        quiet.inside(step);
    }
    assert_eq!(busy.end(), quiet.end());
}
