//! Every state that a connection can be in, and what a client says to bring it there.
//!
//! Knows: what a client can say.
//! Must not know: what a kernel can do.

use super::super::rig::{HTTP, WS};
use super::super::{GOODBYE, HELLO, MASK, STREAM, frame, handshake, message, text};
use crate::ws::frame::{Opcode, push_masked};

/// What else goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scene {
    Nothing,
    /// Somebody owns the name that is claimed, and is closed for it.
    Owned,
    /// Somebody speaks when the connection is there; it takes this many bytes of it.
    Spoken(usize),
}

/// A connection in one state.
pub(super) struct State {
    pub(super) name: &'static str,
    pub(super) listener: u8,
    pub(super) scene: Scene,
    /// What brings it there, piece by piece.
    pub(super) said: Vec<Vec<u8>>,
    /// How much of what it is sent the kernel takes meanwhile.
    pub(super) room: usize,
    /// What the client says next, if it can.
    pub(super) more: Vec<u8>,
    /// What it has been written in the end.
    pub(super) answer: &'static [u8],
    /// What subscribers have been told when it has ended, beside the other's messages.
    pub(super) told: Vec<Told>,
    /// It has asked for something that it has not taken yet.
    pub(super) is_owed: bool,
}

/// What subscribers are told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told {
    Message(usize),
    Close(u16, &'static str),
    /// The loss of a connection whose name we made.
    Member,
}

const LOST: Told = Told::Close(1006, "network");
const WORLD: &[u8] = b"{\"response\":\"world\"}";
const CLOSED: &[u8] = &[0x88, 2, 0x03, 0xe8];
const POST: &str = "POST /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n";

impl State {
    fn new(name: &'static str, listener: u8, said: &[&[u8]]) -> State {
        State {
            name,
            listener,
            scene: Scene::Nothing,
            said: said.iter().map(|piece| piece.to_vec()).collect(),
            room: usize::MAX,
            more: Vec::new(),
            answer: b"",
            told: Vec::new(),
            is_owed: false,
        }
    }

    /// What is said next, and what comes of it in the end.
    fn then(mut self, more: &[u8], answer: &'static [u8]) -> State {
        (self.more, self.answer) = (more.to_vec(), answer);
        self
    }

    fn told(mut self, told: &[Told]) -> State {
        self.told = told.to_vec();
        self
    }

    fn with_room(mut self, room: usize) -> State {
        self.room = room;
        self
    }

    fn owed(mut self) -> State {
        self.is_owed = true;
        self
    }

    fn in_scene(mut self, scene: Scene) -> State {
        self.scene = scene;
        self
    }
}

pub(super) fn states() -> Vec<State> {
    let mut states = of_http();
    states.extend(of_websockets());
    states.extend(of_streams());
    states
}

fn of_http() -> Vec<State> {
    let (head, hello) = (handshake("/echo"), HELLO.as_bytes());
    let begun = [POST.as_bytes(), &[b'x'; 40]].concat();
    let rest = [&[b'x'; 60], hello].concat();
    let flood = HELLO.repeat(100);
    let echo = [&head[30..], &frame(Opcode::Close, GOODBYE)].concat();
    vec![
        State::new("accepted", HTTP, &[]).then(hello, WORLD),
        State::new("reading a head", WS, &[&head[..30]]).then(&echo, CLOSED),
        State::new("reading a head for the API", HTTP, &[&hello[..20]]).then(&hello[20..], WORLD),
        State::new("between two requests", HTTP, &[hello]).then(hello, WORLD),
        State::new("in a body", HTTP, &[&begun]).then(&rest, WORLD),
        State::new("with an answer that is not taken", HTTP, &[hello])
            .with_room(0)
            .owed()
            .then(hello, WORLD),
        State::new("paused by its pipeline", HTTP, &[flood.as_bytes()])
            .with_room(0)
            .owed()
            .then(hello, WORLD),
        State::new("with a handshake whose answer is not taken", WS, &[&head])
            .with_room(10)
            .owed()
            .then(&frame(Opcode::Close, GOODBYE), CLOSED),
    ]
}

fn of_websockets() -> Vec<State> {
    let head = handshake("/");
    let first = [head.as_slice(), &text(&message(1, 0))].concat();
    let (small, large) = (text(&message(2, 0)), text(&message(2, 9000)));
    let close = frame(Opcode::Close, GOODBYE);
    let with_close = |bytes: &[u8]| [bytes, &close].concat();
    let (mut open, mut rest) = (Vec::new(), Vec::new());
    push_masked(&mut open, false, Opcode::Text, MASK, &message(2, 0).as_bytes()[..9]);
    push_masked(&mut rest, true, Opcode::Continuation, MASK, &message(2, 0).as_bytes()[9..]);
    let flood = frame(Opcode::Binary, &[b'e'; 3000]).repeat(9);
    let refused = text("refused").repeat(16);
    let one = [Told::Message(1), LOST];
    vec![
        State::new("a WebSocket without a name", WS, &[&head]).then(&close, CLOSED),
        State::new("an idle WebSocket", WS, &[&first]).then(&close, CLOSED).told(&one),
        State::new("in a frame's header", WS, &[&first, &small[..1]])
            .then(&with_close(&small[1..]), CLOSED)
            .told(&one),
        State::new("in a frame", WS, &[&first, &small[..20]])
            .then(&with_close(&small[20..]), CLOSED)
            .told(&one),
        State::new("in a frame that has its own buffer", WS, &[&first, &large[..5000]])
            .then(&with_close(&large[5000..]), CLOSED)
            .told(&one),
        State::new("in a message of several frames", WS, &[&first, &open])
            .then(&with_close(&rest), CLOSED)
            .told(&one),
        State::new("waiting for its name", WS, &[&head, &text(&message(1, 0))])
            .in_scene(Scene::Owned)
            .then(&close, CLOSED)
            .told(&[Told::Message(0), Told::Close(4409, "server"), Told::Message(1), LOST]),
        State::new("paused by its own answers", WS, &[&handshake("/echo"), &flood])
            .with_room(200)
            .owed()
            .then(&close, CLOSED),
        State::new("a member that is behind", WS, &[&handshake("/chat/main?echo=true")])
            .in_scene(Scene::Spoken(7))
            .then(&close, CLOSED)
            .told(&[Told::Member]),
        State::new("closed by us, before its answer", WS, &[&first, &refused])
            .then(&close, b"")
            .told(&[Told::Message(1), Told::Close(1008, "server")]),
        State::new("closed by us for a broken rule, lingering", WS, &[&first, &[0xf1, 0x80]])
            .told(&[Told::Message(1), Told::Close(1002, "server")]),
        State::new("closed by itself, lingering", WS, &[&first, &close])
            .told(&[Told::Message(1), Told::Close(1000, "client")]),
    ]
}

fn of_streams() -> Vec<State> {
    let (all, lines) = (STREAM.as_bytes(), STREAM.replace("\r\n\r\n", LINES));
    let spoken = |name: &'static str, head: &[u8], room| {
        State::new(name, HTTP, &[head]).in_scene(Scene::Spoken(room))
    };
    vec![
        State::new("a stream", HTTP, &[all]),
        State::new("a stream of lines", HTTP, &[lines.as_bytes()]),
        State::new("a stream whose head is not taken", HTTP, &[all]).with_room(9),
        spoken("a stream in the middle of an event", all, 100),
        spoken("a stream that is behind", all, 0),
        spoken("a stream that was behind and has caught up", all, usize::MAX),
        spoken("a stream of lines that is behind", lines.as_bytes(), 200),
    ]
}

const LINES: &str = "\r\nAccept: application/x-ndjson\r\n\r\n";
