//! Heads of requests: found and read however they are cut, against a parser that takes lines apart.
//!
//! Knows: all of the input is what a client sent.
//! Must not know: which paths are served.

use super::naive::request::{self, Fields};
use super::naive::{head, target};
use tidegate::http::{Fault, HeadScan, Host, Method, Request, Version};
use tidegate::limits::Limits;

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let small =
        Limits { head_bytes_max: 60, uri_bytes_max: 10, headers_max: 2, ..Limits::default() };
    for limits in [Limits::default(), small] {
        let found = head::head_length(data, &limits);
        assert_eq!(HeadScan::default().find(data, &limits), found, "where the head ends");
        cuts_change_nothing(data, &limits, found);
        match found {
            Ok(Some(length)) => reads_alike(&data[..length], &limits),
            Ok(None) | Err(_) => assert!(Request::parse(data, &limits).is_err()),
        }
        if let Ok(Some(length)) = found
            && length < data.len()
        {
            let refused = Request::parse(data, &limits).err();
            assert!(refused.is_some(), "a head with something behind it");
        }
    }
}

type Found = Result<Option<usize>, Fault>;

fn cuts_change_nothing(data: &[u8], limits: &Limits, whole: Found) {
    assert_eq!(find(data, 1..data.len(), limits), whole, "byte by byte");
    // Every cut of a short head; of a long one only some.
    let step = data.len() / 24 + 1;
    for cut in (0..data.len()).step_by(step) {
        assert_eq!(find(data, cut..cut + 1, limits), whole, "cut at {cut}");
    }
}

/// Finds the end of a head whose first `cuts` bytes come first.
fn find(data: &[u8], cuts: std::ops::Range<usize>, limits: &Limits) -> Found {
    let mut scan = HeadScan::default();
    for cut in cuts {
        if let Some(length) = scan.find(&data[..cut], limits)? {
            return Ok(Some(length));
        }
    }
    scan.find(data, limits)
}

fn reads_alike(bytes: &[u8], limits: &Limits) {
    let (found, expected) = (Request::parse(bytes, limits), request::read(bytes, limits));
    let (found, expected) = match (found, expected) {
        (Ok(found), Ok(expected)) => (found, expected),
        (Err(fault), Err(faults)) => {
            return assert!(faults.contains(&fault), "{fault:?} is none of {faults:?}");
        }
        (Ok(_), Err(faults)) => panic!("taken in spite of {faults:?}"),
        (Err(fault), Ok(expected)) => panic!("{fault:?}, but it says {expected:?}"),
    };
    assert_eq!(found.method(), method(&expected.method));
    assert_eq!(found.version() == Version::Http10, expected.is_old);
    assert_eq!(found.framing(), expected.framing);
    assert_eq!(found.keep_alive(), expected.keep_alive);
    assert_eq!(found.expects_continue(), expected.expects_continue);
    assert_eq!(found.host().map(of_host), expected.host);
    let segments: Vec<_> = found.segments().collect();
    assert_eq!(segments, expected.target.segments);
    let query: Vec<_> = found.query().map(|(a, b)| (a.into_owned(), b.into_owned())).collect();
    assert_eq!(query, expected.target.query);
    is_canonical(&found);
    has_fields(&found, &expected.fields);
    prefers_consistently(&found);
}

fn method(token: &str) -> Method {
    match token {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        _ => Method::Other,
    }
}

fn of_host(host: Host<'_>) -> target::Host {
    target::Host { name: host.name().to_owned(), port: host.port() }
}

/// The one spelling of a path has no control characters, and means the same segments again.
fn is_canonical(found: &Request<'_>) {
    let path = found.path();
    assert!(!path.contains(char::is_control), "{path:?}");
    if *path == *"*" {
        return assert_eq!(found.segments().count(), 0);
    }
    // It may hold letters beyond ASCII, which a target may not.
    let mut again = String::new();
    for byte in path.bytes() {
        match byte {
            b'!'..=b'~' if byte != b'#' && byte != b'?' => again.push(char::from(byte)),
            _ => again.push_str(&format!("%{byte:02x}")),
        }
    }
    match target::parse(again.as_bytes(), false) {
        Ok(target) => assert_eq!(found.segments().collect::<Vec<_>>(), target.segments),
        Err(fault) => panic!("{path:?} is {fault:?}"),
    }
}

fn has_fields(found: &Request<'_>, expected: &Fields) {
    for (name, _) in &expected.0 {
        let all = expected.all(name);
        assert_eq!(found.header_bytes(name), Some(all[0]), "{name}");
        assert_eq!(found.header(&name.to_ascii_uppercase()), str::from_utf8(all[0]).ok(), "{name}");
        assert_eq!(found.list(name).collect::<Vec<_>>(), expected.list(name), "{name}");
    }
    assert_eq!(found.origin(), expected.all("origin").first().and_then(|o| str::from_utf8(o).ok()));
    // It may be there all the same: a fuzzer learns the words that it is compared with.
    let absent = expected.all("no-such-field").first().map(|value| str::from_utf8(value).ok());
    assert_eq!(found.header("no-such-field"), absent.flatten());
}

fn prefers_consistently(found: &Request<'_>) {
    let (events, lines) = ("text/event-stream", "application/x-ndjson");
    let prefers = [found.prefers(events, lines), found.prefers(lines, events)];
    assert_ne!(prefers, [true, true], "each before the other");
    assert!(!prefers[0] || found.accepts(events));
    assert!(!prefers[1] || found.accepts(lines));
    if found.list("accept").next().is_none() {
        assert!(found.accepts(events) && found.accepts(lines));
        assert_eq!(prefers, [false, false]);
    }
}
