//! Every state of a connection, and everything that a kernel can do in it.
//!
//! Knows: what has to come of noise, and of an end.
//! Must not know: how the pump is written.
//!
//! A fault that is none (a call interrupted, readiness without reason, bytes one at a time) must
//! change nothing: the same is written, to this connection and to everybody else. A fault that is
//! an end must free the connection at once, by no timer, and touch nobody else.

mod states;

use super::rig::{End, HTTP, Rig, Signals};
use super::{HELLO, assert_close, events, message, stream, text, websocket};
use crate::limits::Limits;
use states::{Scene, State, Told, states};

/// How often somebody else speaks.
const SPOKEN: usize = 40;

/// What a kernel does that means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Noise {
    Silence,
    /// Every call is interrupted once.
    Interrupts,
    /// Readiness to read, to write, or both, without reason.
    Ready(bool, bool),
    /// What comes comes one byte at a time, and one byte at a time is taken, each with its edge.
    Drops,
}

/// A rig with a subscriber, somebody else, and a connection in a state.
struct Stage {
    rig: Rig,
    reader: usize,
    other: usize,
    line: usize,
    /// Connections before this one came.
    before: usize,
}

impl Stage {
    fn new(state: &State) -> Stage {
        // Small, so that what waits is written in few steps.
        let mut rig = Rig::with(Limits { outbox_bytes_max: 8 * 1024, ..Limits::default() });
        let reader = stream(&mut rig);
        let other = websocket(&mut rig, "/");
        let before = rig.engine.connections();
        let owner = (state.scene == Scene::Owned).then(|| {
            let owner = websocket(&mut rig, "/");
            rig.arrive(owner, &text(&message(0, 0)));
            rig.settle();
            owner
        });
        let line = rig.open(state.listener);
        rig.io(line).room = state.room;
        for piece in &state.said {
            rig.arrive(line, piece);
            match owner {
                // Its letter is read in the second; in the third its name would be its own.
                Some(_) => (0..2).for_each(|_| rig.turn()),
                None => rig.settle(),
            }
        }
        if let Some(owner) = owner {
            assert!(rig.written(owner).contains("replaced"), "{}", rig.written(owner));
            rig.finish(owner, End::Reset);
        }
        let mut stage = Stage { rig, reader, other, line, before };
        if let Scene::Spoken(room) = state.scene {
            stage.rig.io(line).room = room;
            (0..SPOKEN).for_each(|number| stage.speak(number));
        }
        stage
    }

    /// Somebody else says something.
    fn speak(&mut self, number: usize) {
        let said = message(number, 300).replace("\"a\"", "\"other\"");
        self.rig.arrive(self.other, &text(&said));
        self.rig.settle();
    }

    fn make(&mut self, noise: Noise) {
        let Stage { rig, line, .. } = self;
        match noise {
            Noise::Silence | Noise::Drops => {}
            Noise::Interrupts => rig.io(*line).signals = Signals::Always,
            Noise::Ready(read, write) => {
                for _ in 0..3 {
                    rig.edge(*line, read, write, false);
                    rig.settle();
                }
            }
        }
    }

    /// The client goes on as if nothing had been.
    fn go_on(&mut self, state: &State, noise: Noise) {
        let Stage { rig, line, .. } = self;
        let line = *line;
        if noise == Noise::Drops {
            for byte in &state.more {
                rig.arrive(line, &[*byte]);
                rig.settle();
            }
            while rig.is_open(line) && rig.io(line).room == 0 {
                rig.make_room(line, 1);
                rig.settle();
            }
        }
        rig.make_room(line, usize::MAX);
        rig.settle();
        if noise != Noise::Drops {
            rig.arrive(line, &state.more);
            rig.settle();
        }
        self.speak(SPOKEN);
    }

    /// All that was written, to the connection and to the subscriber, and whether it is there.
    fn outcome(&mut self) -> (Vec<u8>, Vec<String>, bool) {
        let Stage { rig, line, reader, .. } = self;
        (rig.io(*line).written.clone(), events(rig, *reader), rig.is_open(*line))
    }
}

#[test]
fn noise_in_any_state_changes_nothing() {
    let ready = [(true, false), (false, true), (true, true)];
    let noises = ready.map(|(read, write)| Noise::Ready(read, write));
    for state in states() {
        let mut quiet = Stage::new(&state);
        quiet.go_on(&state, Noise::Silence);
        let quiet = quiet.outcome();
        let text = String::from_utf8_lossy(&quiet.0);
        assert!(quiet.0.ends_with(state.answer), "{}: {text}", state.name);
        for noise in noises.into_iter().chain([Noise::Interrupts, Noise::Drops]) {
            let mut stage = Stage::new(&state);
            stage.make(noise);
            stage.go_on(&state, noise);
            let noisy = stage.outcome();
            assert_eq!(noisy.1, quiet.1, "{}, {noise:?}", state.name);
            assert_eq!(noisy.2, quiet.2, "{}, {noise:?}", state.name);
            assert!(noisy.0 == quiet.0, "{}, {noise:?}: other bytes", state.name);
        }
    }
}

fn ends_well(state: &State, end: End, signals: Signals) {
    let label = format!("{}, {end:?}, signals: {signals:?}", state.name);
    let mut stage = Stage::new(state);
    let line = stage.line;
    stage.rig.io(line).signals = signals;
    stage.rig.finish(line, end);
    stage.rig.settle();
    // What it asked for is still owed to a client that only says no more.
    if end == End::Fin && state.is_owed {
        assert!(stage.rig.is_open(line), "{label}: it may still read");
        stage.rig.make_room(line, usize::MAX);
        stage.rig.settle();
    }
    assert!(!stage.rig.is_open(line), "{label}: it is closed at once, by no timer");
    assert_eq!(stage.rig.engine.connections(), stage.before, "{label}: and forgotten");
    stage.speak(SPOKEN);
    let (_, events, _) = stage.outcome();
    let (last, before) = events.split_last().expect("somebody spoke");
    assert!(last.contains("\"other\",\"n\":40,"), "{label}: the others go on");
    let own: Vec<&String> = before.iter().filter(|event| !event.contains("other")).collect();
    assert_eq!(own.len(), state.told.len(), "{label}: {own:?}");
    for (event, told) in own.iter().zip(&state.told) {
        match told {
            Told::Message(number) => assert_eq!(**event, message(*number, 0), "{label}"),
            Told::Close(code, by) => assert_close(event, *code, by),
            Told::Member => assert!(event.contains("\"code\":1006,"), "{label}: {event}"),
        }
    }
}

#[test]
fn an_end_in_any_state_frees_the_connection_at_once_and_touches_nobody_else() {
    for state in states() {
        for end in [End::Fin, End::Reset] {
            for signals in [Signals::Never, Signals::Always] {
                ends_well(&state, end, signals);
            }
        }
    }
}

/// A reset is told once. If a write is what it is told to, all that is left to read is an end; what
/// cannot be written any more must not be waited for.
#[test]
fn an_answer_to_who_is_gone_does_not_keep_the_connection() {
    for name in ["a request", "a broken rule", "a name that another takes"] {
        let mut rig = Rig::new();
        let before = rig.engine.connections();
        let gone = match name {
            "a request" => rig.open(HTTP),
            _ => websocket(&mut rig, "/"),
        };
        if name == "a name that another takes" {
            rig.arrive(gone, &text(&message(1, 0)));
            rig.settle();
        }
        // The poll has not told of it yet.
        rig.io(gone).end = Some(End::Reset);
        match name {
            "a request" => rig.arrive(gone, HELLO.as_bytes()),
            "a broken rule" => rig.arrive(gone, &[0xf1, 0x80]),
            _ => {
                let other = websocket(&mut rig, "/");
                rig.arrive(other, &text(&message(2, 0)));
                rig.settle();
                rig.finish(other, End::Fin);
            }
        }
        rig.settle();
        assert!(!rig.is_open(gone), "{name}");
        assert_eq!(rig.engine.connections(), before, "{name}");
    }
}

/// What it said before it went is read over several turns; its answers pile up, as nobody takes
/// them, until it is not read from. Nothing could end that pause: all edges have come.
#[test]
fn who_is_gone_is_not_kept_by_the_answers_to_what_it_still_said() {
    for is_told_by_the_poll in [true, false] {
        let mut rig = Rig::new();
        let before = rig.engine.connections();
        let gone = websocket(&mut rig, "/echo");
        let said = text(&"x".repeat(20_000)).repeat(20);
        if is_told_by_the_poll {
            rig.io(gone).waiting.extend(&said);
            rig.finish(gone, End::Reset);
        } else {
            rig.io(gone).end = Some(End::Reset);
            rig.arrive(gone, &said);
        }
        rig.settle();
        assert!(!rig.is_open(gone), "told by the poll: {is_told_by_the_poll}");
        assert_eq!(rig.engine.connections(), before);
    }
}
