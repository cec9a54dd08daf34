//! Connections that come, register with one message, and go; each message must arrive once.
//!
//! Knows: the life of one connection, step by step; who has arrived.
//! Must not know: framing, how figures are shown.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Socket, Type};

use crate::check::Faults;
use crate::conn::{Clock, Conn, Pause, SCRATCH_BYTES};
use crate::message::{Batch, Dress, Form, Layout, masked_frame, since};
use crate::options::Options;
use crate::process;
use crate::report::{Outcome, histogram};
use crate::target::{Call, Failure, Role, Target};
use crate::wire::{Inbound, Item, decode};

/// As in the other workloads: silence for so long, and what is missing is lost.
const DRAIN: u64 = 5_000_000_000;
/// RFC 6455 §5.5.1: a close frame with code 1000.
const GOODBYE: [u8; 2] = 1000_u16.to_be_bytes();

/// The ports to call from, at each of 65,536 addresses.
const PORT_MIN: u16 = 10_000;
const PORTS: u64 = 50_000;

enum Step {
    /// The handshake's answer is under way; what came of it.
    Greeting(Vec<u8>),
    /// Message and close are sent; the other side has the last word.
    Leaving,
}

/// One of the connections that are alive at the same time.
struct Slot {
    stream: TcpStream,
    number: usize,
    step: Step,
}

/// By connection: how many subscribers got its message.
struct Arrivals {
    layout: Layout,
    seen: Vec<Vec<u8>>,
    latency: Histogram<u64>,
    arrived: u64,
    departures: u64,
    last: u64,
    faults: Faults,
}

struct Churn<'a> {
    target: &'a Target,
    call: Call,
    clock: Clock,
    poll: Poll,
    slots: Vec<Option<Slot>>,
    subscribers: Vec<Conn>,
    scratch: Vec<u8>,
    /// The first of the sources of this round.
    first: u64,
    opened: usize,
    ended: usize,
    arrivals: Arrivals,
}

/// Runs one round; `run` must differ from that of any other round.
pub(crate) fn run(
    options: &Options,
    target: &Target,
    run: u64,
    clock: Clock,
) -> Result<Outcome, Failure> {
    let mut churn = Churn::open(options, target, run, clock)?;
    let usage = |pid: Option<u32>| pid.and_then(process::cpu_time);
    let (target_before, own_before) = (usage(target.pid()), usage(Some(std::process::id())));
    let start = clock.now();
    churn.arrivals.last = start;
    let most = options.messages.map_or(usize::MAX, |messages| messages as usize);
    let until = match options.messages {
        Some(_) => u64::MAX,
        None => start + options.duration.as_nanos() as u64,
    };
    let mut events = Events::with_capacity(1024);
    loop {
        let now = clock.now();
        let more = now < until && churn.opened < most;
        if more {
            churn.refill(most)?;
        }
        let stalled = now.saturating_sub(churn.arrivals.last) > DRAIN;
        if stalled || !more && churn.is_settled(target) {
            break;
        }
        churn.turn(&mut events)?;
    }
    let end = clock.now();
    let target_cpu = usage(target.pid()).zip(target_before).map(|(after, before)| after - before);
    let own_cpu =
        usage(Some(std::process::id())).zip(own_before).map_or(0, |(after, before)| after - before);
    churn.finish();
    let arrivals = churn.arrivals;
    Ok(Outcome {
        deliveries: churn.ended as u64,
        nanos: end - start,
        latency: arrivals.latency,
        target_cpu,
        own_cpu,
        memory: target.pid().and_then(process::memory),
        bytes_each: None,
        counts: (churn.opened as u64, arrivals.arrived),
        reloads: 0,
        faults: arrivals.faults,
    })
}

impl<'a> Churn<'a> {
    fn open(
        options: &Options,
        target: &'a Target,
        run: u64,
        clock: Clock,
    ) -> Result<Churn<'a>, Failure> {
        let failed = || Failure::io("preparing to poll");
        let poll = Poll::new().map_err(failed())?;
        let mut subscribers =
            target.open(Role::Subscriber, &vec![0; options.subscribers], options.size)?;
        for (index, conn) in subscribers.iter_mut().enumerate() {
            let token = options.clients + index;
            conn.register(poll.registry(), token, Interest::READABLE).map_err(failed())?;
        }
        let arrivals = Arrivals {
            layout: Layout::new(Form::Json, options.size, run),
            seen: vec![Vec::new(); options.subscribers],
            latency: histogram(),
            arrived: 0,
            departures: 0,
            last: 0,
            faults: Faults::default(),
        };
        Ok(Churn {
            target,
            call: target.call(Role::Visitor, 0, options.size),
            clock,
            poll,
            slots: (0..options.clients).map(|_| None).collect(),
            subscribers,
            scratch: vec![0; SCRATCH_BYTES],
            // Rounds follow each other by one: each begins far from where the last one ended.
            first: run.wrapping_mul(8_000_009),
            opened: 0,
            ended: 0,
            arrivals,
        })
    }

    /// All are gone, everything has arrived, and a server has told of each close.
    fn is_settled(&self, target: &Target) -> bool {
        let all = (self.opened * self.subscribers.len()) as u64;
        let told = matches!(target, Target::Floor(_)) || self.arrivals.departures >= all;
        self.slots.iter().all(Option::is_none) && self.arrivals.arrived >= all && told
    }

    fn refill(&mut self, most: usize) -> Result<(), Failure> {
        for index in 0..self.slots.len() {
            if self.slots[index].is_none() && self.opened < most {
                let mut stream = self.dial().map_err(Failure::io("connecting"))?;
                let both = Interest::READABLE;
                self.poll
                    .registry()
                    .register(&mut stream, Token(index), both)
                    .map_err(Failure::io("poll"))?;
                self.slots[index] =
                    Some(Slot { stream, number: self.opened, step: Step::Greeting(Vec::new()) });
                self.opened += 1;
            }
        }
        Ok(())
    }

    /// On loopback a connection stands at once, and a request fits into an empty socket.
    fn dial(&self) -> std::io::Result<TcpStream> {
        let mut stream = Socket::new(Domain::IPV4, Type::STREAM.cloexec(), None)?;
        stream.set_reuse_address(true)?;
        stream.bind(&self.source().into())?;
        stream.connect(&self.call.addr.into())?;
        stream.set_tcp_nodelay(true)?;
        stream.write_all(&self.call.request)?;
        stream.set_nonblocking(true)?;
        Ok(TcpStream::from_std(stream.into()))
    }

    /// An address and port of our own for each connection: left to the kernel, the ports of one
    /// address are used up within a second; then it searches, or meets a TIME_WAIT and has to wait.
    fn source(&self) -> SocketAddr {
        let turn = self.first.wrapping_add(self.opened as u64);
        let [.., high, low] = (turn / PORTS).to_be_bytes();
        (Ipv4Addr::new(127, 1, high, low), PORT_MIN + (turn % PORTS) as u16).into()
    }

    fn turn(&mut self, events: &mut Events) -> Result<(), Failure> {
        match self.poll.poll(events, Some(Duration::from_millis(20))) {
            Err(error) if error.kind() != ErrorKind::Interrupted => {
                return Err(Failure::Io("poll".to_owned(), error));
            }
            _ => {}
        }
        for event in events.iter() {
            let Token(index) = event.token();
            match index.checked_sub(self.slots.len()) {
                Some(subscriber) => self.listen(subscriber),
                None => {
                    self.advance(index);
                    // Bytes and the end may come as one edge: the end has to be read too.
                    if event.is_read_closed() {
                        self.advance(index);
                    }
                }
            }
        }
        Ok(())
    }

    fn listen(&mut self, subscriber: usize) {
        let arrivals = &mut self.arrivals;
        let pause =
            self.subscribers[subscriber].receive(&mut self.scratch, self.clock, |item, now| {
                arrivals.enter(subscriber, item, now);
            });
        if let Pause::Ended(reason) = pause {
            arrivals.broken(format!("subscriber {subscriber}: {reason}"));
        }
    }

    /// Reads once and does what is next in this connection's life.
    fn advance(&mut self, index: usize) {
        let Some(slot) = &mut self.slots[index] else {
            return;
        };
        let mut piece = [0; 4096];
        match (slot.stream.read(&mut piece), &mut slot.step) {
            (Err(error), _) if error.kind() == ErrorKind::WouldBlock => {}
            (Ok(read), Step::Greeting(answer)) if read > 0 => {
                answer.extend_from_slice(&piece[..read]);
                match self.call.greeting.read(answer) {
                    Ok(None) => {}
                    Ok(Some(_)) => self.speak(index),
                    Err(reason) => self.end(index, Some(reason)),
                }
            }
            // RFC 6455 §7.1.1: the server ends the stream first, and so keeps the TIME_WAIT.
            (Ok(0), Step::Leaving) => self.end(index, None),
            (Ok(read), Step::Leaving) => {
                if let Ok(Some((Item::Message(told), _))) = decode(Inbound::Frames, &piece[..read])
                {
                    let told = String::from_utf8_lossy(told).into_owned();
                    self.end(index, Some(told));
                }
            }
            (Ok(_), Step::Greeting(_)) => {
                self.end(index, Some("ended in the handshake".to_owned()))
            }
            (Err(error), _) => self.end(index, Some(error.to_string())),
        }
    }

    /// The only message, and the close, in one write.
    fn speak(&mut self, index: usize) {
        let Some(slot) = &mut self.slots[index] else {
            return;
        };
        let now = self.clock.now();
        let mut batch = Batch::new(&self.arrivals.layout, self.target.dress(), slot.number, 1);
        batch.fill(0, 1, |_| now);
        let mut bytes = batch.pending().to_vec();
        if self.target.dress() == Dress::Frames {
            bytes.extend(masked_frame(0x88, &GOODBYE, [5, 6, 7, 8]));
        }
        slot.step = Step::Leaving;
        let written = slot.stream.write_all(&bytes);
        if let Err(error) = written {
            self.end(index, Some(error.to_string()));
        }
    }

    fn end(&mut self, index: usize, reason: Option<String>) {
        let Some(slot) = self.slots[index].take() else {
            return;
        };
        self.ended += 1;
        if let Some(reason) = reason {
            self.arrivals.broken(format!("connection {}: {reason}", slot.number));
        }
    }

    fn finish(&mut self) {
        let opened = self.opened;
        let arrivals = &mut self.arrivals;
        let all = (opened * arrivals.seen.len()) as u64;
        for slot in self.slots.iter().flatten() {
            arrivals.broken(format!("connection {} was not seen off", slot.number));
        }
        arrivals.faults.lost += all.saturating_sub(arrivals.arrived);
        for (subscriber, seen) in arrivals.seen.iter().enumerate() {
            let missing = (0..opened).find(|&number| seen.get(number).copied().unwrap_or(0) == 0);
            if let Some(number) = missing {
                arrivals.faults.note(|| {
                    format!("subscriber {subscriber}: nothing came of connection {number}")
                });
            }
        }
        if matches!(self.target, Target::Server(_)) && arrivals.departures != all {
            arrivals.faults.broken += 1;
            let departures = arrivals.departures;
            arrivals.faults.note(|| format!("{departures} close events instead of {all}"));
        }
    }
}

impl Arrivals {
    fn enter(&mut self, subscriber: usize, item: Item<'_>, now: u64) {
        self.last = now;
        match item {
            Item::Message(message) => self.message(subscriber, message, now),
            Item::Departure => self.departures += 1,
            Item::Gap(_) => self.faults.gaps += 1,
            Item::Ping(_) | Item::Close(_) | Item::Nothing => {}
        }
    }

    fn message(&mut self, subscriber: usize, message: &[u8], now: u64) {
        let fields = self.layout.read(message).filter(|fields| fields.number == 0);
        let Some((number, at)) =
            fields.and_then(|fields| Some((fields.sender? as usize, fields.at)))
        else {
            self.faults.damaged += 1;
            self.faults
                .note(|| format!("subscriber {subscriber}: {}", String::from_utf8_lossy(message)));
            return;
        };
        let seen = &mut self.seen[subscriber];
        if seen.len() <= number {
            seen.resize(number + 1, 0);
        }
        if seen[number] > 0 {
            self.faults.doubled += 1;
            self.faults.note(|| format!("subscriber {subscriber}: connection {number} came twice"));
            return;
        }
        seen[number] = 1;
        self.arrived += 1;
        self.latency.saturating_record(since(at, now));
    }

    fn broken(&mut self, note: String) {
        self.faults.broken += 1;
        self.faults.note(|| note);
    }
}
