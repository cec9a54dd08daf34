//! [`Session`] equals a reader that is plain, slow and sees all of its input at once.
//!
//! Knows: RFC 6455, word for word.
//! Must not know: how the fast one works.

use super::*;
use proptest::prelude::*;

/// What the input is to the naive reader: events, then the close code of a fault, or nothing for an
/// input that ends where a frame does, or in the middle of one.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Clean,
    Unfinished,
    Fault(u16),
}

struct Frame {
    fin: bool,
    opcode: u8,
    payload: Vec<u8>,
}

/// The frame at the front of `input`. `Err(Unfinished)`: it is not all there.
fn frame(input: &mut impl Iterator<Item = u8>, is_open: bool) -> Result<Frame, End> {
    let mut byte = || input.next().ok_or(End::Unfinished);
    let (first, second) = (byte()?, byte()?);
    let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
    let announced = second & 0x7f;
    let is_known = matches!(opcode, 0..=2 | 8..=10);
    let is_bad_control = opcode >= 8 && (!fin || announced > 125);
    if first & 0x70 != 0 || !is_known || second & 0x80 == 0 || is_bad_control {
        return Err(End::Fault(1002));
    }
    let (count, least) = match announced {
        126 => (2, 126),
        127 => (8, 65536),
        _ => (0, 0),
    };
    let mut length = if count == 0 { u64::from(announced) } else { 0 };
    for _ in 0..count {
        length = length << 8 | u64::from(byte()?);
    }
    if length < least || length >> 63 != 0 {
        return Err(End::Fault(1002));
    }
    let mask = [byte()?, byte()?, byte()?, byte()?];
    if opcode < 8 && (opcode == 0) != is_open {
        return Err(End::Fault(1002));
    }
    if length > Limits::default().message_bytes_max as u64 {
        return Err(End::Fault(1009));
    }
    let mut payload = Vec::new();
    for place in 0..length as usize {
        payload.push(byte()? ^ mask[place % 4]);
    }
    Ok(Frame { fin, opcode, payload })
}

fn naive(input: &[u8]) -> (Vec<Seen>, End) {
    let mut input = input.iter().copied();
    let (mut seen, mut open) = (Vec::new(), None::<(bool, Vec<u8>)>);
    while input.len() > 0 {
        let frame = match frame(&mut input, open.is_some()) {
            Ok(frame) => frame,
            Err(end) => return (seen, end),
        };
        let (binary, mut message) = match (frame.opcode, open.take()) {
            (9 | 10, was_open) => {
                open = was_open;
                let pong = frame.opcode == 10;
                seen.push(if pong { Seen::Pong } else { Seen::Ping(frame.payload) });
                continue;
            }
            (8, _) => {
                let end = naive_close(&frame.payload, &mut seen);
                return (seen, end);
            }
            (0, Some(so_far)) => so_far,
            (_, _) => (frame.opcode == 2, Vec::new()),
        };
        message.extend(frame.payload);
        let verdict = str::from_utf8(&message).map_err(|error| error.error_len().is_some());
        let is_bad = verdict == Err(true) || verdict == Err(false) && frame.fin;
        if message.len() > Limits::default().message_bytes_max {
            return (seen, End::Fault(1009));
        }
        if is_bad && !binary {
            return (seen, End::Fault(1007));
        }
        if frame.fin {
            seen.push(Seen::Message { binary, payload: message });
        } else {
            open = Some((binary, message));
        }
    }
    (seen, End::Clean)
}

fn naive_close(payload: &[u8], seen: &mut Vec<Seen>) -> End {
    let (code, reason) = match payload {
        [] => (None, &[][..]),
        [_] => return End::Fault(1002),
        [high, low, reason @ ..] => (Some(u16::from(*high) << 8 | u16::from(*low)), reason),
    };
    if code.is_some_and(|code| !CloseCode(code).is_sendable()) {
        return End::Fault(1002);
    }
    let Ok(reason) = String::from_utf8(reason.to_vec()) else { return End::Fault(1007) };
    seen.push(Seen::Close(code, reason));
    End::Clean
}

/// One message or control frame, as its frames.
#[derive(Clone, Debug)]
enum Said {
    Message { binary: bool, payload: Vec<u8>, cuts: Vec<prop::sample::Index>, ping: bool },
    Control(Opcode, Vec<u8>),
    Close(u16, String),
}

fn said() -> impl Strategy<Value = Said> {
    let text = prop_oneof![
        8 => "\\PC{0,40}".prop_map(String::into_bytes),
        1 => "[🫐é]{1500,4000}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    let bytes = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..140),
        1 => prop::collection::vec(any::<u8>(), 4000..20000),
    ];
    let cuts = || prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    let control = || prop::collection::vec(any::<u8>(), 0..126);
    prop_oneof![
        6 => (text, cuts(), any::<bool>()).prop_map(|(payload, cuts, ping)| {
            Said::Message { binary: false, payload, cuts, ping }
        }),
        6 => (bytes, cuts(), any::<bool>()).prop_map(|(payload, cuts, ping)| {
            Said::Message { binary: true, payload, cuts, ping }
        }),
        2 => control().prop_map(|payload| Said::Control(Opcode::Ping, payload)),
        2 => control().prop_map(|payload| Said::Control(Opcode::Pong, payload)),
        1 => (990u16..1020, "\\PC{0,9}").prop_map(|(code, why)| Said::Close(code, why)),
    ]
}

fn write(said: Vec<Said>, mask: [u8; 4]) -> Vec<u8> {
    let mut out = Vec::new();
    for said in said {
        match said {
            Said::Control(opcode, payload) => push_masked(&mut out, true, opcode, mask, &payload),
            Said::Close(code, reason) => {
                let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
                push_masked(&mut out, true, Opcode::Close, mask, &payload);
            }
            Said::Message { binary, payload, cuts, ping } => {
                let mut cuts: Vec<usize> =
                    cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
                cuts.sort_unstable();
                cuts.push(payload.len());
                let (mut from, mut opcode) =
                    (0, if binary { Opcode::Binary } else { Opcode::Text });
                for (number, &cut) in cuts.iter().enumerate() {
                    let fin = number + 1 == cuts.len();
                    push_masked(&mut out, fin, opcode, mask, &payload[from..cut]);
                    if ping && !fin {
                        push_masked(&mut out, true, Opcode::Ping, mask, b"?");
                    }
                    (from, opcode) = (cut, Opcode::Continuation);
                }
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_fast_reader_equals_the_naive_one(
        said in prop::collection::vec(said(), 0..8),
        mask: [u8; 4],
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        end in prop::option::weighted(0.2, any::<prop::sample::Index>()),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
    ) {
        let mut input = write(said, mask);
        for (place, byte) in changes {
            if !input.is_empty() {
                let place = place.index(input.len());
                input[place] = byte;
            }
        }
        input.truncate(end.map_or(input.len(), |end| end.index(input.len() + 1)));
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        let (seen, end) = naive(&input);
        for (events, fault) in [run(&input, &[]), run(&input, &cuts), run_in_room(&input, &cuts)] {
            prop_assert_eq!(&events, &seen);
            let code = fault.map(|fault| fault.close_code().0);
            match end {
                End::Clean => prop_assert_eq!(code, None),
                End::Fault(expected) => prop_assert_eq!(code, Some(expected)),
                // The fast one may know already how it would end.
                End::Unfinished => {}
            }
        }
        prop_assert_eq!(run(&input, &cuts).1, run(&input, &[]).1);
        prop_assert_eq!(run_in_room(&input, &cuts).1, run(&input, &[]).1);
    }
}
