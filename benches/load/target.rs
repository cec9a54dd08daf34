//! What the load goes to: a server, or the floor under all servers, behind one face.
//!
//! Knows: addresses, paths, handshakes, the floor's process.
//! Must not know: messages, who counts what.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::conn::Conn;
use crate::floor;
use crate::message::{Dress, event_bytes, frame_bytes};
use crate::options::ROOM;
use crate::wire::Inbound;

/// Handshakes that are under way at the same time.
const TOGETHER: usize = 64;
/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer to a handshake.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Key and answer of RFC 6455 §1.3: one fixed key spares us a SHA-1.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Why a round could not be run.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The system said no; what we wanted, and its answer.
    Io(String, io::Error),
    /// The target said no.
    Refused(String),
}

impl Failure {
    /// For `map_err`: what we were about to do.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Failure {
        let what = what.into();
        move |error| Failure::Io(what, error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Io(what, error) => write!(f, "{what}: {error}"),
            Failure::Refused(reason) => f.write_str(reason),
        }
    }
}

/// What a connection is for; to the floor each is one letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Sends, gets nothing.
    Sender,
    /// Gets what senders send.
    Subscriber,
    /// Sends, and gets what other members send.
    Member,
    /// The same, and its own messages too.
    MemberToo,
    /// Gets its own messages back.
    Echo,
    /// Sends one message to subscribers and is seen off by the other side.
    Visitor,
}

impl Role {
    /// The floor's word for it.
    pub(crate) fn letter(self) -> u8 {
        match self {
            Role::Sender => b'S',
            Role::Subscriber => b'R',
            Role::Member => b'M',
            Role::MemberToo => b'A',
            Role::Echo => b'E',
            Role::Visitor => b'V',
        }
    }
}

/// A server's two listeners and the paths of this workload.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// The WebSocket listener.
    pub(crate) ws_addr: SocketAddr,
    /// The HTTP listener.
    pub(crate) http_addr: SocketAddr,
    /// What WebSockets ask for, with [`ROOM`] in place of the room's name.
    pub(crate) ws_path: String,
    /// What subscribers ask for, likewise.
    pub(crate) sse_path: String,
    /// The line of a head that lets us in, or nothing.
    pub(crate) credential: String,
    /// The names of the rooms.
    pub(crate) rooms: Vec<String>,
    /// The process whose time and memory are measured, if it is known.
    pub(crate) pid: Option<u32>,
}

/// The floor: this program, started once more.
pub(crate) struct Floor {
    child: Child,
    addr: SocketAddr,
}

impl Floor {
    /// Starts it for messages that come with `inbound` bytes and leave with `outbound`.
    pub(crate) fn start(
        inbound: usize,
        outbound: usize,
        pin: Option<usize>,
    ) -> Result<Floor, Failure> {
        let failed = || Failure::io("starting the floor");
        let program = std::env::current_exe().map_err(failed())?;
        let mut command = Command::new(program);
        command.args(["floor", &inbound.to_string(), &outbound.to_string()]);
        command.args(pin.map(|cpu| cpu.to_string()));
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed())?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line).map_err(failed())?;
        }
        match line.trim().parse() {
            Ok(addr) => Ok(Floor { child, addr }),
            Err(_) => Err(Failure::Refused("the floor did not start".to_owned())),
        }
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing more to do about it then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Server or floor.
pub(crate) enum Target {
    /// A server that runs already.
    Server(Server),
    /// Our own child.
    Floor(Floor),
}

/// How a target says yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// 101 with the right answer to the key.
    Upgrade,
    /// 200 with an event stream whose body is not coded.
    Stream,
    /// One `+`.
    Plus,
}

/// Everything there is to opening a connection in a role.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Where to.
    pub(crate) addr: SocketAddr,
    /// What to say.
    pub(crate) request: Vec<u8>,
    /// What to wait for.
    pub(crate) greeting: Greeting,
    /// How to read what comes then.
    pub(crate) inbound: Inbound,
}

impl Target {
    /// Its name in the tables.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Target::Server(_) => "server",
            Target::Floor(_) => "floor",
        }
    }

    /// The process to measure.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self {
            Target::Server(server) => server.pid,
            Target::Floor(floor) => Some(floor.child.id()),
        }
    }

    /// How messages must look on the way to it.
    pub(crate) fn dress(&self) -> Dress {
        match self {
            Target::Server(_) => Dress::Frames,
            Target::Floor(_) => Dress::Raw,
        }
    }

    /// How to open a connection for messages of `size` bytes, in the room of that number.
    pub(crate) fn call(&self, role: Role, room: usize, size: usize) -> Call {
        match self {
            Target::Server(server) => server.call(role, room, size),
            Target::Floor(floor) => Call {
                addr: floor.addr,
                request: floor::request(role.letter(), room),
                greeting: Greeting::Plus,
                inbound: Inbound::Raw { size, stride: outbound_bytes(role, size) },
            },
        }
    }

    /// Opens one connection into each of these `rooms`, some at a time.
    pub(crate) fn open(
        &self,
        role: Role,
        rooms: &[usize],
        size: usize,
    ) -> Result<Vec<Conn>, Failure> {
        let mut conns = Vec::with_capacity(rooms.len());
        for together in rooms.chunks(TOGETHER) {
            let calls: Vec<_> = together.iter().map(|room| self.call(role, *room, size)).collect();
            let streams: Result<Vec<_>, _> = calls.iter().map(Call::dial).collect();
            for (call, stream) in calls.iter().zip(streams?) {
                conns.push(call.finish(stream)?);
            }
        }
        Ok(conns)
    }
}

/// The bytes that a message of `size` bytes is on its way out to this role.
pub(crate) fn outbound_bytes(role: Role, size: usize) -> usize {
    match role {
        Role::Sender | Role::Visitor | Role::Subscriber => event_bytes(size),
        Role::Member | Role::MemberToo => frame_bytes(size) - 4,
        Role::Echo => frame_bytes(size),
    }
}

impl Server {
    fn call(&self, role: Role, room: usize, size: usize) -> Call {
        let path = |pattern: &str| pattern.replace(ROOM, &self.rooms[room]);
        if role == Role::Subscriber {
            let head = format!(
                "GET {} HTTP/1.1\r\nHost: {}\r\n{}Accept: text/event-stream\r\n\r\n",
                path(&self.sse_path),
                self.http_addr,
                self.credential
            );
            let (greeting, inbound) = (Greeting::Stream, Inbound::Events { size });
            return Call { addr: self.http_addr, request: head.into_bytes(), greeting, inbound };
        }
        let head = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             {}Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n",
            path(&self.ws_path),
            self.ws_addr,
            self.credential
        );
        let (greeting, inbound) = (Greeting::Upgrade, Inbound::Frames);
        Call { addr: self.ws_addr, request: head.into_bytes(), greeting, inbound }
    }
}

impl Call {
    fn dial(&self) -> Result<TcpStream, Failure> {
        let attempt = || {
            let mut stream = TcpStream::connect(self.addr)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(&self.request)?;
            Ok(stream)
        };
        attempt().map_err(Failure::io(format!("connecting to {}", self.addr)))
    }

    fn finish(&self, mut stream: TcpStream) -> Result<Conn, Failure> {
        let failed = || Failure::io(format!("handshake with {}", self.addr));
        let mut answer = Vec::new();
        let used = loop {
            if let Some(used) = self.greeting.read(&answer).map_err(Failure::Refused)? {
                break used;
            }
            let mut piece = [0; 2048];
            match stream.read(&mut piece).map_err(failed())? {
                0 => return Err(Failure::Refused(format!("{} ended a handshake", self.addr))),
                read => answer.extend_from_slice(&piece[..read]),
            }
        };
        stream.set_nonblocking(true).map_err(failed())?;
        let stream = mio::net::TcpStream::from_std(stream);
        Ok(Conn::new(stream, self.inbound, &answer[used..]))
    }
}

impl Greeting {
    /// `Ok(None)`: more bytes are needed. `Ok(Some(used))`: we are welcome.
    pub(crate) fn read(self, bytes: &[u8]) -> Result<Option<usize>, String> {
        if self == Greeting::Plus {
            return Ok(bytes.first().map(|_| 1));
        }
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let used = match response.parse(bytes) {
            Ok(httparse::Status::Complete(used)) => used,
            Ok(httparse::Status::Partial) if bytes.len() < HEAD_BYTES_MAX => return Ok(None),
            _ => return Err("the answer to a handshake is not HTTP".to_owned()),
        };
        match self.objection(&response) {
            Some(objection) => Err(objection),
            None => Ok(Some(used)),
        }
    }

    fn objection(self, response: &httparse::Response<'_, '_>) -> Option<String> {
        let header = |name: &str| {
            let mut fields = response.headers.iter();
            fields.find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
        };
        let (wanted, agreed) = match self {
            Greeting::Upgrade => (101, header("Sec-WebSocket-Accept") == Some(ACCEPT)),
            _ => (200, header("Transfer-Encoding").is_none()),
        };
        match response.code {
            Some(code) if code != wanted => Some(format!("status {code} instead of {wanted}")),
            _ if agreed => None,
            _ if self == Greeting::Upgrade => Some("Sec-WebSocket-Accept is wrong".to_owned()),
            _ => Some("the event stream is chunked: that cannot be driven here".to_owned()),
        }
    }
}
