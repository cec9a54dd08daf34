//! Heads of handshakes from a seed: as they should be, as they may be, and broken.
//!
//! Knows: for each way to write a part of a head, who takes it, and why if not both do: the closed
//! list of differences between tungstenite's handshake and ours.
//! Must not know: how a head is read.

use crate::dice::Dice;

/// A way to write a part of a head: its lines, and whether we and tungstenite take it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spelling {
    pub(crate) lines: &'static str,
    pub(crate) we: bool,
    pub(crate) they: bool,
    /// Why only one of us does.
    pub(crate) reason: &'static str,
}

const fn both(lines: &'static str) -> Spelling {
    Spelling { lines, we: true, they: true, reason: "" }
}

const fn neither(lines: &'static str) -> Spelling {
    Spelling { lines, we: false, they: false, reason: "" }
}

/// We are stricter.
const fn they(lines: &'static str, reason: &'static str) -> Spelling {
    Spelling { lines, we: false, they: true, reason }
}

/// They are stricter.
const fn we(lines: &'static str, reason: &'static str) -> Spelling {
    Spelling { lines, we: true, they: false, reason }
}

const ROUTES: &str = "paths are left to its user; PROTOCOL.md, Handshake";
const HOSTS: &str = "it does not look at Host; RFC 9112 §3.2, PROTOCOL.md, Who may connect";
const TWICE: &str = "it takes the first of several; RFC 9110 §5.3 allows one";
const FIRST_LINE: &str = "it looks at the first line of a list; RFC 9110 §5.3";
const LISTS: &str = "Upgrade is a list; RFC 9110 §7.8";
const BODY: &str = "it does not look for a body; RFC 9112 §6";
const LINE_ENDS: &str =
    "LF alone; RFC 9112 §2.2 lets a reader take it, and smuggling lives on that";
const ORIGINS: &str = "it does not look at Origin; RFC 6455 §10.2, PROTOCOL.md, Who may connect";
const TOO_MUCH: &str = "our limits are lower; PROTOCOL.md, Limits";

const REQUEST_LINES: &[Spelling] = &[
    both("GET /echo HTTP/1.1\r\n"),
    both("GET /echo?_=1 HTTP/1.1\r\n"),
    both("GET /%65cho HTTP/1.1\r\n"),
    both("GET http://localhost/echo HTTP/1.1\r\n"),
    both("\r\nGET /echo HTTP/1.1\r\n"),
    both("\r\n\r\nGET /echo HTTP/1.1\r\n"),
    they(
        "\r\n\r\n\r\nGET /echo HTTP/1.1\r\n",
        "RFC 9112 §2.2: at least one empty line; we take two",
    ),
    they("\nGET /echo HTTP/1.1\r\n", LINE_ENDS),
    they("GET /echo HTTP/1.1\n", LINE_ENDS),
    they("GET /nowhere HTTP/1.1\r\n", ROUTES),
    they("GET /echo?x=1 HTTP/1.1\r\n", ROUTES),
    they("GET echo HTTP/1.1\r\n", "RFC 9112 §3.2: a target in authority form is for CONNECT"),
    neither("POST /echo HTTP/1.1\r\n"),
    neither("HEAD /echo HTTP/1.1\r\n"),
    neither("get /echo HTTP/1.1\r\n"),
    neither("GET /echo HTTP/1.0\r\n"),
    neither("GET /echo HTTP/1.2\r\n"),
    neither("GET /echo HTTP/2.0\r\n"),
    neither("GET /echo HTTP/1.1 \r\n"),
    neither("GET /echo http/1.1\r\n"),
    neither("GET /echo\r\n"),
    neither("GET /e cho HTTP/1.1\r\n"),
    neither(" GET /echo HTTP/1.1\r\n"),
];

const FOREIGN_HOST: &str = "Host: evil.example\r\n";

const HOST: &[Spelling] = &[
    both("Host: localhost:8080\r\n"),
    both("Host: LocalHost\r\n"),
    both("Host: 127.0.0.1\r\n"),
    both("Host: [::1]:8080\r\n"),
    they("", HOSTS),
    they(FOREIGN_HOST, HOSTS),
    they("Host: local host\r\n", HOSTS),
    they("Host:\r\n", HOSTS),
    they("Host: localhost\r\nHost: localhost\r\n", TWICE),
];

const UPGRADE: &[Spelling] = &[
    both("Upgrade: websocket\r\n"),
    both("Upgrade: WebSocket\r\n"),
    both("Upgrade:\t WEBSOCKET \t\r\n"),
    both("Upgrade: websocket\r\nUpgrade: h2c\r\n"),
    we("Upgrade: h2c\r\nUpgrade: websocket\r\n", FIRST_LINE),
    we("Upgrade: h2c, websocket\r\n", LISTS),
    we("Upgrade: websocket,\r\n", LISTS),
    neither(""),
    neither("Upgrade:\r\n"),
    neither("Upgrade: h2c\r\n"),
    neither("Upgrade: websockets\r\n"),
    neither("Upgrade: web socket\r\n"),
    neither("Upgrade: websocket/13\r\n"),
    neither("Upgrade: web\u{2010}socket\r\n"),
];

const CONNECTION: &[Spelling] = &[
    both("Connection: Upgrade\r\n"),
    both("Connection: upgrade\r\n"),
    both("Connection: keep-alive, Upgrade\r\n"),
    both("Connection: close,UPGRADE ,x\r\n"),
    we("Connection: keep-alive\r\nConnection: Upgrade\r\n", FIRST_LINE),
    we("Connection: keep-alive,\tUpgrade\r\n", "RFC 9110 §5.6.3: a tab is white space"),
    they("Connection: keep-alive Upgrade\r\n", "RFC 9110 §5.6.1: a space separates nothing"),
    neither(""),
    neither("Connection: keep-alive\r\n"),
    neither("Connection: Upgraded\r\n"),
    neither("Connection: Upgrade-Insecure\r\n"),
    neither("Connection: Upgrade, \u{e9}\r\n"),
];

const KEY: &[Spelling] = &[
    both("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
    both("Sec-WebSocket-Key: \t+/+/+/+/+/+/+/+/+/+/+w== \r\n"),
    we(
        "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==\r\n",
        "the RFC's own example (RFC 6455 §4.1), whose last digit has bits to spare",
    ),
    they(
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "RFC 6455 §11.3.1: the field must not appear more than once",
    ),
    neither(""),
    neither("Sec-WebSocket-Key:\r\n"),
    neither("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n"),
    neither("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n"),
    neither("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZXM=\r\n"),
    neither("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub2==\r\n"),
    neither("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQaaaA==\r\n"),
    neither("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZXNz\r\n"),
    neither("Sec-WebSocket-Key: dGhlIHNhbXBs!SBub25jZQ==\r\n"),
    neither("Sec-WebSocket-Key: \u{e9}GhlIHNhbXBsZSBub25jZ==\r\n"),
];

const VERSION: &[Spelling] = &[
    both("Sec-WebSocket-Version: 13\r\n"),
    both("Sec-WebSocket-Version:13\t\r\n"),
    they(
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n",
        "RFC 6455 §11.3.5: the field must not appear more than once in a request",
    ),
    they("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8\r\n", TWICE),
    neither("Sec-WebSocket-Version: 8\r\nSec-WebSocket-Version: 13\r\n"),
    neither(""),
    neither("Sec-WebSocket-Version: 8\r\n"),
    neither("Sec-WebSocket-Version: 013\r\n"),
    neither("Sec-WebSocket-Version: 13, 8\r\n"),
    neither("Sec-WebSocket-Version: 13.0\r\n"),
];

const MORE: &[Spelling] = &[
    both(""),
    both("User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept-Encoding: gzip\r\n"),
    both("Cookie: name=\u{e9}\r\n"),
    both("Origin: http://localhost:3000\r\n"),
    both("Sec-WebSocket-Protocol: chat, superchat\r\n"),
    both("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"),
    both("Content-Length: 0\r\n"),
    both("X-Empty:\r\nX-Tabs:\t\ta\tb\t\r\n"),
    both("!#$%&'*+-.^_`|~: every sign that a name may have\r\n"),
    they("Origin: https://evil.example\r\n", ORIGINS),
    they("Origin: null\r\n", ORIGINS),
    they("Content-Length: 5\r\n", BODY),
    they("Content-Length: 0\r\nContent-Length: 0\r\n", BODY),
    they("Content-Length: x\r\n", BODY),
    they("Transfer-Encoding: chunked\r\n", BODY),
    they("Expect: 200-ok\r\n", "it does not look at Expect; RFC 9110 §10.1.1"),
    they("X-One: a\nX-Two: b\r\n", LINE_ENDS),
    neither("X-Control: a\x01b\r\n"),
    neither("X-Blank : a\r\n"),
    neither(" X-Folded: a\r\n"),
    neither("X-Return: a\rb\r\n"),
    neither("X-Nothing\r\n"),
    neither(": no name\r\n"),
    neither("X-N\u{e9}: a\r\n"),
];

const END: &[Spelling] = &[
    both("\r\n"),
    they("\n", LINE_ENDS),
    we(
        "\r\n\u{1}\u{2}",
        "frames may follow before the answer (PROTOCOL.md, Handshake); it refuses whatever follows",
    ),
];

/// All parts, in the order of a plain head.
const PARTS: [&[Spelling]; 8] = [REQUEST_LINES, HOST, UPGRADE, CONNECTION, KEY, VERSION, MORE, END];

/// A head, and what should come of it.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) bytes: Vec<u8>,
    pub(crate) we: bool,
    pub(crate) they: bool,
    /// Why only one of us takes it.
    pub(crate) reasons: Vec<&'static str>,
}

impl Head {
    /// The head of these dice: mostly plain, with a few parts that are not.
    pub(crate) fn generate(dice: &mut Dice) -> Head {
        let odd = dice.below(4);
        let mut chosen = PARTS.map(|spellings| spellings[0]);
        for _ in 0..odd {
            let part = dice.below(PARTS.len());
            chosen[part] = *dice.pick(PARTS[part]);
        }
        let [first, host, .., end] = &mut chosen;
        // RFC 9112 §3.2.2: then what stands in Host does not count.
        if first.lines.contains("http://") && host.lines == FOREIGN_HOST {
            host.we = true;
        }
        let (first, end) = (*first, *end);
        let mut fields: Vec<String> =
            chosen[1..7].iter().map(|spelling| spelling.lines.to_owned()).collect();
        let size = pad(dice, &mut fields);
        if dice.chance(50) {
            // Not field by field: several of one name have an order.
            for at in 1..fields.len() {
                fields.swap(at, dice.below(at + 1));
            }
        }
        if fields.first().is_some_and(|line| line.starts_with(' ')) {
            fields.insert(0, "X-First: a\r\n".to_owned());
        }
        let fields: String = fields.concat();
        let fields = if dice.chance(30) { in_any_case(dice, &fields) } else { fields };
        let bytes = [first.lines, &fields, end.lines].concat().into_bytes();
        let all = || chosen.iter().chain(&size);
        let reasons = all().filter(|one| one.we != one.they).map(|one| one.reason).collect();
        Head { bytes, we: all().all(|one| one.we), they: all().all(|one| one.they), reasons }
    }
}

/// Sometimes makes the head as large as one of us takes, or larger.
fn pad(dice: &mut Dice, fields: &mut Vec<String>) -> Option<Spelling> {
    match dice.below(40) {
        0 => fields.push("X-Many: a\r\n".repeat(40)),
        1 => fields.push(format!("X-Long: {}\r\n", "a".repeat(8000))),
        2 => {
            fields.push("X-Many: a\r\n".repeat(70));
            return Some(they("", TOO_MUCH));
        }
        3 => {
            fields.push(format!("X-Long: {}\r\n", "a".repeat(17_000)));
            return Some(they("", TOO_MUCH));
        }
        4 => {
            fields.push("X-Many: a\r\n".repeat(130));
            return Some(neither(""));
        }
        _ => {}
    }
    None
}

/// Names of fields in upper and lower case as it comes.
fn in_any_case(dice: &mut Dice, fields: &str) -> String {
    let line_of = |line: &str| match line.split_once(':') {
        Some((name, value)) => {
            let change = |sign: char| match dice.chance(50) {
                true => sign.to_ascii_uppercase(),
                false => sign.to_ascii_lowercase(),
            };
            let name: String = name.chars().map(change).collect();
            format!("{name}:{value}")
        }
        None => line.to_owned(),
    };
    fields.split_inclusive('\n').map(line_of).collect()
}
