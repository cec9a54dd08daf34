//! The corpus, sent to the real server: in one piece, in pieces of a byte, cut in every header.

use super::case::{Case, End, Said, corpus};
use crate::support::{Message, Server, WebSocket, http};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// So many cases run at once.
const AT_ONCE: usize = 16;

/// A long payload is sent byte by byte only where it begins and ends.
const BYTES_ALONE: usize = 40;

/// Runs all cases, cut as `cut` says, several at once; then the server must be as it was before.
fn run(cuts: impl Fn(&Case) -> Vec<usize> + Sync) {
    // No case answers a close frame: whoever broke the protocol is not waited for.
    let server = Server::start(&["--closing-time", "1h"]);
    let cases = corpus();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(server.ws, case, &cuts(case));
                }
            });
        }
    });
    let mut client = WebSocket::connect(server.ws, "/echo");
    client.say("still there?");
    assert_eq!(client.hear(), Message::Text("still there?".to_owned()));
    assert_eq!(http::metric(server.http, "tidegate_panics_total"), 0);
}

fn check(addr: SocketAddr, case: &Case, cuts: &[usize]) {
    let name = &case.name;
    let mut client = WebSocket::connect(addr, "/echo");
    let mut from = 0;
    for &cut in cuts.iter().chain([&case.input.len()]) {
        // It may have been closed in the middle of what it says.
        client.wire.try_write(&case.input[from..cut]);
        from = cut;
    }
    if case.finishes {
        client.wire.try_finish();
    }
    for said in &case.says {
        let expected = match said.clone() {
            Said::Text(text) => Message::Text(String::from_utf8(text).unwrap()),
            Said::Binary(bytes) => Message::Binary(bytes),
            Said::Pong(bytes) => Message::Pong(bytes),
        };
        assert_eq!(client.next(), Some(expected), "{name}");
    }
    match case.end {
        End::Close(code) => {
            assert_eq!(client.next(), Some(Message::Close(code, String::new())), "{name}");
        }
        End::Fault(code) => match client.next() {
            Some(Message::Close(Some(said), reason)) => {
                assert_eq!(said, code, "{name}");
                assert!(!reason.is_empty(), "{name}: the server says which rule was broken");
            }
            other => panic!("{name}: {other:?}"),
        },
        End::Cut => {}
        End::Open => {
            client.ping(b"open?");
            assert_eq!(client.next(), Some(Message::Pong(b"open?".to_vec())), "{name}");
            return;
        }
    }
    assert_eq!(client.next(), None, "{name}: nothing comes behind the end");
}

#[test]
fn the_corpus_in_one_piece() {
    run(|_| Vec::new());
}

#[test]
fn the_corpus_byte_by_byte() {
    run(|case| {
        let is_alone = |at: &usize| {
            let before = case.headers.iter().rev().find(|header| header.start <= *at);
            let begins = before.is_none_or(|header| *at < header.end + BYTES_ALONE);
            let after = case.headers.iter().find(|header| *at < header.start);
            let end = after.map_or(case.input.len(), |header| header.start);
            begins || *at + BYTES_ALONE > end || at.is_multiple_of(997)
        };
        (1..case.input.len()).filter(is_alone).collect()
    });
}

#[test]
fn the_corpus_cut_in_every_header() {
    run(|case| case.headers.iter().flat_map(|header| header.start + 1..=header.end).collect());
}
