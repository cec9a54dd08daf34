//! Cutting an input in pieces.
//!
//! Knows: lengths.
//! Must not know: what is in the pieces.

/// `bytes` in pieces of these lengths in turn, empty ones among them. Bytes from 200 on stand for
/// lengths in thousands, so that large frames are cut in few pieces too.
pub(super) fn pieces(bytes: &[u8], lengths: [u8; 3]) -> Vec<&[u8]> {
    let length = |byte: u8| match byte {
        ..200 => usize::from(byte),
        200.. => usize::from(byte - 199) * 1000 - 500,
    };
    if lengths == [0; 3] {
        return vec![bytes];
    }
    let (mut rest, mut pieces) = (bytes, Vec::new());
    for byte in lengths.into_iter().cycle() {
        let (piece, behind) = rest.split_at(length(byte).min(rest.len()));
        pieces.push(piece);
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    pieces
}

/// One byte in each.
pub(super) fn single_bytes(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.chunks(1).collect()
}
