//! Bytes as clients write them, good or bad, and how what comes back is called.
//!
//! Knows: request heads, masked frames, what a close frame or a status line says.
//! Must not know: why anything is sent.

use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take before it counts as none.
const PATIENCE: Duration = Duration::from_secs(20);
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;
pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;

pub(crate) fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// A WebSocket; whatever is offered is agreed on.
pub(crate) fn open(addr: SocketAddr, target: &str) -> io::Result<TcpStream> {
    let mut stream = connect(addr)?;
    let head = format!(
        "GET {target} HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    let answer = read_head(&mut stream)?;
    if answer.starts_with("HTTP/1.1 101 ") { Ok(stream) } else { Err(Error::other(answer)) }
}

/// Byte by byte, so that nothing behind it is read.
pub(crate) fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// A frame's header; its length may be a lie.
pub(crate) fn header(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..126 => bytes.push(0x80 | length as u8),
        126..0x1_0000 => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
    }
    bytes.extend_from_slice(&MASK);
    bytes
}

pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// What the other side says last: `close 1009`, `status 408`, `end`, `reset`, `nothing`.
pub(crate) fn last_word(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let end = match stream.read_to_end(&mut bytes) {
        Ok(_) => "end",
        Err(error) if is_reset(&error) => "reset",
        Err(_) => "nothing",
    };
    name(&bytes).unwrap_or_else(|| end.to_owned())
}

pub(crate) fn is_reset(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

/// The close frame or status line in what came.
pub(crate) fn name(bytes: &[u8]) -> Option<String> {
    if let Some(status) = bytes.strip_prefix(b"HTTP/1.1 ") {
        return Some(format!("status {}", String::from_utf8_lossy(status.get(..3)?)));
    }
    let mut rest = bytes;
    loop {
        let (&[first, second], behind) = rest.split_first_chunk()?;
        let (length, behind) = match second {
            126 => {
                let (length, behind) = behind.split_first_chunk()?;
                (usize::from(u16::from_be_bytes(*length)), behind)
            }
            127 => {
                let (length, behind) = behind.split_first_chunk()?;
                (u64::from_be_bytes(*length) as usize, behind)
            }
            length => (usize::from(length), behind),
        };
        let payload = behind.get(..length)?;
        if first == 0x88 {
            let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            return Some(code.map_or("close".to_owned(), |code| format!("close {code}")));
        }
        rest = behind.get(length..)?;
    }
}
