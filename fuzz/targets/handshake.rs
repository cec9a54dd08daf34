//! The opening handshake: each condition of RFC 6455 §4.2.1, and the answer to the key.
//!
//! Knows: the first byte says which conditions hold; a line with the version follows, then the key.
//! Must not know: HTTP.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use tidegate::ws::handshake::{Offer, Refusal, accept_key, check};

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let [knobs, text @ ..] = data else { return };
    answers(text);
    let Ok(text) = str::from_utf8(text) else { return };
    let (version, key) = text.split_once('\n').unwrap_or((text, ""));
    let bit = |number: u8| knobs >> number & 1 == 1;
    // All conditions hold if no bit is set, so that most inputs come as far as the key.
    let offer = Offer {
        method_is_get: !bit(0),
        http_1_1: !bit(1),
        connection_has_upgrade: !bit(2),
        upgrade_has_websocket: !bit(3),
        has_body: bit(4),
        key: (!bit(5)).then_some(key),
        version: (!bit(6)).then_some(version),
    };
    let verdict = check(&offer);
    assert_eq!(verdict.is_ok(), unmet(&offer).is_empty());
    match verdict {
        Ok(taken) => assert_eq!(taken, key),
        Err(refusal) => {
            assert!(unmet(&offer).contains(&refusal), "{refusal:?}");
            let has = |name| refusal.headers().iter().any(|(header, _)| *header == name);
            assert_eq!(has("Sec-WebSocket-Version"), refusal.status_code() == 426);
        }
    }
}

/// All reasons to refuse an offer.
fn unmet(offer: &Offer<'_>) -> Vec<Refusal> {
    let is_upgrade = offer.connection_has_upgrade && offer.upgrade_has_websocket;
    let conditions = [
        (offer.method_is_get, Refusal::Method),
        (is_upgrade, Refusal::NotUpgrade),
        (offer.http_1_1, Refusal::OldHttp),
        (!offer.has_body, Refusal::Body),
        (offer.version == Some("13"), Refusal::BadVersion),
        (offer.key.is_some(), Refusal::MissingKey),
        (offer.key.is_none_or(is_key), Refusal::BadKey),
    ];
    let unmet = conditions.into_iter().filter(|(is_met, _)| !is_met);
    unmet.map(|(_, refusal)| refusal).collect()
}

/// RFC 6455 §4.2.1: base64 which, decoded, is 16 bytes long. Bits that are left over may be set, as
/// in the example of §4.1.
fn is_key(key: &str) -> bool {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
    GeneralPurpose::new(&STANDARD, config).decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

/// The key that proves that we understood (§4.2.2), from a SHA-1 that is written out here.
fn answers(key: &[u8]) {
    let digest = sha1(&[key, b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat());
    let expected = base64::engine::general_purpose::STANDARD.encode(digest);
    assert_eq!(accept_key(key), expected.as_bytes());
}

/// FIPS 180-4 §6.1.2.
fn sha1(message: &[u8]) -> [u8; 20] {
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    let mut state = [0x67452301u32, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
    for block in padded.chunks(64) {
        let mut words: Vec<u32> = block
            .chunks(4)
            .map(|word| word.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
            .collect();
        for t in 16..80 {
            words
                .push((words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (t, word) in words.iter().enumerate() {
            let (f, k) = match t {
                0..20 => (b & c | !b & d, 0x5a827999),
                20..40 => (b ^ c ^ d, 0x6ed9eba1),
                40..60 => (b & c | b & d | c & d, 0x8f1bbcdc),
                _ => (b ^ c ^ d, 0xca62c1d6u32),
            };
            let next = a.rotate_left(5).wrapping_add(f).wrapping_add(e);
            let next = next.wrapping_add(k).wrapping_add(*word);
            (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}
