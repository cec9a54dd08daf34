//! Which rules a stream of frames breaks, read in the simplest way.
//!
//! Knows: RFC 6455 §5, the limits; frames however wrong they are.
//! Must not know: how anybody else reads them.

use tidegate::limits::Limits;

/// A rule for what a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    ReservedBits,
    UnknownOpcode,
    Unmasked,
    NonMinimalLength,
    LengthTopBit,
    /// One frame is longer than a message may be.
    FrameTooBig,
    FragmentedControl,
    LongControl,
    BadCloseBody,
    BadCloseCode,
    BareContinuation,
    Interleaved,
    /// Only together the frames of a message are longer than it may be.
    MessageTooBig,
    TooManyFragments,
    BadUtf8,
    /// A text of several frames ends inside a character.
    HalfCharacter,
}

impl Rule {
    fn code(self) -> u16 {
        match self {
            Rule::BadUtf8 | Rule::HalfCharacter => 1007,
            Rule::FrameTooBig | Rule::MessageTooBig | Rule::TooManyFragments => 1009,
            _ => 1002,
        }
    }
}

/// The first frame that breaks a rule.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) rules: Vec<Rule>,
    pub(super) opcode: u8,
    pub(super) fin: bool,
}

impl Broken {
    pub(super) fn has_code(&self, code: u16) -> bool {
        self.rules.iter().any(|rule| rule.code() == code)
    }
}

/// The header of a frame, as it stands there.
struct Header {
    first: u8,
    mask: Option<[u8; 4]>,
    is_minimal: bool,
    length: u64,
    bytes: usize,
}

impl Header {
    /// `None`: it is not all there.
    fn read(input: &[u8]) -> Option<Header> {
        let [first, second, rest @ ..] = input else { return None };
        let in_bytes = [0, 2, 8][usize::from(second & 127).saturating_sub(125)];
        let mask_bytes = if second & 128 == 0 { 0 } else { 4 };
        let bytes = 2 + in_bytes + mask_bytes;
        if input.len() < bytes {
            return None;
        }
        let (length, mask) = rest[..bytes - 2].split_at(in_bytes);
        let length = match in_bytes {
            0 => u64::from(second & 127),
            _ => length.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        };
        let least = [0, 0, 126, 0, 0, 0, 0, 0, 65536][in_bytes];
        let is_minimal = length >= least;
        Some(Header { first: *first, mask: mask.try_into().ok(), is_minimal, length, bytes })
    }

    fn opcode(&self) -> u8 {
        self.first & 15
    }

    fn fin(&self) -> bool {
        self.first & 128 != 0
    }
}

/// A message that is not whole.
struct Open {
    is_text: bool,
    bytes: Vec<u8>,
    frames: usize,
}

/// The first whole frame that breaks a rule. One that is too big is whole with its header.
pub(super) fn judge(mut input: &[u8], limits: &Limits) -> Option<Broken> {
    let mut open = None;
    while let Some(header) = Header::read(input) {
        let mut rules = rules_of_header(&header, limits);
        let is_too_big = rules.contains(&Rule::FrameTooBig);
        let rest = &input[header.bytes..];
        if !is_too_big && (rest.len() as u64) < header.length {
            return None;
        }
        let (payload, rest) = rest.split_at(if is_too_big { 0 } else { header.length as usize });
        let mask = header.mask.unwrap_or_default();
        let payload: Vec<u8> =
            payload.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b).collect();
        if !is_too_big && header.opcode() == 8 {
            rules.extend(rules_of_close(&payload));
        }
        rules.extend(rules_of_message(&header, payload, &mut open, limits));
        if !rules.is_empty() {
            return Some(Broken { rules, opcode: header.opcode(), fin: header.fin() });
        }
        if header.opcode() == 8 {
            return None;
        }
        input = rest;
    }
    None
}

fn rules_of_header(header: &Header, limits: &Limits) -> Vec<Rule> {
    let is_control = header.opcode() >= 8;
    let rules = [
        (Rule::ReservedBits, header.first & 0x70 != 0),
        (Rule::UnknownOpcode, !matches!(header.opcode(), 0..=2 | 8..=10)),
        (Rule::Unmasked, header.mask.is_none()),
        (Rule::NonMinimalLength, !header.is_minimal),
        (Rule::LengthTopBit, header.length >> 63 != 0),
        (Rule::FrameTooBig, header.length > limits.message_bytes_max as u64),
        (Rule::FragmentedControl, is_control && !header.fin()),
        (Rule::LongControl, is_control && header.length > 125),
    ];
    rules.into_iter().filter(|(_, is_broken)| *is_broken).map(|(rule, _)| rule).collect()
}

fn rules_of_close(payload: &[u8]) -> Vec<Rule> {
    let (code, reason) = match payload {
        [] => return Vec::new(),
        [_] => return vec![Rule::BadCloseBody],
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    let is_allowed = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    let is_utf8 = str::from_utf8(reason).is_ok();
    let rules = [(Rule::BadCloseCode, !is_allowed), (Rule::BadUtf8, !is_utf8)];
    rules.into_iter().filter(|(_, is_broken)| *is_broken).map(|(rule, _)| rule).collect()
}

fn rules_of_message(
    header: &Header,
    payload: Vec<u8>,
    open: &mut Option<Open>,
    limits: &Limits,
) -> Vec<Rule> {
    let mut message = match (header.opcode(), open.take()) {
        (0, None) => return vec![Rule::BareContinuation],
        (0, Some(open)) => open,
        (1 | 2, Some(_)) => {
            let is_bad = header.opcode() == 1 && rule_of_text(&payload, header.fin(), 1).is_some();
            return [Rule::Interleaved]
                .into_iter()
                .chain(is_bad.then_some(Rule::BadUtf8))
                .collect();
        }
        (opcode @ (1 | 2), None) => Open { is_text: opcode == 1, bytes: Vec::new(), frames: 0 },
        (_, was_open) => {
            *open = was_open;
            return Vec::new();
        }
    };
    let mut rules = Vec::new();
    // Of a frame that is too big for itself nothing was read.
    let length = message.bytes.len() as u64 + header.length.min(u64::MAX >> 1);
    let max = limits.message_bytes_max as u64;
    if length > max && header.length <= max {
        rules.push(Rule::MessageTooBig);
    }
    message.bytes.extend(payload);
    message.frames += 1;
    if message.frames > limits.fragments_max {
        rules.push(Rule::TooManyFragments);
    }
    if message.is_text && header.length <= max {
        rules.extend(rule_of_text(&message.bytes, header.fin(), message.frames));
    }
    if !header.fin() {
        *open = Some(message);
    }
    rules
}

fn rule_of_text(bytes: &[u8], is_whole: bool, frames: usize) -> Option<Rule> {
    let error = str::from_utf8(bytes).err()?;
    match error.error_len() {
        Some(_) => Some(Rule::BadUtf8),
        None if !is_whole => None,
        None if frames > 1 => Some(Rule::HalfCharacter),
        None => Some(Rule::BadUtf8),
    }
}

/// What the last frame of `input` lacks: a header that is cut off is continued with a mask and
/// zeros. Nothing for a frame that is too big: nobody waits for the rest of it.
pub(super) fn completion(input: &[u8], limits: &Limits) -> Vec<u8> {
    let (mut rest, mut at) = (input.to_vec(), 0);
    while at < rest.len() {
        match Header::read(&rest[at..]) {
            None => rest.push(if rest.len() == at + 1 { 128 } else { 0 }),
            Some(header) if header.length > limits.message_bytes_max as u64 => break,
            Some(header) => {
                at += header.bytes + header.length as usize;
                rest.resize(rest.len().max(at), 0);
            }
        }
    }
    rest.split_off(input.len())
}
