//! What is asked for, and answers that are none.

use crate::client::Client;
use crate::scripted::Scripted;
use crate::support::{Folder, Server};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// Runs it to its end; what it said on standard error.
fn fail(args: &[&str], status: i32) -> String {
    let end = Client::start(args).wait();
    assert_eq!((end.status, end.out.as_str()), (Some(status), ""), "{args:?}: {end:?}");
    end.err
}

#[test]
fn the_request_says_what_was_asked_for() {
    let server = Scripted::start();
    let authority = format!("127.0.0.1:{}", server.port());
    let url = format!("ws://{authority}/ws/a b?_=1");
    let fields = ["--header", "Authorization: Bearer x", "--header", "x-two:  2 "];
    let client = Client::start(&[&fields[..], &["--id", "ø 1", &url]].concat());
    let heard = server.accept();
    let target = "/ws/a%20b?_=1&connectionId=%C3%B8%201";
    assert_eq!(heard.request[0], format!("GET {target} HTTP/1.1"));
    for (name, value) in [
        ("Host", authority.as_str()),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Authorization", "Bearer x"),
        ("x-two", "2"),
    ] {
        assert_eq!(heard.field(name), Some(value), "{name}");
    }
    drop(client);
    // Another host is somebody's wish, and every key is a new one.
    let again = Client::start(&["--header", "host: example.org", &url]);
    let other = server.accept();
    assert_eq!((other.field("host"), other.field("Host")), (Some("example.org"), None));
    assert_ne!(heard.field("Sec-WebSocket-Key"), other.field("Sec-WebSocket-Key"));
    drop(again);
}

#[test]
fn localhost_is_both_of_its_addresses() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let server = Scripted::at(address);
        for host in ["localhost", address.strip_suffix(":0").unwrap()] {
            let authority = format!("{host}:{}", server.port());
            let client = Client::start(&[&format!("ws://{authority}/")]);
            assert_eq!(server.accept().field("Host"), Some(authority.as_str()));
            drop(client);
        }
    }
}

#[test]
fn a_refusal_is_told_with_its_code_and_its_detail() {
    let server = Server::start(&[]);
    let said = fail(&[&format!("ws://{}/nowhere", server.ws)], 1);
    assert!(said.starts_with("tidegate: refused: 404 no-such-route: WebSockets connect"), "{said}");
    let origin = ["--header", "Origin: http://example.org", &format!("ws://{}/", server.ws)];
    let said = fail(&origin, 1);
    assert!(said.starts_with("tidegate: refused: 403 origin-not-allowed: "), "{said}");
    let said = fail(&[&format!("ws://{}/", server.http)], 1);
    assert!(said.starts_with("tidegate: refused: 421 websocket-elsewhere: "), "{said}");
}

/// What its problem document says is all that somebody has who is not let in.
#[test]
fn each_refusal_of_our_server_is_told_in_its_own_words() {
    let folder = Folder::new();
    let secret = folder.write("a.key", "a-secret-of-more-than-thirty-two-bytes");
    fs::set_permissions(secret, Permissions::from_mode(0o600)).unwrap();
    let key = "[[key]]\nname = \"a\"\nsecret = { file = \"a.key\" }\n";
    let file = folder.write("tidegate.toml", key);
    let server = Server::start(&["--config", &file]);
    let url = format!("ws://{}/", server.ws);
    let said = fail(&[&url], 1);
    assert!(said.starts_with("tidegate: refused: 401 "), "{said}");
    let said = fail(&["--header", "Authorization: Bearer x", &url], 1);
    assert!(said.starts_with("tidegate: refused: 401 "), "{said}");
    let server = Server::start(&[]);
    let url = format!("ws://{}/", server.ws);
    for (field, start) in [
        ("Host: example.org", "tidegate: refused: 421 "),
        ("Origin: http://example.org", "tidegate: refused: 403 origin-not-allowed: "),
    ] {
        let said = fail(&["--header", field, &url], 1);
        assert!(said.starts_with(start) && said.len() > start.len() + 20, "{said}");
    }
    let server = Scripted::start();
    let client = Client::start(&[&server.url()]);
    let mut heard = server.accept();
    let problem = "{\"code\":\"upgrade-required\",\"detail\":\"Another version.\"}";
    heard.wire.write(format!("HTTP/1.1 426 x\r\n\r\n{problem}").as_bytes());
    drop(heard);
    let said = client.wait().err;
    assert_eq!(said, "tidegate: refused: 426 upgrade-required: Another version.\n");
}

#[test]
fn subprotocols_are_offered_and_an_address_may_be_short() {
    let server = Scripted::start();
    let port = server.port().to_string();
    let args = ["--subprotocol", "one", "--subprotocol", "two", &format!(":{port}/x")];
    let client = Client::start(&args);
    let mut heard = server.accept();
    assert_eq!(heard.request[0], "GET /x HTTP/1.1");
    let offered = |line: &&String| line.starts_with("Sec-WebSocket-Protocol: ");
    let offered: Vec<_> = heard.request.iter().filter(offered).collect();
    assert_eq!(offered, ["Sec-WebSocket-Protocol: one", "Sec-WebSocket-Protocol: two"]);
    let good = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: two\r\n";
    let answer = heard.answer(good);
    heard.wire.write(answer.as_bytes());
    heard.say(0x88, b"\x03\xe8");
    heard.hear_close(b"\x03\xe8");
    assert_eq!(client.wait().status, Some(0));
}

#[test]
fn answers_that_make_no_websocket() {
    let server = Scripted::start();
    let url = server.url();
    let no_websocket = |why: &str| format!("not a WebSocket server: {why}");
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    let moved = "HTTP/1.1 301 Moved Permanently\r\nLocation: /\x1b\r\nContent-Length: 0\r\n\r\n";
    let problem = "HTTP/1.1 400 Bad Request\r\n\r\n{\"code\":\"so\",\"detail\":\"No.\\u001b\\n\"}";
    for (answer, said) in [
        ("HTTP/1.1 404 Not Found\r\n\r\n<html>", "refused: 404 Not Found".to_owned()),
        ("HTTP/1.1 503\r\nContent-Length: 9\r\n\r\n{\"co", "refused: 503".to_owned()),
        (problem, "refused: 400 so: No.\\u001b\\n".to_owned()),
        (&moved.replace('\x1b', "x"), "refused: 301 Moved Permanently (it sends us to /x)".into()),
        (ok, no_websocket("it takes the handshake for an ordinary request")),
        ("220 mail.example.org ESMTP\r\n", "what answers there does not speak HTTP".to_owned()),
        ("HTTP/1.1 101", "what answers there does not speak HTTP".to_owned()),
        ("", "the server hung up instead of answering".to_owned()),
    ] {
        let client = Client::start(&[&url]);
        let mut heard = server.accept();
        heard.wire.write(answer.as_bytes());
        drop(heard);
        let end = client.wait();
        assert_eq!(end.status, Some(1), "{answer}");
        assert_eq!(end.err, format!("tidegate: {said}\n"));
    }
}

#[test]
fn a_switch_that_does_not_prove_itself_is_none() {
    let server = Scripted::start();
    let url = server.url();
    let good = "Upgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n";
    for (fields, said) in [
        (good.to_owned(), None),
        (format!("{good}Sec-WebSocket-Protocol: two\r\n"), None),
        (good.replace("WebSocket", "h2c"), Some("it upgrades the connection to something else")),
        (good.replace("upgrade", "close"), Some("it upgrades the connection to something else")),
        (
            format!("{good}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            Some("its Sec-WebSocket-Accept does not answer our key"),
        ),
        (
            format!("{good}Sec-WebSocket-Extensions: permessage-deflate\r\n"),
            Some("it uses an extension that we did not offer"),
        ),
        (
            format!("{good}Sec-WebSocket-Protocol: three\r\n"),
            Some("it speaks a subprotocol that we did not offer"),
        ),
    ] {
        let client = Client::start(&["--header", "Sec-WebSocket-Protocol: one, two", &url]);
        let mut heard = server.accept();
        let answer = heard.answer(&fields);
        heard.wire.write(answer.as_bytes());
        match said {
            None => {
                heard.say(0x88, b"\x03\xe8");
                heard.hear_close(b"\x03\xe8");
                assert_eq!(client.wait().status, Some(0), "{fields}");
            }
            Some(why) => {
                let end = client.wait();
                assert_eq!(end.status, Some(1), "{fields}");
                assert_eq!(end.err, format!("tidegate: not a WebSocket server: {why}\n"));
            }
        }
    }
    // The accept key of the RFC's own example, which is not ours.
    let client = Client::start(&[&url]);
    let mut heard = server.accept();
    let wrong = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    heard.wire.write(format!("HTTP/1.1 101 x\r\n{good}{wrong}\r\n").as_bytes());
    let said = client.wait().err;
    assert_eq!(
        said,
        "tidegate: not a WebSocket server: its Sec-WebSocket-Accept does not answer our key\n"
    );
}

#[test]
fn nobody_there_is_told_with_every_address_that_was_tried() {
    // A port that was free a moment ago.
    let port = Scripted::start().port();
    let said = fail(&[&format!("ws://localhost:{port}/")], 1);
    let start = format!("tidegate: nobody answers at localhost:{port}: 127.0.0.1:{port}: ");
    assert!(said.starts_with(&start) && said.contains(&format!("; [::1]:{port}: ")), "{said}");
}

#[test]
fn what_cannot_be_used_is_told_at_once_and_nothing_is_tried() {
    for (args, parts) in [
        (&["htp://localhost:8080/echo"][..], &["scheme", "ws://localhost:8080/echo"][..]),
        (&["wss://example.org/"], &["TLS", "not there yet", "proxy", "socat"]),
        (&["ws://a/", "--subprotocol", "a b;"], &["--subprotocol: \"a b;\""]),
        (&["http://localhost:8080/x?y"], &["ws://localhost:8080/x?y"]),
        (&["ws://::1/", "--header", "a b: c"], &["ws://[::1]:8080/", "--header: \"a b\""]),
        (&["ws://a/", "--header", "Upgrade: x"], &["a part of the handshake"]),
        (&["ws://a/", "--header", "X: a\r\nY: b"], &["control character"]),
        (&["ws://a/", "--cores", "2"], &["--cores"]),
    ] {
        let said = fail(args, 2);
        assert!(parts.iter().all(|part| said.contains(part)), "{args:?}: {said}");
    }
}

/// What stands in a header field may be a secret.
#[test]
fn a_field_s_value_is_not_repeated_in_a_complaint() {
    for field in ["X Y: 5ecre7", "Authorization Bearer 5ecre7", "X-API-Key=5ecre7"] {
        let said = fail(&["ws://a/", "--header", field], 2);
        assert!(said.contains("--header: \"") && !said.contains("5ecre7"), "{said}");
    }
}
