//! A kernel that does as it is told, and a reactor only as large as the pump needs.
//!
//! Knows: what epoll and a TCP socket promise, the turn's order.
//! Must not know: how the pump keeps those promises.

use super::super::{Progress, Socket, Stream};
use crate::bytes::{ConnKey, Now};
use crate::engine::{Action, Engine, Letter, Listener, Policy, Serves, Setup};
use crate::hub::Hub;
use crate::limits::Limits;
use crate::metrics::Counters;
use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

/// What stands behind the bytes that have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Fin,
    Reset,
}

/// When calls are interrupted by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signals {
    Never,
    /// This call, counted from 0, reads and writes together.
    At(usize),
    /// Every call, once.
    Always,
}

/// Both directions of one connection, as a kernel keeps them.
#[derive(Debug)]
pub(super) struct ScriptedIo {
    /// What has come and was not read.
    pub(super) waiting: VecDeque<u8>,
    pub(super) end: Option<End>,
    /// How much more is taken before `WouldBlock`.
    pub(super) room: usize,
    /// The peer reads no more: writes fail.
    pub(super) is_broken: bool,
    pub(super) written: Vec<u8>,
    pub(super) signals: Signals,
    pub(super) reads: usize,
    pub(super) writes: usize,
    was_interrupted: bool,
    /// A reset is told once, by whichever call comes first; then it looks like an end.
    was_told: bool,
    pub(super) is_shut: Cell<bool>,
}

impl ScriptedIo {
    fn new() -> ScriptedIo {
        ScriptedIo {
            waiting: VecDeque::new(),
            end: None,
            room: usize::MAX,
            is_broken: false,
            written: Vec::new(),
            signals: Signals::Never,
            reads: 0,
            writes: 0,
            was_interrupted: false,
            was_told: false,
            is_shut: Cell::new(false),
        }
    }

    /// One system call; it may come to nothing.
    fn call(&mut self) -> io::Result<()> {
        let is_hit = match self.signals {
            Signals::Never => false,
            Signals::At(call) => call == self.reads + self.writes,
            Signals::Always => !self.was_interrupted,
        };
        self.was_interrupted = is_hit;
        if is_hit { Err(ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}

impl Read for ScriptedIo {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let result = self.call();
        self.reads += 1;
        result?;
        assert!(!into.is_empty(), "a read of nothing looks like an end");
        if !self.waiting.is_empty() {
            return self.waiting.read(into);
        }
        match self.end {
            None => Err(ErrorKind::WouldBlock.into()),
            Some(End::Reset) if !mem::replace(&mut self.was_told, true) => {
                Err(ErrorKind::ConnectionReset.into())
            }
            Some(End::Fin | End::Reset) => Ok(0),
        }
    }
}

impl Write for ScriptedIo {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.call();
        self.writes += 1;
        result?;
        assert!(!bytes.is_empty(), "nothing was offered");
        if self.is_broken || self.end == Some(End::Reset) {
            self.was_told = true;
            return Err(ErrorKind::BrokenPipe.into());
        }
        if self.room == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let n = bytes.len().min(self.room);
        self.room -= n;
        self.written.extend_from_slice(&bytes[..n]);
        Ok(n)
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let joined: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.write(&joined)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for ScriptedIo {
    fn shutdown(&self) -> io::Result<()> {
        self.is_shut.set(true);
        Ok(())
    }
}

/// One connection of the rig, open or not.
#[derive(Debug)]
struct Line {
    socket: Socket<ScriptedIo>,
    is_open: bool,
}

/// One core without its poll.
#[derive(Debug)]
pub(super) struct Rig {
    pub(super) engine: Engine,
    limits: Arc<Limits>,
    lines: Vec<Line>,
    /// Posted to this core, for its next turn.
    letters: Vec<Letter>,
    ready: Vec<ConnKey>,
    writable: Vec<ConnKey>,
    again: Vec<ConnKey>,
    scratch: Vec<u8>,
    now: Now,
}

/// The listeners of a rig.
pub(super) const WS: u8 = 0;
pub(super) const HTTP: u8 = 1;

impl Rig {
    pub(super) fn new() -> Rig {
        Rig::with(Limits::default())
    }

    /// A core that works under `limits`.
    pub(super) fn with(limits: Limits) -> Rig {
        let limits = Arc::new(limits);
        let now = Now { monotonic: Duration::from_secs(1), unix_ms: 1_000_000 };
        let hub = Arc::new(Hub::new(1, &limits, [1, 2, 3], now.unix_ms));
        let listener = |serves| Listener { serves, loopback: true, port: 0 };
        let engine = Engine::new(Setup {
            policy: Arc::new(Policy { limits: Arc::clone(&limits), ..Policy::default() }),
            core: 0,
            hub,
            listeners: Arc::new([listener(Serves::WebSocket), listener(Serves::Http)]),
            counters: Arc::new([Counters::default()]),
            connections: Arc::default(),
            vault: Arc::default(),
            seed: [4, 5],
        });
        Rig {
            engine,
            limits,
            lines: Vec::new(),
            letters: Vec::new(),
            ready: Vec::new(),
            writable: Vec::new(),
            again: Vec::new(),
            scratch: vec![0; 256 * 1024],
            now,
        }
    }

    /// A new connection; it is called by the number that this gives.
    pub(super) fn open(&mut self, listener: u8) -> usize {
        let key = self
            .engine
            .accept(listener, IpAddr::V4(Ipv4Addr::LOCALHOST), self.now)
            .expect("there is room");
        let socket = Socket::new(key, ScriptedIo::new());
        self.lines.push(Line { socket, is_open: true });
        self.lines.len() - 1
    }

    pub(super) fn io(&mut self, line: usize) -> &mut ScriptedIo {
        &mut self.lines[line].socket.stream
    }

    pub(super) fn is_open(&self, line: usize) -> bool {
        self.lines[line].is_open
    }

    /// What was written to it so far, as text.
    pub(super) fn written(&mut self, line: usize) -> String {
        String::from_utf8_lossy(&self.io(line).written).into_owned()
    }

    /// An event of the poll.
    pub(super) fn edge(&mut self, line: usize, readable: bool, writable: bool, ends: bool) {
        let Line { socket, is_open } = &mut self.lines[line];
        if !*is_open {
            return;
        }
        socket.note(readable, writable, ends);
        if writable {
            self.writable.push(socket.key);
        }
        if socket.is_readable() && !mem::replace(&mut socket.listed, true) {
            self.ready.push(socket.key);
        }
    }

    /// Bytes come, with their edge.
    pub(super) fn arrive(&mut self, line: usize, bytes: &[u8]) {
        self.io(line).waiting.extend(bytes);
        self.edge(line, true, false, false);
    }

    /// Nothing more will come behind what has, and one edge tells both.
    pub(super) fn finish(&mut self, line: usize, end: End) {
        self.io(line).end = Some(end);
        self.edge(line, true, end == End::Reset, true);
    }

    /// `n` more bytes can be written, with the edge for it.
    pub(super) fn make_room(&mut self, line: usize, n: usize) {
        let io = self.io(line);
        io.room = io.room.saturating_add(n);
        self.edge(line, false, true, false);
    }

    /// So much time passes.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now.monotonic += time;
        self.now.unix_ms += time.as_millis() as u64;
    }

    /// One turn, as the reactor does it.
    pub(super) fn turn(&mut self) {
        self.turn_up_to_commit();
        self.engine.commit(self.now);
        while let Some(action) = self.engine.poll_action() {
            self.act(action);
        }
        mem::swap(&mut self.ready, &mut self.again);
    }

    /// What comes before other cores can see what this one did.
    pub(super) fn turn_up_to_commit(&mut self) {
        for key in mem::take(&mut self.writable) {
            let Some(line) = self.find(key) else { continue };
            self.lines[line].socket.pump_out(&mut self.engine, self.now);
        }
        for letter in mem::take(&mut self.letters) {
            self.engine.collect(letter, self.now);
        }
        for key in mem::take(&mut self.ready) {
            self.read(key);
        }
        self.engine.expire(self.now);
    }

    /// Turns until there is nothing left to do without a new edge.
    pub(super) fn settle(&mut self) {
        for _ in 0..10_000 {
            self.turn();
            let is_due = self.engine.next_deadline() <= self.now.monotonic;
            if self.ready.is_empty() && self.letters.is_empty() && !is_due {
                return;
            }
        }
        panic!("a loop that never sleeps");
    }

    fn find(&self, key: ConnKey) -> Option<usize> {
        self.lines.iter().position(|line| line.is_open && line.socket.key == key)
    }

    fn read(&mut self, key: ConnKey) {
        let Some(line) = self.find(key) else { return };
        let socket = &mut self.lines[line].socket;
        socket.listed = false;
        let mut budget = self.limits.read_bytes_per_connection;
        let progress = socket.pump_in(&mut self.engine, &mut self.scratch, &mut budget, self.now);
        if progress == Progress::Budget {
            socket.listed = true;
            self.again.push(key);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Flush(key) => {
                let Some(line) = self.find(key) else { return };
                let socket = &mut self.lines[line].socket;
                socket.pump_out(&mut self.engine, self.now);
                if socket.is_readable() && !mem::replace(&mut socket.listed, true) {
                    self.again.push(key);
                }
            }
            Action::Read(key) => {
                let Some(line) = self.find(key) else { return };
                if !mem::replace(&mut self.lines[line].socket.listed, true) {
                    self.again.push(key);
                }
            }
            Action::Shutdown(key) => self.shut(key),
            Action::Close(key) => {
                let Some(line) = self.find(key) else { return };
                self.lines[line].is_open = false;
            }
            Action::Post(_, letter) => self.letters.push(letter),
            Action::Ring(_) | Action::Vet(..) | Action::Tell(_) => {}
        }
    }

    /// Closes our half. With both halves closed, the next poll tells so (EPOLLHUP).
    fn shut(&mut self, key: ConnKey) {
        let Some(line) = self.find(key) else { return };
        let socket = &mut self.lines[line].socket;
        let _ = socket.stream.shutdown();
        if socket.stream.end.is_some() {
            socket.note(true, true, true);
            if !mem::replace(&mut socket.listed, true) {
                self.again.push(key);
            }
        }
    }
}
