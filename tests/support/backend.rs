//! A service of others, played by the test: it hears each request and says what is answered, byte
//! by byte if need be.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Nothing that is waited for takes so long, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(30);

/// It listens as long as it is there; connections that were made stay.
#[derive(Debug)]
pub(crate) struct Backend {
    pub(crate) addr: SocketAddr,
    requests: Mutex<Receiver<Heard>>,
    connections: Arc<AtomicUsize>,
    stopping: Arc<AtomicUsize>,
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(crate) struct Heard {
    /// Its lines up to the empty one.
    pub(crate) head: Vec<String>,
    answer: Sender<Part>,
}

#[derive(Debug)]
enum Part {
    Bytes(Vec<u8>),
    Close,
}

impl Backend {
    pub(crate) fn start() -> Backend {
        Backend::start_at("127.0.0.1:0".parse().unwrap())
    }

    /// In the place of one that was there before.
    pub(crate) fn start_at(addr: SocketAddr) -> Backend {
        let listener = TcpListener::bind(addr).unwrap();
        let addr = listener.local_addr().unwrap();
        let (heard, requests) = channel();
        let (connections, stopping) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let (count, stops) = (Arc::clone(&connections), Arc::clone(&stopping));
        thread::spawn(move || {
            for stream in listener.incoming().map(Result::unwrap) {
                if stops.load(Ordering::SeqCst) > 0 {
                    return;
                }
                count.fetch_add(1, Ordering::SeqCst);
                let heard = heard.clone();
                thread::spawn(move || converse(stream, &heard));
            }
        });
        Backend { addr, requests: Mutex::new(requests), connections, stopping }
    }

    /// Where it is asked.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/auth", self.addr)
    }

    /// The next request.
    pub(crate) fn next(&self) -> Heard {
        self.requests.lock().unwrap().recv_timeout(PATIENCE).expect("somebody asks")
    }

    /// Answers as many requests as come, all the same.
    pub(crate) fn answer(&self, requests: usize, status: &str, body: &str) {
        for _ in 0..requests {
            self.next().answer(status, body);
        }
    }

    /// Whether nobody has asked who has yet to be heard.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.requests.lock().unwrap().try_recv(), Err(TryRecvError::Empty))
    }

    /// How many connections there have been.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Backend {
    /// Nobody listens at its address from here on.
    fn drop(&mut self) {
        self.stopping.store(1, Ordering::SeqCst);
        while TcpStream::connect(self.addr).is_ok() {}
    }
}

impl Heard {
    /// The values of the fields of that name.
    pub(crate) fn fields(&self, name: &str) -> Vec<&str> {
        let fields = self.head.iter().filter_map(|line| line.split_once(": "));
        fields.filter(|field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1).collect()
    }

    /// Sends some bytes of the answer; the other side may be gone.
    pub(crate) fn say(&self, bytes: &[u8]) {
        let _ = self.answer.send(Part::Bytes(bytes.to_vec()));
    }

    /// Answers, and waits for the next request on the connection.
    pub(crate) fn answer(self, status: &str, body: &str) {
        let length = body.len();
        self.say(format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes());
    }

    /// Closes the connection.
    pub(crate) fn close(self) {
        let _ = self.answer.send(Part::Close);
    }
}

fn converse(stream: TcpStream, heard: &Sender<Heard>) {
    let mut writer = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            match lines.by_ref().read_line(&mut line) {
                Ok(n) if n > 0 => {}
                _ => return,
            }
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_owned()),
            }
        }
        let (answer, parts) = channel();
        if heard.send(Heard { head, answer }).is_err() {
            return;
        }
        for part in parts {
            match part {
                Part::Bytes(bytes) if writer.write_all(&bytes).is_ok() => {}
                Part::Bytes(_) | Part::Close => return,
            }
        }
    }
}
