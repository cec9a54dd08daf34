//! A whole conversation of one client, frame after frame (RFC 6455 §5.4 to §5.6, §7.4, §8.1;
//! RFC 7692 §6).
//!
//! Knows: all of the input, unmasked byte by byte.
//! Must not know: that input comes in pieces.

use super::frame::{Verdict, header};
use super::inflate;
use tidegate::limits::Limits;
use tidegate::ws::Fault;
use tidegate::ws::deflate::deflated_bytes_max;
use tidegate::ws::frame::{Header, Opcode};

/// What the client did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Message { binary: bool, payload: Vec<u8> },
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>, String),
}

/// How its conversation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It may go on; whether a message is open.
    Open(bool),
    Closed,
    /// One of these is told.
    Wrong(Vec<Fault>),
}

/// What was agreed on.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) limits: &'a Limits,
    /// Messages may be compressed.
    pub(crate) may_deflate: bool,
}

#[derive(Default)]
struct Message {
    binary: bool,
    deflated: bool,
    bytes: Vec<u8>,
    frames: usize,
}

pub(crate) fn read(mut input: &[u8], terms: Terms<'_>) -> (Vec<Seen>, End) {
    let (mut seen, mut open) = (Vec::new(), None);
    loop {
        match frame(&mut input, &mut seen, &mut open, terms) {
            Ok(true) => {}
            Ok(false) => return (seen, End::Open(open.is_some())),
            Err(end) => return (seen, end),
        }
    }
}

/// Takes one frame. `Ok(false)`: it is not all there.
fn frame(
    input: &mut &[u8],
    seen: &mut Vec<Seen>,
    open: &mut Option<Message>,
    terms: Terms<'_>,
) -> Result<bool, End> {
    let (header, used) = match header(input, terms.may_deflate) {
        Verdict::More => return Ok(false),
        Verdict::Bad(fault) => return Err(End::Wrong(vec![fault])),
        Verdict::Good { header, used } => (header, used),
    };
    let behind = &input[used..];
    let there = behind.len().min(usize::try_from(header.length).unwrap_or(usize::MAX));
    let is_whole = there as u64 == header.length;
    let masked = behind[..there].iter().enumerate();
    let payload: Vec<u8> = masked.map(|(place, byte)| byte ^ header.mask[place % 4]).collect();
    *input = &behind[there..];
    match header.opcode {
        Opcode::Close | Opcode::Ping | Opcode::Pong if !is_whole => return Ok(false),
        Opcode::Close => return Err(close(&payload, seen)),
        Opcode::Ping => seen.push(Seen::Ping(payload)),
        Opcode::Pong => seen.push(Seen::Pong),
        Opcode::Text | Opcode::Binary | Opcode::Continuation => {
            data(&header, &payload, seen, open, terms).map_err(End::Wrong)?;
        }
    }
    Ok(is_whole)
}

/// What there is of a data frame's payload. Text is judged by its first byte that no others could
/// mend, so it does not matter whether the frame is all there.
fn data(
    header: &Header,
    payload: &[u8],
    seen: &mut Vec<Seen>,
    open: &mut Option<Message>,
    terms: Terms<'_>,
) -> Result<(), Vec<Fault>> {
    let limits = terms.limits;
    let mut message = match (open.take(), header.opcode) {
        (None, Opcode::Continuation) => return Err(vec![Fault::BareContinuation]),
        (Some(message), Opcode::Continuation) => message,
        (Some(_), _) => return Err(vec![Fault::Interleaved]),
        (None, opcode) => {
            let binary = opcode == Opcode::Binary;
            Message { binary, deflated: header.rsv1, ..Message::default() }
        }
    };
    let bytes_max = limits.message_bytes_max;
    let come_max = if message.deflated { deflated_bytes_max(bytes_max) } else { bytes_max };
    let announced = message.bytes.len() as u128 + u128::from(header.length);
    if announced > come_max as u128 {
        return Err(vec![Fault::TooBig]);
    }
    message.frames += 1;
    if message.frames > limits.fragments_max {
        return Err(vec![Fault::TooManyFragments]);
    }
    message.bytes.extend_from_slice(payload);
    let ends = header.fin && payload.len() as u64 == header.length;
    if message.deflated && ends {
        let inflated = inflate::message(&message.bytes);
        let faults = inflated.faults(!message.binary, bytes_max);
        if !faults.is_empty() {
            return Err(faults);
        }
        message.bytes = inflated.bytes;
    } else if !message.deflated
        && !message.binary
        && let Err(error) = str::from_utf8(&message.bytes)
        && (ends || error.error_len().is_some())
    {
        return Err(vec![Fault::BadUtf8]);
    }
    if ends {
        seen.push(Seen::Message { binary: message.binary, payload: message.bytes });
    } else {
        *open = Some(message);
    }
    Ok(())
}

/// RFC 6455 §5.5.1 and §7.4, and the registry of close codes.
fn close(payload: &[u8], seen: &mut Vec<Seen>) -> End {
    if payload.len() == 1 {
        return End::Wrong(vec![Fault::BadCloseBody]);
    }
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        seen.push(Seen::Close(None, String::new()));
        return End::Closed;
    };
    let code = u16::from(code[0]) * 256 + u16::from(code[1]);
    let is_reserved = [1004, 1005, 1006].contains(&code) || (1015..3000).contains(&code);
    if code < 1000 || code > 4999 || is_reserved {
        return End::Wrong(vec![Fault::BadCloseCode(code)]);
    }
    match String::from_utf8(reason.to_vec()) {
        Ok(reason) => {
            seen.push(Seen::Close(Some(code), reason));
            End::Closed
        }
        Err(_) => End::Wrong(vec![Fault::BadUtf8]),
    }
}
