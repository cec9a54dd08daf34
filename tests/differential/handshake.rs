//! The same head for our server and for tungstenite's.
//!
//! Knows: how to tell from an answer whether a client was let in.
//! Must not know: what is in the head.

use crate::compare::Pieces;
use crate::dice::Dice;
use crate::heads::Head;
use crate::node::Node;
use tidegate::limits::Limits;
use tungstenite::handshake::HandshakeError;

/// Whether a client that sends this head becomes a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    LetIn,
    Refused,
    /// More has to come.
    Open,
}

fn ours(head: &[u8], cuts: &[usize]) -> Verdict {
    let mut node = Node::new(&Limits::default());
    node.send(head, cuts);
    match node.said() {
        [] => Verdict::Open,
        said if said.starts_with(b"HTTP/1.1 101 ") => Verdict::LetIn,
        said => {
            let status = said.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.first());
            assert!(matches!(status, Some(b'4' | b'5')), "{}", said.escape_ascii());
            assert!(node.is_over(), "nothing that follows is another request");
            Verdict::Refused
        }
    }
}

/// In large pieces, as small ones are an attack to it; and so that it has read what follows the head
/// when it finds the end.
fn theirs(head: &[u8]) -> Verdict {
    let cuts: Vec<usize> = (head.len() % 2048..head.len()).step_by(2048).collect();
    match tungstenite::accept(Pieces::new(head, &cuts)) {
        Ok(_) => Verdict::LetIn,
        Err(HandshakeError::Interrupted(_)) => Verdict::Open,
        Err(HandshakeError::Failure(_)) => Verdict::Refused,
    }
}

/// Both let in what they should, cut anywhere; of a part of a head nobody is let in.
pub(crate) fn verdicts_are_as_listed(head: &Head, dice: &mut Dice) -> (Verdict, Verdict) {
    let bytes = &head.bytes;
    let mut cuts: Vec<usize> = (0..dice.below(6)).map(|_| dice.below(bytes.len())).collect();
    cuts.sort_unstable();
    let (we, they) = (ours(bytes, &cuts), theirs(bytes));
    let told = bytes.escape_ascii();
    assert_eq!(we == Verdict::LetIn, head.we, "we: {we:?} {told} {:?}", head.reasons);
    assert_eq!(they == Verdict::LetIn, head.they, "they: {they:?} {told} {:?}", head.reasons);
    let part = &bytes[..dice.below(bytes.len() - 3)];
    assert_ne!(ours(part, &[]), Verdict::LetIn, "{}", part.escape_ascii());
    assert_ne!(theirs(part), Verdict::LetIn, "{}", part.escape_ascii());
    (we, they)
}

/// A head with a few bytes changed at random: whom we let in they let in, too.
pub(crate) fn we_let_in_nobody_whom_they_refuse(dice: &mut Dice) -> bool {
    let mut head = b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n"
        .to_vec();
    for _ in 0..dice.between(1, 2) {
        let at = dice.below(head.len());
        match dice.below(4) {
            0 => head[at] ^= 1 << dice.below(8),
            1 => head[at] = dice.roll() as u8,
            2 => drop(head.remove(at)),
            _ => head.insert(at, *dice.pick(b" \t\r\n,:;=/A1\0\x80")),
        }
    }
    let is_in = ours(&head, &[]) == Verdict::LetIn;
    if is_in && theirs(&head) != Verdict::LetIn {
        assert!(is_explained(&head), "only we let in {}", head.escape_ascii());
    }
    is_in
}

/// The reasons of `heads` that can come about by chance.
fn is_explained(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let has = |field: &str, is_odd: &dyn Fn(&str) -> bool| {
        let mut fields = text.lines().filter_map(|line| line.split_once(':'));
        fields.any(|(name, value)| name.eq_ignore_ascii_case(field) && is_odd(value))
    };
    let has_spare_bits = |key: &str| {
        let digits = key.trim().strip_suffix("==").unwrap_or_default();
        !digits.ends_with(['A', 'Q', 'g', 'w'])
    };
    has("Upgrade", &|value| value.contains(','))
        || has("Connection", &|value| value.contains('\t'))
        || has("Sec-WebSocket-Key", &has_spare_bits)
        || !head.ends_with(b"\r\n\r\n")
}
