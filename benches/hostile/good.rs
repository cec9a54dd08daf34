//! The good clients: what they say arrives, all of it, once, in order, and how soon.
//!
//! Knows: relay messages, event streams.
//! Must not know: who else is there.

use super::server::Server;
use super::wire::{self, FIN, TEXT};
use hdrhistogram::Histogram;
use std::fmt::{self, Display};
use std::io::{self, BufRead, BufReader, Error, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const CLIENTS: usize = 100;
/// Each says one thing in this time.
const PERIOD: Duration = Duration::from_millis(100);
/// What must arrive does so in this time, at last.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Clients {
    stop: Arc<AtomicBool>,
    sender: JoinHandle<io::Result<u64>>,
    reader: JoinHandle<io::Result<Seen>>,
}

/// What arrived.
pub(crate) struct Seen {
    sent: u64,
    arrived: u64,
    disordered: u64,
    latency: Histogram<u64>,
}

impl Clients {
    pub(crate) fn connect(server: &Server) -> io::Result<Clients> {
        let begun = Instant::now();
        let mut events = wire::connect(server.http)?;
        let request = format!("GET /events?room=good HTTP/1.1\r\nHost: {}\r\n\r\n", server.http);
        events.write_all(request.as_bytes())?;
        wire::read_head(&mut events)?;
        events.set_read_timeout(Some(PATIENCE))?;
        let connect = |_| wire::open(server.ws, "/ws/good");
        let sockets = (0..CLIENTS).map(connect).collect::<io::Result<Vec<_>>>()?;
        let stop = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&stop);
        Ok(Clients {
            stop,
            sender: thread::spawn(move || speak(sockets, begun, &is_over)),
            reader: thread::spawn(move || listen(events, begun)),
        })
    }

    /// They stop; what they said arrives.
    pub(crate) fn finish(self) -> io::Result<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        let failed = |_| Error::other("a thread of the good clients panicked");
        let sent = self.sender.join().map_err(failed)??;
        let mut seen = self.reader.join().map_err(failed)??;
        seen.sent = sent;
        Ok(seen)
    }
}

/// All of them in turn, spread over the period; how much they said. The last word of each is `bye`.
fn speak(mut sockets: Vec<TcpStream>, begun: Instant, stop: &AtomicBool) -> io::Result<u64> {
    let gap = PERIOD / CLIENTS as u32;
    let (mut sent, mut due) = (0, Instant::now());
    while !stop.load(Ordering::Relaxed) {
        let (number, client) = (sent / CLIENTS as u64, sent as usize % CLIENTS);
        let at = begun.elapsed().as_nanos();
        let text = format!(r#"{{"connectionId":"good-{client}","n":{number},"at":{at}}}"#);
        sockets[client].write_all(&wire::frame(FIN | TEXT, text.as_bytes()))?;
        sent += 1;
        due += gap;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    for (client, socket) in sockets.iter_mut().enumerate() {
        let text = format!(r#"{{"connectionId":"good-{client}","bye":true}}"#);
        socket.write_all(&wire::frame(FIN | TEXT, text.as_bytes()))?;
    }
    // Until all is read they stay.
    thread::sleep(PERIOD);
    Ok(sent)
}

/// Reads until everyone has said `bye`.
fn listen(events: TcpStream, begun: Instant) -> io::Result<Seen> {
    let latency = Histogram::new_with_bounds(1, 60_000_000_000, 3).map_err(Error::other)?;
    let mut seen = Seen { sent: 0, arrived: 0, disordered: 0, latency };
    let mut next = vec![0; CLIENTS];
    let mut left = CLIENTS;
    for line in BufReader::new(events).lines() {
        let line = line?;
        let Some(data) = line.strip_prefix("data: {\"connectionId\":\"good-") else { continue };
        let number = |key: &str| -> Option<u64> {
            let (_, behind) = data.split_once(key)?;
            behind.split([',', '}']).next()?.parse().ok()
        };
        let client = data.split('"').next().and_then(|client| client.parse::<usize>().ok());
        let client = client.ok_or_else(|| Error::other(line.clone()))?;
        if data.ends_with(",\"bye\":true}") {
            left -= 1;
            if left == 0 {
                return Ok(seen);
            }
            continue;
        }
        let (Some(n), Some(at)) = (number("\"n\":"), number("\"at\":")) else {
            return Err(Error::other(line));
        };
        seen.arrived += 1;
        seen.disordered += u64::from(n != next[client]);
        next[client] = n + 1;
        let nanos = (begun.elapsed().as_nanos() as u64).saturating_sub(at);
        seen.latency.saturating_record(nanos.max(1));
    }
    Err(Error::other("the event stream of the good clients ended"))
}

impl Seen {
    pub(crate) fn is_whole(&self) -> bool {
        self.sent == self.arrived && self.disordered == 0
    }
}

impl Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |quantile| self.latency.value_at_quantile(quantile) as f64 / 1e6;
        write!(
            f,
            "sent {} arrived {} out of order {}; ms p50 {:.2} p99 {:.2} p99.9 {:.2} max {:.2}",
            self.sent,
            self.arrived,
            self.disordered,
            ms(0.5),
            ms(0.99),
            ms(0.999),
            self.latency.max() as f64 / 1e6
        )
    }
}
