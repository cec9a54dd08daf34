//! What fastwebsockets hears.
//!
//! Knows: its frames and errors, and the close code that each error stands for.
//! Must not know: what anybody else hears.

use super::{End, Heard, Pieces, Seen};
use fastwebsockets::{FragmentCollector, Frame, OpCode, Role, WebSocket, WebSocketError};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tidegate::limits::Limits;

/// As a server of clients that send `input`.
pub(crate) fn hear(input: &[u8], cuts: &[usize], limits: &Limits) -> Heard {
    let mut socket = WebSocket::after_handshake(Pieces::new(input, cuts), Role::Server);
    // Pings are then given to us.
    socket.set_auto_pong(false);
    // It refuses what is as long as its limit; and it measures frames, not messages.
    socket.set_max_message_size(limits.message_bytes_max + 1);
    let mut socket = FragmentCollector::new(socket);
    let mut events = Vec::new();
    loop {
        let end = match poll_once(socket.read_frame()) {
            Poll::Pending => End::Open,
            Poll::Ready(Ok(frame)) => {
                events.push(seen(&frame));
                if frame.opcode != OpCode::Close {
                    continue;
                }
                End::Closed
            }
            Poll::Ready(Err(error)) => End::Refused(code_of(&error)),
        };
        return Heard { events, end };
    }
}

/// Nothing here ever wakes anybody: what is not there now never will be.
fn poll_once<T>(work: impl Future<Output = T>) -> Poll<T> {
    pin!(work).poll(&mut Context::from_waker(Waker::noop()))
}

fn seen(frame: &Frame<'_>) -> Seen {
    let payload = frame.payload.to_vec();
    match frame.opcode {
        OpCode::Text => Seen::Message { binary: false, payload },
        OpCode::Binary => Seen::Message { binary: true, payload },
        OpCode::Ping => Seen::Ping(payload),
        OpCode::Pong => Seen::Pong,
        OpCode::Close => match payload.split_first_chunk() {
            Some((code, reason)) => {
                let reason = String::from_utf8(reason.to_vec()).expect("checked by it");
                Seen::Close(Some(u16::from_be_bytes(*code)), reason)
            }
            None => Seen::Close(None, String::new()),
        },
        OpCode::Continuation => unreachable!("collected"),
    }
}

fn code_of(error: &WebSocketError) -> u16 {
    match error {
        WebSocketError::InvalidUTF8 => 1007,
        WebSocketError::FrameTooLarge => 1009,
        WebSocketError::InvalidFragment
        | WebSocketError::InvalidContinuationFrame
        | WebSocketError::InvalidCloseFrame
        | WebSocketError::InvalidCloseCode
        | WebSocketError::ReservedBitsNotZero
        | WebSocketError::ControlFrameFragmented
        | WebSocketError::PingFrameTooLarge
        | WebSocketError::InvalidValue => 1002,
        other => panic!("fastwebsockets says {other:?}"),
    }
}
