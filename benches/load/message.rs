//! One message: where its sender, number and time stand, how they are written and read again.
//!
//! Knows: the text of a message, fixed-width digits, WebSocket frames with their mask.
//! Must not know: sockets, time, who receives what.
//!
//! Every field is eight digits of base 32 at an offset that divides by eight: to write or to read
//! one is a handful of operations on a word, and a mask of four bytes lines up with it.

use std::fmt::Write;

/// The shortest message that has room for all its fields, in JSON.
pub(crate) const JSON_BYTES_MIN: usize = 75;
/// The same for plain text, which knows no sender.
pub(crate) const PLAIN_BYTES_MIN: usize = 16;
/// Long enough for the longest frame that a server of ours takes.
pub(crate) const BYTES_MAX: usize = 128 * 1024;

/// Bytes per field.
const FIELD: usize = 8;
/// What one digit can hold is 0 to 31: '0' to 'O', none of which JSON escapes.
const ZEROS: u64 = 0x3030_3030_3030_3030;
/// A field is 40 bits: as nanoseconds it turns over in 18 minutes, see [`since`].
const FIELD_MASK: u64 = (1 << 40) - 1;

/// Which text a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `{"connectionId":"<run><sender>","no":"<number>","at":"<time>","pad":"…"}`
    Json,
    /// `<number><time>…`, for echoes shorter than that.
    Plain,
}

/// What a receiver reads out of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    /// Who sent it; `None` in plain text.
    pub(crate) sender: Option<u64>,
    /// The sender's count of messages before this one.
    pub(crate) number: u64,
    /// When it was sent, in nanoseconds, low 40 bits.
    pub(crate) at: u64,
}

/// The fixed text of all messages of one round.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    form: Form,
    text: Vec<u8>,
    words: [u64; 8],
}

impl Layout {
    /// Messages of `size` bytes; `run` makes the ids differ from those of any other round.
    pub(crate) fn new(form: Form, size: usize, run: u64) -> Layout {
        let mut text = match form {
            Form::Json => json_head(run),
            Form::Plain => "0".repeat(2 * FIELD),
        };
        let end = if form == Form::Json { "\"}" } else { "" };
        let pad = size.saturating_sub(text.len() + end.len());
        // Not one letter over and over: a piece that is moved or cut must show.
        text.extend(('a'..='z').cycle().take(pad));
        text.push_str(end);
        let text = text.into_bytes();
        let words = std::array::from_fn(|index| word(&text, index).unwrap_or(0));
        Layout { form, text, words }
    }

    /// The length of every message.
    pub(crate) fn size(&self) -> usize {
        self.text.len()
    }

    /// The message of `sender` with the other fields zero.
    pub(crate) fn text_of(&self, sender: u64) -> Vec<u8> {
        let mut text = self.text.clone();
        if self.form == Form::Json {
            text[3 * FIELD..4 * FIELD].copy_from_slice(&encode(sender));
        }
        text
    }

    /// The fields of a message, or `None` where anything in it is not as it was sent.
    #[inline]
    pub(crate) fn read(&self, message: &[u8]) -> Option<Fields> {
        if message.len() != self.text.len() {
            return None;
        }
        match self.form {
            Form::Json => self.read_json(message),
            Form::Plain => {
                let (head, rest) = message.split_first_chunk::<16>()?;
                let number = decode(u64::from_be_bytes(*head.first_chunk()?))?;
                let at = decode(u64::from_be_bytes(*head.last_chunk()?))?;
                (rest == &self.text[16..]).then_some(Fields { sender: None, number, at })
            }
        }
    }

    #[inline]
    fn read_json(&self, message: &[u8]) -> Option<Fields> {
        let (head, rest) = message.split_first_chunk::<64>()?;
        let (words, _) = head.as_chunks::<FIELD>();
        let words: [u64; 8] = std::array::from_fn(|index| u64::from_be_bytes(words[index]));
        let changed = [0, 1, 2, 4, 6]
            .iter()
            .fold(0, |changed, &index| changed | (words[index] ^ self.words[index]));
        if changed != 0 || rest != &self.text[64..] {
            return None;
        }
        let sender = Some(decode(words[3])?);
        Some(Fields { sender, number: decode(words[5])?, at: decode(words[7])? })
    }

    /// Where number and time stand.
    fn places(&self) -> (usize, usize) {
        match self.form {
            Form::Json => (5 * FIELD, 7 * FIELD),
            Form::Plain => (0, FIELD),
        }
    }
}

/// The 64 bytes up to the time, and the name of the padding.
fn json_head(run: u64) -> String {
    let run = String::from_utf8_lossy(&encode(run))[2..].to_owned();
    let mut head = String::with_capacity(BYTES_MAX);
    // A String takes whatever is written to it.
    let _ =
        write!(head, "{{\"connectionId\":\"r{run}00000000\",\"no\":\"00000000\",\"at\":\"00000000");
    debug_assert_eq!(head.len(), 8 * FIELD);
    head.push_str("\",\"pad\":\"");
    head
}

fn word(text: &[u8], index: usize) -> Option<u64> {
    let (words, _) = text.as_chunks::<FIELD>();
    words.get(index).map(|word| u64::from_be_bytes(*word))
}

/// Nanoseconds from a time in a message to now.
pub(crate) fn since(at: u64, now: u64) -> u64 {
    now.wrapping_sub(at) & FIELD_MASK
}

/// Eight digits, the highest first; what is above 40 bits is cut off.
#[inline]
pub(crate) fn encode(value: u64) -> [u8; FIELD] {
    let value = value & FIELD_MASK;
    let by_20 = (value & 0xF_FFFF) | (value >> 20) << 32;
    let by_10 = (by_20 & 0x0000_03FF_0000_03FF) | (by_20 & 0x000F_FC00_000F_FC00) << 6;
    let by_5 = (by_10 & 0x001F_001F_001F_001F) | (by_10 & 0x03E0_03E0_03E0_03E0) << 3;
    (by_5 + ZEROS).to_be_bytes()
}

/// The value of eight digits, or `None` if one of them is not a digit.
#[inline]
pub(crate) fn decode(word: u64) -> Option<u64> {
    let by_5 = word.wrapping_sub(ZEROS);
    // A byte below '0' borrows, but has its own high bits set by that: it is seen all the same.
    if by_5 & 0xE0E0_E0E0_E0E0_E0E0 != 0 {
        return None;
    }
    let by_10 = (by_5 & 0x001F_001F_001F_001F) | (by_5 & 0x1F00_1F00_1F00_1F00) >> 3;
    let by_20 = (by_10 & 0x0000_03FF_0000_03FF) | (by_10 & 0x03FF_0000_03FF_0000) >> 6;
    Some((by_20 & 0xF_FFFF) | (by_20 >> 32) << 20)
}

/// How messages look on the way to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dress {
    /// Masked WebSocket text frames.
    Frames,
    /// The message itself, filled up to the size that its frame would have.
    Raw,
}

/// The length of the masked frame that carries `size` bytes.
pub(crate) fn frame_bytes(size: usize) -> usize {
    frame_head(0x81, size).len() + 4 + size
}

/// The length of the event that carries `size` bytes, its `id` having 19 characters.
pub(crate) fn event_bytes(size: usize) -> usize {
    "id: 0123456789abcdefghi\ndata: \n\n".len() + size
}

/// A masked frame; RFC 6455 §5.3 wants a mask from every client.
pub(crate) fn masked_frame(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = frame_head(first, payload.len());
    frame[1] |= 0x80;
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// RFC 6455 §5.2: seven bits of length, or 126 and sixteen, or 127 and sixty-four.
fn frame_head(first: u8, size: usize) -> Vec<u8> {
    match (size, u16::try_from(size)) {
        (0..=125, _) => vec![first, size as u8],
        (_, Ok(short)) => [&[first, 126][..], &short.to_be_bytes()].concat(),
        (_, Err(_)) => [&[first, 127][..], &(size as u64).to_be_bytes()].concat(),
    }
}

/// One sender's messages, built once, side by side; only number and time are written anew.
pub(crate) struct Batch {
    bytes: Vec<u8>,
    stride: usize,
    number_at: usize,
    time_at: usize,
    /// The mask, twice, as the fields of a frame meet it.
    mask: u64,
    written: usize,
    filled: usize,
}

impl Batch {
    /// Room for `capacity` messages of `sender`.
    pub(crate) fn new(layout: &Layout, dress: Dress, sender: usize, capacity: usize) -> Batch {
        let text = layout.text_of(sender as u64);
        let stride = frame_bytes(text.len());
        let mask = match dress {
            Dress::Frames => 0x9E37_79B9_u32.wrapping_mul(sender as u32 | 1).to_ne_bytes(),
            Dress::Raw => [0; 4],
        };
        let (one, payload_at) = match dress {
            Dress::Frames => (masked_frame(0x81, &text, mask), stride - text.len()),
            Dress::Raw => ([&text[..], &vec![b'-'; stride - text.len()]].concat(), 0),
        };
        let (number, time) = layout.places();
        let (number_at, time_at) = (payload_at + number, payload_at + time);
        let mask = u64::from_ne_bytes([
            mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3],
        ]);
        Batch {
            bytes: one.repeat(capacity),
            stride,
            number_at,
            time_at,
            mask,
            written: 0,
            filled: 0,
        }
    }

    /// The most messages that one filling takes.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.len() / self.stride
    }

    /// Makes the next `count` messages, from `number` on; what was there must be written.
    #[inline]
    pub(crate) fn fill(&mut self, number: u64, count: usize, at: impl Fn(u64) -> u64) {
        debug_assert!(self.pending().is_empty() && count <= self.capacity());
        let mask = self.mask;
        let masked = |value: u64| (u64::from_ne_bytes(encode(value)) ^ mask).to_ne_bytes();
        for (number, message) in
            (number..).zip(self.bytes.chunks_exact_mut(self.stride).take(count))
        {
            message[self.number_at..][..FIELD].copy_from_slice(&masked(number));
            message[self.time_at..][..FIELD].copy_from_slice(&masked(at(number)));
        }
        self.written = 0;
        self.filled = count * self.stride;
    }

    /// What is filled and not yet written.
    pub(crate) fn pending(&self) -> &[u8] {
        &self.bytes[self.written..self.filled]
    }

    /// The first `count` bytes of it are on their way.
    pub(crate) fn advance(&mut self, count: usize) {
        self.written += count;
    }
}
