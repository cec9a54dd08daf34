//! Offers and streams from files, each with its outcome beside it.

use super::client::{Client, deflated_frame};
use crate::support::websocket::{frame, handshake};
use crate::support::{Server, Wire};

const OFFERS: &str = include_str!("../../corpora/deflate-offers.txt");
const STREAMS: &str = include_str!("../../corpora/deflate-streams.txt");

/// The lines that are cases, split at their bars.
fn cases(corpus: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = corpus.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split('|').map(str::trim).collect())
}

#[test]
fn every_offer_is_answered_as_its_line_says() {
    let server = Server::start(&["--compression"]);
    let mut count = 0;
    for case in cases(OFFERS) {
        let (outcome, values) = case.split_first().unwrap();
        let field = |value: &&str| format!("Sec-WebSocket-Extensions: {value}\r\n");
        let fields: String = values.iter().map(field).collect();
        let mut wire = Wire::connect(server.ws);
        let request = handshake(server.ws, "/echo", &fields.replace("\\t", "\t"));
        wire.write(request.as_bytes());
        let response = wire.read_response().expect("a response");
        let both =
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover".to_owned();
        let answer = response.header("sec-websocket-extensions").map(str::to_owned);
        match *outcome {
            "400" => {
                assert_eq!(response.status, 400, "{values:?}");
                assert_eq!(response.code(), "bad-websocket-extensions", "{values:?}");
            }
            "no" => assert_eq!((response.status, answer), (101, None), "{values:?}"),
            "yes" => assert_eq!((response.status, answer), (101, Some(both)), "{values:?}"),
            outcome => {
                let bits = outcome.strip_prefix("yes ").expect(outcome);
                let both = format!("{both}; server_max_window_bits={bits}");
                assert_eq!((response.status, answer), (101, Some(both)), "{values:?}");
            }
        }
        count += 1;
    }
    assert!(count >= 50, "{count}");
}

/// Hex digits as bytes; `ff~40` is 40 times the same one.
fn bytes(hex: &str) -> Vec<u8> {
    let byte = |digits: &str| u8::from_str_radix(digits, 16).expect(digits);
    let word = |word: &str| match word.split_once('~') {
        Some((digits, times)) => vec![byte(digits); times.parse().expect(word)],
        None => vec![byte(word)],
    };
    hex.split_whitespace().flat_map(word).collect()
}

#[test]
fn every_stream_is_inflated_or_refused_as_its_line_says() {
    let server = Server::start(&["--compression"]);
    let mut count = 0;
    for case in cases(STREAMS) {
        let (outcome, payloads) = case.split_first().unwrap();
        for slowly in [false, true] {
            let mut client = Client::connect(&server, "/echo");
            let (first, behind) = payloads.split_first().unwrap();
            let mut script = deflated_frame(0x1, behind.is_empty(), &bytes(first));
            for (number, payload) in behind.iter().enumerate() {
                script.extend(frame(0x0, number + 1 == behind.len(), &bytes(payload)));
            }
            if slowly {
                client.wire.write_slowly(&script)
            } else {
                client.wire.write(&script)
            }
            let heard = client.hear();
            match outcome.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
                Some(text) => {
                    let payload = String::from_utf8_lossy(&heard.payload).into_owned();
                    assert_eq!((heard.opcode, payload.as_str()), (0x1, text), "{case:?}");
                }
                None => {
                    let code = heard.close_code().map(|code| code.to_string());
                    assert_eq!(code.as_deref(), Some(*outcome), "{case:?}");
                }
            }
        }
        count += 1;
    }
    assert!(count >= 40, "{count}");
}
