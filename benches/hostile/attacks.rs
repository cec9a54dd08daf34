//! What hostile clients do.
//!
//! Knows: frames, heads and floods that a server must bear.
//! Must not know: what they should be answered, what the good clients see, what it costs the server.

use super::server::Server;
use super::wire::{
    self, BINARY, CONTINUATION, FIN, RSV1, TEXT, frame, header, is_reset, last_word,
};
use flate2::{Compress, Compression, FlushCompress};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// How often the attackers were answered what.
pub(crate) type Tally = BTreeMap<String, u64>;

/// Has `attack` done again and again by so many at once, by each at least once; what became of it.
fn again_and_again(
    until: Instant,
    at_once: usize,
    attack: impl Fn() -> io::Result<String> + Sync,
) -> io::Result<Tally> {
    let one = || {
        let mut tally = Tally::new();
        loop {
            let word = attack().unwrap_or_else(|error| word_of(&error));
            *tally.entry(word).or_default() += 1;
            if Instant::now() >= until {
                return tally;
            }
        }
    };
    let mut all = Tally::new();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(one)).collect();
        for tally in threads.into_iter().filter_map(|thread| thread.join().ok()) {
            tally.into_iter().for_each(|(word, count)| *all.entry(word).or_default() += count);
        }
    });
    Ok(all)
}

fn word_of(error: &io::Error) -> String {
    if is_reset(error) { "reset".to_owned() } else { error.to_string() }
}

pub(crate) fn fragments(server: &Server, until: Instant, payload: &[u8]) -> io::Result<Tally> {
    let mut script = frame(BINARY, payload);
    script.extend(frame(CONTINUATION, payload).repeat(130_999));
    again_and_again(until, 8, || {
        let mut stream = wire::open(server.ws, "/echo")?;
        // Refused before its end, most of it is not read.
        let _ = stream.write_all(&script);
        Ok(last_word(&mut stream))
    })
}

pub(crate) fn flood(
    server: &Server,
    until: Instant,
    target: &str,
    frame: &[u8],
) -> io::Result<Tally> {
    let script = frame.repeat(1 + 64 * 1024 / frame.len());
    again_and_again(until, 16, || {
        let mut stream = wire::open(server.ws, target)?;
        stream.set_write_timeout(Some(Duration::from_millis(500)))?;
        while Instant::now() < until {
            match stream.write(&script) {
                Ok(_) => {}
                Err(error) if is_wait(&error) => {}
                Err(error) => return Ok(format!("cut off: {}", word_of(&error))),
            }
        }
        Ok("still there at the end".to_owned())
    })
}

fn is_wait(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

pub(crate) fn bombs(server: &Server, until: Instant, piece_bytes: usize) -> io::Result<Tally> {
    let deflated = gibibyte();
    let mut pieces = deflated.chunks(piece_bytes.min(deflated.len())).peekable();
    let (mut script, mut opcode) = (Vec::new(), RSV1 | BINARY);
    while let Some(piece) = pieces.next() {
        let fin = if pieces.peek().is_none() { FIN } else { 0 };
        script.extend(frame(fin | opcode, piece));
        opcode = CONTINUATION;
    }
    again_and_again(until, 8, || {
        let mut stream = wire::open(server.ws, "/echo")?;
        let _ = stream.write_all(&script);
        Ok(last_word(&mut stream))
    })
}

/// 1 GiB of zeros, compressed.
fn gibibyte() -> &'static [u8] {
    static DEFLATED: OnceLock<Vec<u8>> = OnceLock::new();
    DEFLATED.get_or_init(|| {
        let mut compress = Compress::new(Compression::best(), false);
        let mut deflated = Vec::with_capacity(2 << 20);
        let mebibyte = vec![0; 1 << 20];
        for _ in 0..1024 {
            let done = compress.compress_vec(&mebibyte, &mut deflated, FlushCompress::Sync);
            done.expect("zeros can be compressed");
        }
        deflated
    })
}

pub(crate) fn lengths(server: &Server, until: Instant) -> io::Result<Tally> {
    // From 2^63 on it is no length (RFC 6455 §5.2).
    let lengths = [1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, u64::MAX];
    again_and_again(until, 8, || {
        let mut words = Vec::new();
        for length in lengths {
            let mut stream = wire::open(server.ws, "/echo")?;
            stream.write_all(&header(FIN | BINARY, length))?;
            words.push(last_word(&mut stream));
        }
        Ok(words.join(", "))
    })
}

pub(crate) fn slow_heads(server: &Server, until: Instant) -> io::Result<Tally> {
    let mut streams = Vec::new();
    for number in 0..2000 {
        let addr = if number % 2 == 0 { server.ws } else { server.http };
        let stream = wire::connect(addr)?;
        stream.set_nonblocking(true)?;
        streams.push((stream, Vec::new()));
    }
    let mut tally = Tally::new();
    let head = b"GET /hello HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
    let bytes = head.iter().copied().chain(std::iter::repeat(b'a'));
    for byte in bytes {
        for (stream, _) in &mut streams {
            let _ = stream.write(&[byte]);
        }
        note_ended(&mut streams, &mut tally);
        if streams.is_empty() || Instant::now() >= until {
            break;
        }
        thread::sleep(Duration::from_millis(200));
    }
    if !streams.is_empty() {
        tally.insert("still there at the end".to_owned(), streams.len() as u64);
    }
    Ok(tally)
}

/// Large heads that do not end, far more of them than a server should keep.
pub(crate) fn half_heads(server: &Server, until: Instant) -> io::Result<Tally> {
    let head = format!("GET /hello HTTP/1.1\r\nHost: localhost\r\nX: {}", "a".repeat(15_000));
    let mut streams = Vec::new();
    for number in 0..8000 {
        let addr = if number % 2 == 0 { server.ws } else { server.http };
        let mut stream = wire::connect(addr)?;
        stream.write_all(head.as_bytes())?;
        stream.set_nonblocking(true)?;
        streams.push((stream, Vec::new()));
    }
    let mut tally = Tally::new();
    loop {
        note_ended(&mut streams, &mut tally);
        if streams.is_empty() || Instant::now() >= until {
            break;
        }
        thread::sleep(Duration::from_millis(200));
    }
    if !streams.is_empty() {
        tally.insert("still there at the end".to_owned(), streams.len() as u64);
    }
    Ok(tally)
}

/// Forgets those that have ended, and counts what they were told.
fn note_ended(streams: &mut Vec<(TcpStream, Vec<u8>)>, tally: &mut Tally) {
    streams.retain_mut(|(stream, answer)| {
        let Some(end) = read_some(stream, answer) else { return true };
        let word = wire::name(answer).unwrap_or(end);
        *tally.entry(word).or_default() += 1;
        false
    });
}

/// Reads what is there; the word for its end, if it has ended.
fn read_some(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Option<String> {
    match stream.read_to_end(answer) {
        Ok(_) => Some("end".to_owned()),
        Err(error) if is_wait(&error) => None,
        Err(error) => Some(word_of(&error)),
    }
}

pub(crate) fn stuck_readers(server: &Server, until: Instant) -> io::Result<Tally> {
    let mut streams = Vec::new();
    for _ in 0..200 {
        let mut stream = wire::connect(server.http)?;
        let request = format!("GET /events?room=busy HTTP/1.1\r\nHost: {}\r\n\r\n", server.http);
        stream.write_all(request.as_bytes())?;
        streams.push(stream);
    }
    let mut busy = wire::open(server.ws, "/ws/busy?connectionId=busy")?;
    let text = format!(r#"{{"connectionId":"busy","text":"{}"}}"#, "x".repeat(8000));
    let message = frame(FIN | TEXT, text.as_bytes());
    while Instant::now() < until {
        busy.write_all(&message)?;
        thread::sleep(Duration::from_millis(2));
    }
    let mut tally = Tally::new();
    for mut stream in streams {
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        let mut bytes = Vec::new();
        let word = match stream.read_to_end(&mut bytes) {
            // What the kernel had taken for it is there to be read, and then the end.
            Ok(_) => "cut off",
            Err(error) if is_reset(&error) => "cut off",
            Err(_) => "still there at the end",
        };
        *tally.entry(word.to_owned()).or_default() += 1;
    }
    Ok(tally)
}

pub(crate) fn noise(server: &Server, until: Instant) -> io::Result<Tally> {
    let seed = std::sync::atomic::AtomicU64::new(1);
    again_and_again(until, 8, || {
        let mut word = seed.fetch_add(1, std::sync::atomic::Ordering::Relaxed) << 20 | 77;
        let addr = if word & 1 << 20 == 0 { server.ws } else { server.http };
        let next = || {
            word ^= word << 13;
            word ^= word >> 7;
            word ^= word << 17;
            word as u8
        };
        let bytes: Vec<u8> = std::iter::repeat_with(next).take(64 * 1024).collect();
        let mut stream = wire::connect(addr)?;
        let _ = stream.write_all(&bytes);
        Ok(last_word(&mut stream))
    })
}

pub(crate) fn resets(server: &Server, until: Instant) -> io::Result<Tally> {
    again_and_again(until, 8, || {
        let mut stream = wire::open(server.ws, "/ws/other")?;
        stream.write_all(&header(FIN | TEXT, 60_000))?;
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        Ok("reset by us".to_owned())
    })
}

/// Relay messages of brackets only.
pub(crate) fn deep_json(server: &Server, until: Instant) -> io::Result<Tally> {
    let deep = frame(FIN | TEXT, &[b'['; 64 * 1024]);
    again_and_again(until, 8, || {
        let mut stream = wire::open(server.ws, "/")?;
        let _ = (0..20).try_for_each(|_| stream.write_all(&deep));
        Ok(last_word(&mut stream))
    })
}
