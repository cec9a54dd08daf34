//! Messages through a compressor and back, and what no compressor makes.
//!
//! Knows: the examples of RFC 7692, what flate2 makes at each level.
//! Must not know: frames, connections.

use super::*;
use proptest::prelude::*;

const MAX: usize = 64 * 1024;

fn deflate(payload: &[u8]) -> Option<Vec<u8>> {
    Deflater::new(0).deflate(payload, WINDOW_BITS).map(<[u8]>::to_vec)
}

fn inflate_into(
    inflater: &mut Inflater,
    deflated: &[u8],
    text: bool,
    max: usize,
) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    inflater.inflate(deflated, text, max, &mut out).map(|()| out)
}

fn inflate(deflated: &[u8]) -> Result<Vec<u8>, Fault> {
    inflate_into(&mut Inflater::default(), deflated, false, MAX)
}

/// What any compressor at all can make of `payload`, its last four bytes still there.
fn compressed(payload: &[u8], level: u32, flush: FlushCompress) -> Vec<u8> {
    let mut out = Vec::with_capacity(deflated_bytes_max(payload.len()) + 64);
    let mut compress = Compress::new(Compression::new(level), false);
    compress.compress_vec(payload, &mut out, flush).unwrap();
    out
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut word = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word as u8
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

#[test]
fn the_examples_of_the_rfc_are_read() {
    // RFC 7692 §7.2.3: one block, twice the same; no compression; a last block; two blocks; empty.
    let cases: [(&[u8], &[u8]); 6] = [
        (&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], b"Hello"),
        (&[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00], b"Hello"),
        (&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00], b"Hello"),
        (&[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00], b"Hello"),
        (&[0x00], b""),
        (&[0x02, 0x00], b""),
    ];
    for (deflated, message) in cases {
        assert_eq!(inflate(deflated), Ok(message.to_vec()), "{deflated:02x?}");
    }
    // §7.2.3.2: the second "Hello" refers to the first, which nobody remembers.
    assert_eq!(inflate(&[0xf2, 0x00, 0x11, 0x00, 0x00]), Err(Fault::BadDeflate));
}

#[test]
fn what_is_sent_can_be_read_and_is_smaller() {
    for bytes in [0, 1, 100, 512, 4096, 32768, 32769, 65536] {
        let text = "{\"temperature\":21.5}".repeat(bytes / 20 + 1).into_bytes();
        let payload = &text[..bytes];
        match deflate(payload) {
            Some(deflated) => {
                assert!(deflated.len() < payload.len());
                assert_eq!(inflate(&deflated), Ok(payload.to_vec()));
            }
            None => assert!(bytes < 100, "{bytes}"),
        }
    }
}

#[test]
fn what_does_not_become_smaller_is_left_as_it_is() {
    for bytes in [0, 1, 2, 3, 512, 65536] {
        assert_eq!(deflate(&noise(bytes)), None);
    }
}

/// As the Autobahn cases 12.2 and 12.5 found, which send a picture and a PDF: zlib-rs 0.6 does not
/// quite forget a message when some of it has not come out yet, and panicked in a later one.
#[test]
fn a_message_that_does_not_become_smaller_spoils_none_after_it() {
    let digits: Vec<u8> = noise(128 * 1024).into_iter().map(|byte| byte & 0x0f).collect();
    for (noisy, bytes) in [(100, 128 * 1024), (20_000, 100_000), (60_000, 10_000)] {
        let mut deflater = Deflater::new(0);
        assert_eq!(deflater.deflate(&noise(noisy), WINDOW_BITS), None);
        let payload = &digits[..bytes];
        let deflated = deflater.deflate(payload, WINDOW_BITS).expect("a smaller one");
        let inflated = inflate_into(&mut Inflater::default(), deflated, false, bytes);
        assert!(inflated.as_deref() == Ok(payload), "{bytes} bytes after {noisy} of noise");
    }
}

#[test]
fn short_messages_are_left_as_they_are() {
    let mut deflater = Deflater::new(512);
    assert_eq!(deflater.deflate(&[b'a'; 511], WINDOW_BITS), None);
    assert_eq!(deflater.tally, Tally::default());
    assert!(deflater.deflate(&[b'a'; 512], WINDOW_BITS).is_some());
    assert_eq!((deflater.tally.messages, deflater.tally.bytes), (1, 512));
}

#[test]
fn nothing_refers_to_what_is_outside_a_narrow_window() {
    let mut deflater = Deflater::new(0);
    for bits in 8..WINDOW_BITS {
        let bytes = 1 << bits;
        assert!(deflater.deflate(&vec![b'a'; bytes], bits).is_some(), "{bits}");
        assert_eq!(deflater.deflate(&vec![b'a'; bytes + 1], bits), None, "{bits}");
    }
    assert!(deflater.deflate(&vec![b'a'; 1 << 20], WINDOW_BITS).is_some());
}

#[test]
fn one_message_tells_nothing_of_another() {
    let mut deflater = Deflater::new(0);
    let (secret, other) = (b"the secret of somebody else ".repeat(40), b"an own text ".repeat(40));
    let alone = deflate(&other);
    assert!(deflater.deflate(&secret, WINDOW_BITS).is_some());
    assert_eq!(deflater.deflate(&other, WINDOW_BITS).map(<[u8]>::to_vec), alone);
    // A message that refers to what was inflated before it, or that broke off, finds nothing.
    let mut inflater = Inflater::default();
    let whole = deflate(&secret).unwrap();
    assert_eq!(inflate_into(&mut inflater, &whole, false, MAX), Ok(secret));
    for broken in [&whole[..whole.len() / 2], &[0xf2, 0x00, 0x11, 0x00, 0x00]] {
        assert_eq!(
            inflate_into(&mut inflater, broken, false, MAX),
            Err(Fault::BadDeflate),
            "{broken:02x?}"
        );
    }
    assert_eq!(inflate_into(&mut inflater, &alone.unwrap(), false, MAX), Ok(other));
}

#[test]
fn a_cut_message_is_never_taken_for_a_whole_one() {
    for level in [0, 1, 6] {
        for payload in ["a few words, a few words more, and some".as_bytes(), &noise(300)] {
            let deflated = compressed(payload, level, FlushCompress::Sync);
            let whole = deflated.strip_suffix(&TAIL).unwrap();
            assert_eq!(inflate(whole), Ok(payload.to_vec()));
            // The first byte of a stored block (RFC 1951 §3.2.4) is an empty message by itself.
            let shortest = if whole[0] & 6 == 0 { 2 } else { 1 };
            for length in shortest..whole.len() {
                assert_eq!(inflate(&whole[..length]), Err(Fault::BadDeflate), "{level} {length}");
            }
        }
    }
}

#[test]
fn whatever_ends_its_streams_itself_is_read_too() {
    let (first, second) = (b"one stream, ".repeat(9), b"another stream".repeat(9));
    let mut deflated = compressed(&first, 6, FlushCompress::Finish);
    // Without the empty block behind it, and with.
    assert_eq!(inflate(&deflated), Ok(first.clone()));
    deflated.push(0x00);
    assert_eq!(inflate(&deflated), Ok(first.clone()));
    deflated.pop();
    deflated.extend(compressed(&second, 6, FlushCompress::Finish));
    assert_eq!(inflate(&deflated), Ok([first, second].concat()));
}

#[test]
fn streams_without_end_are_not_followed() {
    let streams = |count: usize| inflate(&[0x03, 0x00].repeat(count));
    assert_eq!(streams(STREAMS_MAX), Ok(Vec::new()));
    assert_eq!(streams(STREAMS_MAX + 1), Err(Fault::BadDeflate));
    // Behind the last of them there may be the end that every message should have.
    for (count, verdict) in
        [(STREAMS_MAX, Ok(b"Hello".to_vec())), (STREAMS_MAX + 1, Err(Fault::BadDeflate))]
    {
        let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let deflated = [&[0x03, 0x00].repeat(count), &hello[..]].concat();
        assert_eq!(inflate(&deflated), verdict, "{count}");
    }
}

#[test]
fn what_is_behind_the_tail_is_not_a_message() {
    let mut deflated = deflate(&b"words ".repeat(20)).unwrap();
    deflated.extend_from_slice(&TAIL);
    // The tail itself is an empty block like any other; another follows by rule.
    deflated.push(0x00);
    assert_eq!(inflate(&deflated), Ok(b"words ".repeat(20)));
    deflated.push(0xff);
    assert_eq!(inflate(&deflated), Err(Fault::BadDeflate));
}

#[test]
fn a_message_may_be_as_large_as_the_limit_and_no_larger() {
    for payload in [vec![0; MAX], noise(MAX)] {
        for level in [0, 1, 9] {
            let deflated = compressed(&payload, level, FlushCompress::Sync);
            let deflated = deflated.strip_suffix(&TAIL).unwrap();
            assert!(deflated.len() <= deflated_bytes_max(MAX));
            let inflate = |max| inflate_into(&mut Inflater::default(), deflated, false, max);
            assert_eq!(inflate(MAX - 1), Err(Fault::TooBig));
            assert_eq!(inflate(MAX).as_ref(), Ok(&payload));
            assert_eq!(inflate(MAX + 1).as_ref(), Ok(&payload));
        }
    }
}

#[test]
fn a_bomb_takes_no_more_memory_than_a_message() {
    let bomb = compressed(&vec![0; 64 << 20], 9, FlushCompress::Sync);
    assert!(bomb.len() < 70_000);
    let mut out = Vec::new();
    let mut inflater = Inflater::default();
    assert_eq!(inflater.inflate(&bomb, false, MAX, &mut out), Err(Fault::TooBig));
    assert!(out.capacity() <= MAX + 1 && out.len() == MAX + 1, "{}", out.capacity());
    assert_eq!(inflater.tally, Tally::default());
}

#[test]
fn text_is_looked_at_while_it_is_inflated() {
    let inflate = |payload: &[u8], text| {
        let deflated = compressed(payload, 6, FlushCompress::Sync);
        let deflated = deflated.strip_suffix(&TAIL).unwrap();
        let mut out = Vec::new();
        let inflated = Inflater::default().inflate(deflated, text, MAX, &mut out);
        (inflated, out.len())
    };
    let long = "\u{e9}\u{20ac}\u{1f600}".repeat(5000);
    assert_eq!(inflate(long.as_bytes(), true), (Ok(()), long.len()));
    let cut = &long.as_bytes()[..long.len() - 1];
    assert_eq!(inflate(cut, true), (Err(Fault::BadUtf8), cut.len()));
    assert_eq!(inflate(cut, false), (Ok(()), cut.len()));
    // Found long before the end.
    let bad = [&[0xff], &[b'a'; MAX - 1][..]].concat();
    let (verdict, read) = inflate(&bad, true);
    assert!(verdict == Err(Fault::BadUtf8) && read < MAX / 2, "{read}");
}

proptest! {
    #[test]
    fn all_that_compressors_make_is_read(
        parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..12),
        repeat in 1usize..40,
        level in 0u32..=9,
        at in any::<proptest::sample::Index>(),
    ) {
        let payload = parts.concat().repeat(repeat);
        let cut = at.index(payload.len() + 1);
        let mut compress = Compress::new(Compression::new(level), false);
        let mut deflated = Vec::with_capacity(payload.len() * 2 + 1000);
        compress.compress_vec(&payload[..cut], &mut deflated, FlushCompress::Full).unwrap();
        compress.compress_vec(&payload[cut..], &mut deflated, FlushCompress::Sync).unwrap();
        let deflated = deflated.strip_suffix(&TAIL).unwrap();
        prop_assert_eq!(inflate(deflated), Ok(payload));
    }

    #[test]
    fn any_bytes_are_a_message_or_a_fault(
        deflated in proptest::collection::vec(any::<u8>(), 0..200),
        max in 0usize..3000,
    ) {
        let mut out = Vec::new();
        let verdict = Inflater::default().inflate(&deflated, false, max, &mut out);
        prop_assert!(out.len() <= max || verdict == Err(Fault::TooBig));
        prop_assert!(out.capacity() <= max.max(OUT_BYTES_MIN) + 1);
    }
}
