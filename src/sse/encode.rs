//! One event as bytes of an event stream.
//!
//! Knows: fields and lines.
//! Must not know: where payloads come from.
//!
//! An event is `[event: <kind>\n]id: <id>\ndata: <payload>\n\n`: the id directly before the data
//! and all of one length, so that a commit can write the digits when the number is known, long
//! after the encoding.

use super::id::{DIGITS, Epoch, ID_BYTES, Sequence};
use std::time::Duration;

/// What an event is to those who read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text message, or a close: an event without a name.
    Message,
    /// A binary message, as base64 in JSON: `event: binary`.
    Binary,
    /// Somebody became a member of the room: `event: join`.
    Join,
    /// Somebody is a member no more: `event: leave`.
    Leave,
}

impl Kind {
    /// The line that names it; nothing if it has no name.
    fn line(self) -> &'static [u8] {
        match self {
            Kind::Message => b"",
            Kind::Binary => b"event: binary\n",
            Kind::Join => b"event: join\n",
            Kind::Leave => b"event: leave\n",
        }
    }
}

const ID: &[u8] = b"id: ";
const DATA: &[u8] = b"\ndata: ";
const END: &[u8] = b"\n\n";

/// The bytes of an event with so long a payload.
pub fn event_length(kind: Kind, payload: usize) -> usize {
    payload.saturating_add(MESSAGE_BYTES).saturating_add(kind.line().len())
}

/// Where the parts of [`message_head`] stand.
const ID_AT: usize = ID.len();
const DATA_AT: usize = ID_AT + ID_BYTES;

/// The bytes of a message event before its payload.
pub const MESSAGE_HEAD_BYTES: usize = DATA_AT + DATA.len();

/// The bytes of a message event around its payload.
const MESSAGE_BYTES: usize = MESSAGE_HEAD_BYTES + END.len();

/// What stands before the payload of a message event without a number yet: for an epoch always the
/// same.
pub fn message_head(epoch: &Epoch) -> [u8; MESSAGE_HEAD_BYTES] {
    let mut head = [0; MESSAGE_HEAD_BYTES];
    head[..ID_AT].copy_from_slice(ID);
    head[ID_AT..DATA_AT].copy_from_slice(&epoch.id(0));
    head[DATA_AT..].copy_from_slice(DATA);
    head
}

/// Appends a message event and gives the place of its payload in `out`. `payload` writes one line:
/// it must not append CR or LF.
pub fn message_event(
    out: &mut Vec<u8>,
    epoch: &Epoch,
    sequence: Sequence,
    payload: impl FnOnce(&mut Vec<u8>),
) -> usize {
    event(out, Kind::Message, epoch.id(sequence), payload)
}

/// Like [`message_event`], with `event: binary`.
pub fn binary_event(
    out: &mut Vec<u8>,
    epoch: &Epoch,
    sequence: Sequence,
    payload: impl FnOnce(&mut Vec<u8>),
) -> usize {
    event(out, Kind::Binary, epoch.id(sequence), payload)
}

/// Like [`message_event`], of any kind, under any id.
pub fn event(
    out: &mut Vec<u8>,
    kind: Kind,
    id: [u8; ID_BYTES],
    payload: impl FnOnce(&mut Vec<u8>),
) -> usize {
    out.extend_from_slice(kind.line());
    out.extend_from_slice(ID);
    let mut head = [0; ID_BYTES + DATA.len()];
    head[..ID_BYTES].copy_from_slice(&id);
    head[ID_BYTES..].copy_from_slice(DATA);
    out.extend_from_slice(&head);
    let place = out.len();
    payload(out);
    debug_assert!(!out.iter().skip(place).any(|byte| matches!(byte, b'\r' | b'\n')));
    out.extend_from_slice(END);
    place
}

/// The digits of the id of the event whose payload stands at `payload`; `None` if none can stand
/// there.
pub fn sequence_digits(events: &mut [u8], payload: usize) -> Option<&mut [u8; DIGITS]> {
    let end = payload.checked_sub(DATA.len())?;
    events.get_mut(..end)?.last_chunk_mut()
}

/// The client's reconnection time, as the first line of a block.
pub fn retry_line(out: &mut Vec<u8>, retry: Duration) {
    out.extend_from_slice(format!("retry: {}\n", retry.as_millis()).as_bytes());
}

/// A block without data, which is no event by the standard, but moves the client's last event id:
/// what the client resumes at if the connection ends before the next event.
pub fn position_block(out: &mut Vec<u8>, id: &[u8]) {
    out.extend_from_slice(ID);
    out.extend_from_slice(id);
    out.extend_from_slice(END);
}

/// Tells that events up to and with that of `id` are gone: how many, if that is known.
pub fn gap_event(out: &mut Vec<u8>, id: &[u8], missed: Option<u64>) {
    out.extend_from_slice(b"event: gap\nid: ");
    out.extend_from_slice(id);
    let missed = missed.map_or("null".to_owned(), |count| count.to_string());
    out.extend_from_slice(format!("\ndata: {{\"missed\":{missed}}}\n\n").as_bytes());
}

/// Tells that what let the stream in holds no more, as its last event. It has no id: whoever is let
/// in again goes on where it was.
pub fn expired_event(out: &mut Vec<u8>, reason: &str) {
    let event = format!("event: expired\ndata: {{\"reason\":\"{reason}\"}}\n\n");
    out.extend_from_slice(event.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sse::write_digits;

    #[test]
    fn an_event_is_what_the_standard_says() {
        let (mut out, epoch) = (Vec::new(), Epoch::new(3));
        let place = message_event(&mut out, &epoch, 1, |out| out.extend_from_slice(b"{}"));
        assert_eq!(out, b"id: 0000003-00000000001\ndata: {}\n\n");
        assert_eq!(&out[place..place + 2], b"{}");
        assert_eq!(out.len(), event_length(Kind::Message, 2));
        message_event(&mut out, &epoch, 0, |_| ());
        assert_eq!(out[place + 4..][..MESSAGE_HEAD_BYTES], message_head(&epoch));
        let start = out.len();
        binary_event(&mut out, &epoch, 33, |out| out.extend_from_slice(b"x"));
        assert_eq!(&out[start..], b"event: binary\nid: 0000003-00000000011\ndata: x\n\n");
        assert_eq!(out.len() - start, event_length(Kind::Binary, 1));
        for (kind, line) in [(Kind::Join, "event: join\n"), (Kind::Leave, "event: leave\n")] {
            out.clear();
            event(&mut out, kind, epoch.id(1), |out| out.extend_from_slice(b"{}"));
            let rest = "id: 0000003-00000000001\ndata: {}\n\n";
            assert_eq!(String::from_utf8_lossy(&out), format!("{line}{rest}"));
            assert_eq!(out.len(), event_length(kind, 2));
        }
    }

    #[test]
    fn digits_can_be_written_later() {
        let (mut later, mut at_once, epoch) = (Vec::new(), Vec::new(), Epoch::new(3));
        let place = message_event(&mut later, &epoch, 0, |out| out.push(b'x'));
        write_digits(1234567, sequence_digits(&mut later, place).expect("an event stands there"));
        message_event(&mut at_once, &epoch, 1234567, |out| out.push(b'x'));
        assert_eq!(later, at_once);
        assert_eq!(sequence_digits(&mut later, 3), None);
    }

    #[test]
    fn what_is_between_events() {
        let (mut out, epoch) = (Vec::new(), Epoch::new(3));
        retry_line(&mut out, Duration::from_millis(1500));
        position_block(&mut out, &epoch.id(0));
        gap_event(&mut out, &epoch.id(2), Some(2));
        gap_event(&mut out, &epoch.id(3), None);
        expired_event(&mut out, "expired");
        let expected = "retry: 1500\nid: 0000003-00000000000\n\n\
             event: gap\nid: 0000003-00000000002\ndata: {\"missed\":2}\n\n\
             event: gap\nid: 0000003-00000000003\ndata: {\"missed\":null}\n\n\
             event: expired\ndata: {\"reason\":\"expired\"}\n\n";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }
}
