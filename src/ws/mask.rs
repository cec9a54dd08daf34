//! Masking, which is its own inverse (RFC 6455 §5.3).
//!
//! Knows: bytes, a key of four, and how far a payload has come.
//! Must not know: frames, messages.

/// A word times this is that word, four times.
const FOUR_TIMES: u128 = 0x1_0000_0001_0000_0001_0000_0001;

/// Unmasks `bytes` where they lie. `phase`: how many bytes of the same payload came before them.
#[inline]
pub fn unmask(bytes: &mut [u8], key: [u8; 4], phase: usize) {
    #[expect(clippy::cast_possible_truncation, reason = "a remainder of 4 fits into anything")]
    let turned = u32::from_le_bytes(key).rotate_right(((phase % 4) as u32) << 3);
    let wide = u128::from(turned) * FOUR_TIMES;
    let (blocks, rest) = bytes.as_chunks_mut::<16>();
    for block in blocks {
        *block = (u128::from_le_bytes(*block) ^ wide).to_le_bytes();
    }
    let (words, rest) = rest.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_le_bytes(*word) ^ turned).to_le_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(turned.to_le_bytes()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455 §5.3, word for word.
    fn naive(bytes: &[u8], key: [u8; 4], phase: usize) -> Vec<u8> {
        bytes.iter().enumerate().map(|(i, byte)| byte ^ key[(phase + i) % 4]).collect()
    }

    #[test]
    fn it_equals_its_naive_twin() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let payload: Vec<u8> = (0..400usize).map(|i| (i * 7 + i / 5) as u8).collect();
        for length in 0..=300 {
            for offset in 0..8 {
                for phase in 0..4 {
                    let mut bytes = payload.clone();
                    let piece = &mut bytes[offset..offset + length];
                    unmask(piece, key, phase);
                    assert_eq!(piece, naive(&payload[offset..offset + length], key, phase));
                    assert_eq!(bytes[..offset], payload[..offset]);
                    assert_eq!(bytes[offset + length..], payload[offset + length..]);
                }
            }
        }
    }

    #[test]
    fn cutting_a_payload_anywhere_changes_nothing() {
        let key = [1, 2, 3, 4];
        let payload: Vec<u8> = (0..100).collect();
        let whole = naive(&payload, key, 0);
        for a in 0..payload.len() {
            for b in a..payload.len() {
                let mut bytes = payload.clone();
                unmask(&mut bytes[..a], key, 0);
                unmask(&mut bytes[a..b], key, a);
                unmask(&mut bytes[b..], key, b);
                assert_eq!(bytes, whole, "{a} {b}");
            }
        }
    }

    #[test]
    fn a_phase_may_be_as_large_as_a_payload() {
        let mut bytes = *b"Hello";
        unmask(&mut bytes, [0x37, 0xfa, 0x21, 0x3d], usize::MAX - 3);
        assert_eq!(bytes, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }
}
