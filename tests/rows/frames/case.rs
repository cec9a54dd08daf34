//! `tests/corpora/websocket.txt`: its head says how it is written.

use std::fs;
use std::ops::Range;
use std::path::Path;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// One line of the corpus.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// What the client sends.
    pub(crate) input: Vec<u8>,
    /// Where the headers stand in it.
    pub(crate) headers: Vec<Range<usize>>,
    /// The client closes its half behind that.
    pub(crate) finishes: bool,
    /// The frames that come back.
    pub(crate) says: Vec<Said>,
    pub(crate) end: End,
}

/// A message or a pong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
}

/// What comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The answer to a close frame.
    Close(Option<u16>),
    /// The server's close frame.
    Fault(u16),
    /// The end of the connection alone.
    Cut,
    /// The connection lives.
    Open,
}

/// All cases.
pub(crate) fn corpus() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora/websocket.txt");
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(Case::parse).collect()
}

impl Case {
    fn parse(line: &str) -> Case {
        let (name, rest) = line.split_once(" :: ").expect(line);
        let (input, output) = rest.split_once(" => ").expect(line);
        let mut case = Case {
            name: name.to_owned(),
            input: Vec::new(),
            headers: Vec::new(),
            finishes: false,
            says: Vec::new(),
            end: End::Open,
        };
        for item in input.split(" ; ") {
            assert!(!case.finishes, "nothing follows fin: {line}");
            case.send(item);
        }
        let mut items: Vec<&str> = output.split(" ; ").collect();
        case.end = End::parse(items.pop().expect(line));
        items.into_iter().for_each(|item| case.expect(item));
        case
    }

    fn send(&mut self, item: &str) {
        let (count, item) = counted(item);
        let words = words(item);
        match words[0].as_str() {
            "fin" => self.finishes = true,
            "raw" => {
                let start = self.input.len();
                self.input.extend(payload(&words[1..]));
                self.headers.push(start..self.input.len());
            }
            kind => {
                let (header, payload) = frame(kind, &words[1..]);
                for _ in 0..count {
                    let start = self.input.len();
                    self.headers.push(start..start + header.len());
                    self.input.extend_from_slice(&header);
                    self.input.extend_from_slice(&payload);
                }
            }
        }
    }

    fn expect(&mut self, item: &str) {
        let (count, item) = counted(item);
        let words = words(item);
        let payload = payload(&words[1..]);
        let said = match words[0].as_str() {
            "text" => Said::Text(payload),
            "binary" => Said::Binary(payload),
            "pong" => Said::Pong(payload),
            other => panic!("{other}: nothing that a server says"),
        };
        self.says.extend(std::iter::repeat_n(said, count));
    }
}

impl End {
    fn parse(item: &str) -> End {
        let (what, code) = item.split_once(' ').unwrap_or((item, ""));
        let code = (!code.is_empty()).then(|| code.parse().expect(item));
        match (what, code) {
            ("close", code) => End::Close(code),
            ("fault", Some(code)) => End::Fault(code),
            ("end", None) => End::Cut,
            ("open", None) => End::Open,
            _ => panic!("{item}: no end of a case"),
        }
    }
}

/// `12x text "a"` is twelve times `text "a"`.
fn counted(item: &str) -> (usize, &str) {
    let item = item.trim();
    let count = item.split_once("x ").and_then(|(count, rest)| Some((count.parse().ok()?, rest)));
    count.unwrap_or((1, item))
}

/// Words are apart by blanks, but not in strings.
fn words(item: &str) -> Vec<String> {
    let (mut words, mut is_string, mut is_escaped) = (vec![String::new()], false, false);
    for sign in item.chars() {
        if sign == ' ' && !is_string {
            words.push(String::new());
            continue;
        }
        is_string ^= sign == '"' && !is_escaped;
        is_escaped = sign == '\\' && !is_escaped;
        words.last_mut().unwrap().push(sign);
    }
    assert!(!is_string, "{item}: a string without its end");
    words
}

fn payload(words: &[String]) -> Vec<u8> {
    words.iter().flat_map(|word| piece(word)).collect()
}

/// `"text"`, `"text"*3`, or a close code.
fn piece(word: &str) -> Vec<u8> {
    let Some(string) = word.strip_prefix('"') else {
        return word.parse::<u16>().expect(word).to_be_bytes().to_vec();
    };
    let (string, count) = string.rsplit_once('"').expect(word);
    let count = count.strip_prefix('*').map_or(1, |count| count.parse().expect(word));
    let mut bytes = Vec::new();
    let mut rest = string.as_bytes();
    while let [byte, behind @ ..] = rest {
        rest = behind;
        match (byte, behind) {
            (b'\\', [b'x', high, low, behind @ ..]) => {
                let digits = [*high, *low];
                let digits = str::from_utf8(&digits).expect(word);
                bytes.push(u8::from_str_radix(digits, 16).expect(word));
                rest = behind;
            }
            (b'\\', [sign @ (b'"' | b'\\'), behind @ ..]) => {
                bytes.push(*sign);
                rest = behind;
            }
            (b'\\', _) => panic!("{word}: an unknown escape"),
            (byte, _) => bytes.push(*byte),
        }
    }
    bytes.repeat(count)
}

/// The bytes that a length has in the header.
#[derive(Clone, Copy)]
enum Form {
    Shortest,
    Two,
    Eight,
}

fn frame(kind: &str, words: &[String]) -> (Vec<u8>, Vec<u8>) {
    let (kind, fin) = kind.strip_suffix('+').map_or((kind, 0x80), |kind| (kind, 0));
    let (mut first, mut mask) = (fin | opcode(kind), Some(MASK));
    let (mut form, mut says, mut pieces) = (Form::Shortest, None, Vec::new());
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("rsv1", _) => first |= 0x40,
            ("rsv2", _) => first |= 0x20,
            ("rsv3", _) => first |= 0x10,
            ("unmasked", _) => mask = None,
            ("mask", key) => mask = Some(u32::from_str_radix(key, 16).expect(key).to_be_bytes()),
            ("len16", _) => form = Form::Two,
            ("len64", _) => form = Form::Eight,
            ("says", length) => says = Some(number(length)),
            _ => pieces.extend(piece(word)),
        }
    }
    let mut header = vec![first];
    push_length(&mut header, says.unwrap_or(pieces.len() as u64), form);
    if let Some(mask) = mask {
        header[1] |= 0x80;
        header.extend_from_slice(&mask);
        pieces.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    }
    (header, pieces)
}

fn push_length(header: &mut Vec<u8>, length: u64, form: Form) {
    match (form, length) {
        (Form::Shortest, ..126) => header.push(length as u8),
        (Form::Two, ..0x1_0000) | (Form::Shortest, 126..0x1_0000) => {
            header.push(126);
            header.extend_from_slice(&(length as u16).to_be_bytes());
        }
        (Form::Two | Form::Eight | Form::Shortest, _) => {
            header.push(127);
            header.extend_from_slice(&length.to_be_bytes());
        }
    }
}

fn opcode(kind: &str) -> u8 {
    match kind {
        "cont" => 0x0,
        "text" => 0x1,
        "binary" => 0x2,
        "close" => 0x8,
        "ping" => 0x9,
        "pong" => 0xa,
        other => {
            let digit = other.strip_prefix("0x").expect(other);
            u8::from_str_radix(digit, 16).expect(other)
        }
    }
}

/// `65537`, `2^63`, `2^63-1`, `2^63+1`.
fn number(text: &str) -> u64 {
    let Some(power) = text.strip_prefix("2^") else { return text.parse().expect(text) };
    let (exponent, by) = match power.find(['-', '+']) {
        Some(at) => (&power[..at], power[at..].parse().expect(text)),
        None => (power, 0_i128),
    };
    let number = (1_i128 << exponent.parse::<u32>().expect(text)) + by;
    u64::try_from(number).expect(text)
}

#[test]
fn the_corpus_is_large_and_every_case_has_a_name_of_its_own() {
    let mut names: Vec<String> = corpus().into_iter().map(|case| case.name).collect();
    assert!(names.len() >= 500, "{}", names.len());
    names.sort();
    names.windows(2).for_each(|pair| assert_ne!(pair[0], pair[1]));
}

#[test]
fn what_the_corpus_says_is_what_is_sent() {
    let case =
        Case::parse(r#"a :: text+ rsv1 "h\xff" 1000 ; 2x ping len16 "\"" => pong "" ; open"#);
    let unmasked = |bytes: &[u8]| -> Vec<u8> {
        bytes.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
    };
    let text = [&[0x41, 0x84][..], &MASK, &unmasked(b"h\xff\x03\xe8")].concat();
    let ping = [&[0x89, 0xfe, 0, 1][..], &MASK, &unmasked(b"\"")].concat();
    assert_eq!(case.input, [&text[..], &ping, &ping].concat());
    assert_eq!(case.headers, [0..6, 10..18, 19..27]);
    assert_eq!((case.says, case.end), (vec![Said::Pong(Vec::new())], End::Open));
    let says = |length: &str| frame("binary", &[format!("says={length}")]).0;
    assert_eq!(says("2^63-1")[..10], [0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255]);
    assert_eq!(says("2^64-1")[..10], [0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255]);
    assert_eq!(says("126")[..4], [0x82, 0xfe, 0, 126]);
}
