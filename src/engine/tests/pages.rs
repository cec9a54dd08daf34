//! Pages beside what the server has itself.
//!
//! Knows: one core by itself, requests as clients write them.
//! Must not know: sockets, files.

use super::core::{BOTH, Core, HTTP, WS, handshake};
use crate::bytes::ConnKey;
use crate::engine::Policy;
use crate::pages::{Page, Site};
use std::sync::Arc;

fn core_with(pages: &[(&str, &str, &[u8])]) -> Core {
    let mut site = Site::default();
    for (path, mime, bytes) in pages {
        site.insert(path, Page { mime: (*mime).to_owned(), bytes: Arc::from(*bytes), open: false });
    }
    Core::of(Policy { site, ..Policy::default() })
}

fn request(line: &str, fields: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
}

/// What is answered, without its date.
fn ask(core: &mut Core, line: &str, fields: &str) -> String {
    let key = core.connect(HTTP, request(line, fields).as_bytes());
    answer(core, key)
}

fn answer(core: &mut Core, key: ConnKey) -> String {
    let written = core.written(key);
    let lines = written.split_inclusive("\r\n").filter(|line| !line.starts_with("Date: "));
    lines.collect()
}

const TEXT: (&str, &str, &[u8]) = ("/", "text/plain; charset=utf-8", b"Welcome");

fn tag_of(answer: &str) -> String {
    let line = answer.lines().find_map(|line| line.strip_prefix("ETag: "));
    line.expect("a tag").to_owned()
}

#[test]
fn a_page_is_sent_as_it_stands() {
    let mut core = core_with(&[TEXT]);
    let got = ask(&mut core, "GET /?a=b", "Origin: http://localhost:3000\r\n");
    let tag = tag_of(&got);
    assert_eq!(tag.len(), 42);
    let head = format!(
        "HTTP/1.1 200 OK\r\nVary: Origin\r\n\
         Access-Control-Allow-Origin: http://localhost:3000\r\nCache-Control: no-cache\r\n\
         ETag: {tag}\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Length: 7\r\n\r\n"
    );
    assert_eq!(got, format!("{head}Welcome"));
    assert_eq!(ask(&mut core, "HEAD /", "Origin: http://localhost:3000\r\n"), head);
    let options = ask(&mut core, "OPTIONS /", "");
    assert!(options.starts_with("HTTP/1.1 204 "), "{options}");
    for line in ["POST /", "DELETE /"] {
        let refused = ask(&mut core, line, "");
        assert!(refused.contains("\r\nAllow: GET, HEAD, OPTIONS\r\n"), "{refused}");
        assert!(refused.starts_with("HTTP/1.1 405 "), "{refused}");
    }
}

#[test]
fn who_has_a_page_is_not_sent_it_again() {
    let mut core = core_with(&[TEXT]);
    let tag = tag_of(&ask(&mut core, "GET /", ""));
    let mut has = |tags: &str| ask(&mut core, "GET /", &format!("If-None-Match: {tags}\r\n"));
    let same = format!(
        "HTTP/1.1 304 Not Modified\r\nVary: Origin\r\nCache-Control: no-cache\r\nETag: {tag}\r\n\r\n"
    );
    let lists = [tag.clone(), "*".to_owned(), format!("W/{tag}"), format!("\"x\", {tag}")];
    for tags in lists {
        assert_eq!(has(&tags), same, "{tags}");
    }
    for tags in ["\"x\"".to_owned(), tag.trim_matches('"').to_owned(), format!("W/W{tag}")] {
        assert!(has(&tags).starts_with("HTTP/1.1 200 "), "{tags}");
    }
    // The connection goes on behind it.
    let twice = request("GET /", "If-None-Match: *\r\n").repeat(2);
    let key = core.connect(HTTP, twice.as_bytes());
    assert_eq!(answer(&mut core, key), same.repeat(2));
}

#[test]
fn what_the_server_has_itself_comes_first() {
    let mut core = core_with(&[("/hello", "text/plain", b"not this"), ("/x", "text/plain", b"x")]);
    assert!(ask(&mut core, "GET /hello", "").ends_with(r#"{"response":"world"}"#));
    assert!(ask(&mut core, "GET /x", "").ends_with("\r\n\r\nx"));
    assert!(ask(&mut core, "GET /y", "").starts_with("HTTP/1.1 404 "));
}

#[test]
fn one_address_is_a_page_for_some_and_a_route_for_others() {
    let mut core = core_with(&[TEXT]);
    let page = core.connect(BOTH, request("GET /", "").as_bytes());
    assert!(core.written(page).ends_with("Welcome"));
    let websocket = core.connect(BOTH, handshake("/").as_bytes());
    assert!(core.written(websocket).starts_with("HTTP/1.1 101 "));
    let none = core.connect(WS, request("GET /", "").as_bytes());
    assert!(core.written(none).starts_with("HTTP/1.1 426 "), "pages are not on that listener");
}

#[test]
fn a_large_page_is_shared_by_all_who_are_sent_it() {
    let bytes: Arc<[u8]> = (0..300_000u32).map(|n| n as u8).collect();
    let mut site = Site::default();
    site.insert(
        "/large",
        Page { mime: "image/png".to_owned(), bytes: Arc::clone(&bytes), open: false },
    );
    let mut core = Core::of(Policy { site, ..Policy::default() });
    let head = ask(&mut core, "HEAD /large", "");
    assert!(head.ends_with("Content-Length: 300000\r\n\r\n"), "{head}");
    let before = Arc::strong_count(&bytes);
    let key = core.engine.accept(HTTP, core.peer, core.now).expect("within the limit");
    core.receive(key, request("GET /large", "").as_bytes());
    core.turn_taking(1000);
    assert_eq!(Arc::strong_count(&bytes), before + 1, "it waits, and is not copied");
    core.flush(key);
    let written = core.written.remove(&key).unwrap_or_default();
    assert!(written.ends_with(&bytes) && written.len() < bytes.len() + 1000);
    assert_eq!(Arc::strong_count(&bytes), before);
}

#[test]
fn who_asks_for_pages_and_does_not_read_is_not_read_from() {
    let large = vec![b'x'; 100_000];
    let mut core = core_with(&[("/large", "text/plain", &large)]);
    let key = core.engine.accept(HTTP, core.peer, core.now).expect("within the limit");
    core.receive(key, request("GET /large", "").repeat(50).as_bytes());
    core.turn_taking(0);
    // Half of the outbox was not full after the first page, and is after the second.
    let mut slices = crate::bytes::Slices::default();
    core.engine.output(key, &mut slices);
    assert!((200_000..201_000).contains(&slices.bytes()), "{}", slices.bytes());
    assert!(matches!(core.engine.space(key), crate::engine::Space::Paused));
    // Each time it has read, it is given more.
    let mut pages = 0;
    while pages < 50 {
        core.flush(key);
        pages += core.written(key).matches("HTTP/1.1 200 ").count();
        core.receive(key, b"");
        core.turn_taking(0);
    }
    assert_eq!(pages, 50);
}
