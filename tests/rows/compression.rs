//! Rows about compression (RFC 7692): offers, bombs, broken streams, what is shared and what is not.

mod client;
mod corpora;

use crate::support::{Server, WebSocket, http, wait_until};
use client::{Client, Heard, deflated, deflated_frame};

const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CONTINUATION: u8 = 0x0;

/// Noise that is the same for the same seed.
fn noise(mut seed: u64, bytes: usize) -> Vec<u8> {
    let next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as u8
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

fn metric(server: &Server, name: &str) -> u64 {
    http::metric(server.http, name)
}

#[test]
fn bombs_are_told_1009_and_take_no_memory() {
    let server = Server::start(&["--compression"]);
    let bomb = deflated_frame(BINARY, true, &deflated(&vec![0; 60 << 20]));
    assert!(bomb.len() < 64 * 1024, "it passes for a message until it is inflated");
    let mut first = Client::connect(&server, "/echo");
    first.wire.write(&bomb);
    assert_eq!(first.close_code(), 1009);
    let before = server.resident_bytes();
    let mut clients: Vec<_> = (0..200).map(|_| Client::connect(&server, "/echo")).collect();
    // All but the last byte first: so all are under way at once.
    let (last, most) = bomb.split_last().unwrap();
    clients.iter_mut().for_each(|client| client.wire.write(most));
    clients.iter_mut().for_each(|client| client.wire.write(&[*last]));
    for client in &mut clients {
        assert_eq!(client.close_code(), 1009);
    }
    // 200 times what was sent is 12 MiB, what they would be is 12 GiB.
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown}");
}

#[test]
fn a_bomb_in_fragments_is_one_too() {
    let server = Server::start(&["--compression", "--max-fragments", "1000"]);
    let bomb = deflated(&vec![0; 60 << 20]);
    let mut client = Client::connect(&server, "/echo");
    let mut pieces = bomb.chunks(1024);
    let last = pieces.next_back().unwrap();
    client.wire.write(&deflated_frame(BINARY, false, pieces.next().unwrap()));
    for piece in pieces {
        client.wire.write(&crate::support::websocket::frame(CONTINUATION, false, piece));
    }
    client.wire.write(&crate::support::websocket::frame(CONTINUATION, true, last));
    assert_eq!(client.close_code(), 1009);
}

#[test]
fn compressed_input_without_an_end_is_bounded() {
    let server = Server::start(&["--compression", "--max-fragments", "100000"]);
    let mut client = Client::connect(&server, "/echo");
    // 64 KiB and a sixteenth, and the 64 bytes on top.
    let most = 64 * 1024 + 4096 + 64;
    client.wire.write(&deflated_frame(BINARY, false, &vec![0; most - 1000]));
    let frame = |bytes| crate::support::websocket::frame(CONTINUATION, false, &vec![0; bytes]);
    client.wire.write(&frame(1000));
    client.wire.write(&crate::support::websocket::frame(0x9, true, b"alive"));
    assert_eq!(client.hear(), Heard { opcode: 0xa, deflated: false, payload: b"alive".to_vec() });
    client.wire.write(&frame(1));
    assert_eq!(client.close_code(), 1009);
}

#[test]
fn rsv1_means_something_in_the_first_frame_of_a_message_only() {
    let server = Server::start(&["--compression"]);
    for opcode in [0x8, 0x9, 0xa] {
        let mut client = Client::connect(&server, "/echo");
        client.wire.write(&deflated_frame(opcode, true, b""));
        assert_eq!(client.close_code(), 1002, "{opcode}");
    }
    let mut client = Client::connect(&server, "/echo");
    client.wire.write(&deflated_frame(TEXT, false, &deflated(b"words ")[..2]));
    client.wire.write(&deflated_frame(CONTINUATION, true, &deflated(b"words ")[2..]));
    assert_eq!(client.close_code(), 1002);
    // Without the extension, and on a server that does not have it.
    let plain = Server::start(&[]);
    for server in [&server, &plain] {
        let mut client = WebSocket::connect(server.ws, "/echo");
        client.wire.write(&deflated_frame(TEXT, true, &deflated(b"words")));
        assert_eq!(client.hear_close().0, 1002);
    }
    let offer = client::OFFER;
    let client = WebSocket::try_connect(plain.ws, "/echo", offer).expect("it is not needed");
    drop(client);
}

#[test]
fn connections_that_have_compressed_hold_nothing_for_it() {
    const CLIENTS: usize = 500;
    let server = Server::start(&["--compression"]);
    let words = b"some words that are said again and again, ".repeat(90);
    let talk = |clients: usize| {
        let mut all = Vec::new();
        for _ in 0..clients {
            let mut client = Client::connect(&server, "/echo");
            client.say(TEXT, &words);
            let payload = words.clone();
            assert_eq!(client.hear(), Heard { opcode: TEXT, deflated: true, payload });
            all.push(client);
        }
        all
    };
    let _first = talk(50);
    let before = server.resident_bytes();
    let _more = talk(CLIENTS);
    let each = server.resident_bytes().saturating_sub(before) / CLIENTS as u64;
    // A compressor and an inflater of its own would be over 400 KiB.
    assert!(each < 16 * 1024, "{each}");
}

#[test]
fn nobody_hears_a_word_of_another() {
    const ROUNDS: usize = 250;
    let server = Server::start(&["--compression"]);
    let mut clients: Vec<_> = (0..8).map(|_| Client::connect(&server, "/echo")).collect();
    for round in 0..ROUNDS {
        let said: Vec<Vec<u8>> = (0..clients.len())
            .map(|number| {
                let canary = format!("canary of {number} in round {round} ");
                let noise = noise((round * 100 + number + 1) as u64, round * 7 % 300);
                [canary.repeat(1 + round * number % 90).into_bytes(), noise].concat()
            })
            .collect();
        // One leaves in the middle of a message, so that what it had begun is in nobody's way.
        let mut leaver = Client::connect(&server, "/echo");
        let secret = deflated(&b"the secret of who has left ".repeat(50));
        leaver.wire.write(&deflated_frame(BINARY, false, &secret[..secret.len() / 2]));
        for (client, said) in clients.iter_mut().zip(&said) {
            client.say(BINARY, said);
        }
        drop(leaver);
        for (client, said) in clients.iter_mut().zip(said) {
            let heard = client.hear();
            assert_eq!((heard.opcode, heard.payload), (BINARY, said), "round {round}");
        }
    }
}

#[test]
fn a_message_is_compressed_once_for_all_who_get_it() {
    const MEMBERS: usize = 60;
    let server = Server::start(&["--compression"]);
    let mut members: Vec<_> =
        (0..MEMBERS).map(|_| Client::connect(&server, "/chat/room?echo=true")).collect();
    let narrow = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n";
    let mut narrow = Client::connect_with(&server, "/chat/room?echo=true", narrow);
    let mut plain = WebSocket::connect(server.ws, "/chat/room?echo=true");
    let words = b"words for everyone, ".repeat(100);
    for (said, is_deflated) in [(words.clone(), true), (b"short".to_vec(), false)] {
        members[0].say(TEXT, &said);
        for member in &mut members {
            let heard = Heard { opcode: TEXT, deflated: is_deflated, payload: said.clone() };
            assert_eq!(member.hear(), heard);
        }
        // Whoever cannot look back as far, or does not compress at all, gets it as it is.
        let heard = Heard { opcode: TEXT, deflated: false, payload: said.clone() };
        assert_eq!(narrow.hear(), heard);
        let text = String::from_utf8(said).unwrap();
        assert_eq!(plain.hear(), crate::support::Message::Text(text));
    }
    let count = "tidegate_compression_messages_total{direction=\"out\"}";
    wait_until("it is counted", || metric(&server, count) >= 1);
    assert_eq!(metric(&server, count), 1, "one of two messages, once for {MEMBERS} members");
}

#[test]
fn echoes_are_compressed_as_far_as_the_client_looks_back() {
    let server = Server::start(&["--compression"]);
    let narrow = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n";
    let mut client = Client::connect_with(&server, "/echo", narrow);
    for (bytes, is_deflated) in [(511, false), (512, true), (1024, true), (1025, false)] {
        client.say(BINARY, &vec![7; bytes]);
        let payload = vec![7; bytes];
        assert_eq!(client.hear(), Heard { opcode: BINARY, deflated: is_deflated, payload });
    }
    let lowered = Server::start(&["--compression", "--compression-min", "10B"]);
    let mut client = Client::connect(&lowered, "/echo");
    for (bytes, is_deflated) in [(9, false), (10, true), (65536, true)] {
        client.say(BINARY, &vec![7; bytes]);
        let payload = vec![7; bytes];
        assert_eq!(client.hear(), Heard { opcode: BINARY, deflated: is_deflated, payload });
    }
    client.say(BINARY, &[7; 65537]);
    assert_eq!(client.close_code(), 1009);
    // What becomes no smaller is sent as it is.
    let mut client = Client::connect(&lowered, "/echo");
    client.say(BINARY, &noise(5, 65536));
    assert_eq!(client.hear(), Heard { opcode: BINARY, deflated: false, payload: noise(5, 65536) });
}
