//! Whose page may have a browser show what it keeps.
//!
//! Knows: one core by itself, origins.
//! Must not know: sockets.

use super::keys::{DEVICE, MANAGER, basic, bearer, door, keyring, manage, policy};
use crate::auth::{Access, Door, Secret};
use crate::engine::Policy;
use crate::engine::tests::core::{Core, HTTP};
use crate::pages::{Page, Site};
use crate::routes::{Behaviour, Pattern, Route, Table};
use std::sync::Arc;

const LISTED: &str = "https://app.example";

/// B01. Nothing: no page; a browser says `null` for a page in a sandbox.
const ORIGINS: [Option<&str>; 24] = [
    None,
    Some("null"),
    Some(LISTED),
    Some("http://app.example"),
    Some("https://app.example:8443"),
    Some("https://app.example:443"),
    Some("https://app.example."),
    Some("https://APP.example"),
    Some("HTTPS://app.example"),
    Some("https://app.example/"),
    Some("https://app.example@evil.example"),
    Some("https://user@app.example"),
    Some("https://xapp.example"),
    Some("https://app.example.evil.example"),
    Some("https://evil.example/https://app.example"),
    Some("https://app.examplex"),
    Some("https://192.0.2.1"),
    Some("https://[2001:db8::1]"),
    Some("http://localhost"),
    Some("http://localhost:3000"),
    Some("http://127.0.0.1"),
    Some("https://xn--pp-wia.example"),
    Some("http://a:b"),
    Some("https://evil.example"),
];

fn policy_of(allow_origins: &[&str], own: Option<&[&str]>) -> Policy {
    let owned = |list: &[&str]| list.iter().map(|&origin| origin.to_owned()).collect();
    let route = Route::new(Pattern::parse("/").unwrap(), Behaviour::Echo);
    let route = Route { allow_origins: own.map(owned), ..route };
    let mut site = Site::default();
    let page = Page { mime: "text/html".to_owned(), bytes: Arc::from(*b"page"), open: false };
    site.insert("/page", page);
    Policy {
        allow_origins: owned(allow_origins),
        routes: Table::new(vec![route]).unwrap(),
        site,
        ..policy(door())
    }
}

fn origin(origin: Option<&str>) -> String {
    origin.map_or_else(String::new, |origin| format!("Origin: {origin}\r\n"))
}

/// Whether the guard lets a page in whatever it shows.
fn is_let_near(origin: Option<&str>, listed: &[&str]) -> bool {
    let Some(origin) = origin else { return true };
    let is_listed = listed.iter().any(|one| *one == "*" || one.eq_ignore_ascii_case(origin));
    is_listed || origin.starts_with("http://localhost") || origin == "http://127.0.0.1"
}

#[test]
fn a_cookie_counts_from_pages_of_ours_and_of_origins_that_are_listed_by_name() {
    for listed in [&[][..], &[LISTED], &["*"], &["null", LISTED], &["http://localhost:3000"]] {
        let mut core = Core::of(policy_of(listed, None));
        for page in ORIGINS {
            let cookie = format!("Cookie: session={DEVICE}\r\n{}", origin(page));
            let person = format!("{}{}", basic("ann", "correct horse"), origin(page));
            let program = format!("{}{}", bearer(DEVICE), origin(page));
            let is_named = page.is_some_and(|page| page != "null" && listed.contains(&page));
            let is_own = page == Some("http://localhost");
            let near = is_let_near(page, listed);
            for (lines, counts) in [
                (&cookie, is_named || is_own),
                (&person, is_named || is_own || page.is_none()),
                (&program, true),
            ] {
                let expected = match (near, counts) {
                    (false, _) => Err("origin-not-allowed"),
                    (true, false) => Err("origin-needed"),
                    (true, true) => Ok(()),
                };
                for told in
                    [core.upgrade("/", lines), core.get("/events", lines), core.get("/page", lines)]
                {
                    let code = told.verdict().1;
                    let verdict = if told.status < 300 { Ok(()) } else { Err(code.as_str()) };
                    assert_eq!(verdict, expected, "{listed:?} {lines}");
                }
            }
        }
    }
}

/// Only those pages may open it; and of them only those that it names may have a cookie shown.
#[test]
fn the_list_of_a_route_counts_there() {
    let lines = |page: &str| format!("Cookie: session={DEVICE}\r\nOrigin: {page}\r\n");
    for (own, listed, other) in [
        (&["https://own.example"][..], 101, (403, "origin-not-allowed")),
        (&["*"], 403, (403, "origin-needed")),
        (&["https://own.example", "*"], 101, (403, "origin-needed")),
    ] {
        let mut core = Core::of(policy_of(&[LISTED], Some(own)));
        assert_eq!(core.upgrade("/", &lines("https://own.example")).status, listed, "{own:?}");
        let verdict = core.upgrade("/", &lines(LISTED)).verdict();
        assert_eq!((verdict.0, &*verdict.1), other, "{own:?}");
        assert_eq!(core.get("/events", &lines(LISTED)).status, 200);
    }
}

#[test]
fn without_an_origin_a_browser_says_where_a_request_is_from() {
    let mut core = Core::of(policy_of(&[], None));
    let fetch = |site: &str, mode: &str, dest: &str| {
        format!("Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: {mode}\r\nSec-Fetch-Dest: {dest}\r\n")
    };
    let cookie = format!("Cookie: session={DEVICE}\r\n");
    let person = basic("ann", "correct horse");
    let needed = (403, "origin-needed".to_owned());
    let good = (200, String::new());
    for credential in [&cookie, &person] {
        for (lines, stream, page) in [
            (fetch("same-origin", "cors", "empty"), &good, &good),
            (fetch("none", "navigate", "document"), &needed, &good),
            (fetch("same-site", "no-cors", "empty"), &needed, &needed),
            (fetch("cross-site", "no-cors", "script"), &needed, &needed),
            (fetch("cross-site", "cors", "empty"), &needed, &needed),
            // Followed links; a frame is none.
            (fetch("cross-site", "navigate", "document"), &needed, &good),
            (fetch("cross-site", "navigate", "iframe"), &needed, &needed),
            (fetch("anything", "navigate", "document"), &needed, &needed),
            (format!("Sec-Fetch-Site: same-origin\r\n{}", fetch("none", "", "")), &needed, &needed),
        ] {
            let lines = format!("{credential}{lines}");
            assert_eq!(core.get("/events", &lines).verdict(), *stream, "{lines}");
            assert_eq!(core.get("/page", &lines).verdict(), *page, "{lines}");
        }
    }
    // curl says nothing of all that; and a program that has a cookie can send it otherwise.
    assert_eq!(core.get("/events", &person).verdict(), good);
    assert_eq!(core.get("/events", &cookie).verdict(), needed);
}

/// A password that a browser was told once comes with what any page has it ask of the API.
#[test]
fn the_api_heeds_whose_page_brings_a_password() {
    let mut keys = keyring();
    keys.add_password("ops", "ops", &Secret::new("long enough".into()), manage());
    let access = Access { keyring: keys, ..Access::default() };
    let mut core = Core::of(Policy {
        access: Arc::new(access),
        allow_origins: vec![LISTED.to_owned()],
        ..Policy::default()
    });
    let ops = basic("ops", "long enough");
    for (lines, status) in [
        (String::new(), 200),
        (origin(Some(LISTED)), 200),
        (origin(Some("http://localhost")), 200),
        (origin(Some("http://localhost:3000")), 403),
        ("Sec-Fetch-Site: same-origin\r\n".to_owned(), 200),
        ("Sec-Fetch-Site: none\r\n".to_owned(), 200),
        ("Sec-Fetch-Site: cross-site\r\n".to_owned(), 403),
    ] {
        assert_eq!(core.get("/api/rooms", &format!("{ops}{lines}")).status, status, "{lines}");
    }
}

/// B04: what a form can send does nothing, whoever has signed in where.
#[test]
fn forms_of_other_pages_do_nothing() {
    let mut core = Core::of(policy_of(&["*"], None));
    for mime in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; b=a"] {
        for (credential, statuses) in
            [(format!("Cookie: session={MANAGER}\r\n"), [401, 401]), (bearer(MANAGER), [415, 410])]
        {
            for (path, status) in ["/api/messages", "/@connections/a"].iter().zip(statuses) {
                let head = format!(
                    "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {mime}\r\n\
                     Content-Length: 12\r\nOrigin: http://evil.example\r\n{credential}\r\n\
                     {{\"text\":\"a\"}}"
                );
                assert_eq!(core.asked(HTTP, &head).status, status, "{mime} {path} {credential}");
            }
        }
    }
    assert_eq!(core.counters[0].published.message.value(), 0);
}

/// B02: before anything else is looked at.
#[test]
fn another_name_in_the_host_field_is_told_before_anything_else() {
    let mut core = Core::of(policy_of(&["*"], None));
    for host in ["evil.example", "localhost.evil.example", "evil.example:8082", "[2001:db8::1]"] {
        for path in ["/", "/api/rooms", "/metrics", "/events", "/page", "/hello", "/nothing"] {
            for lines in [String::new(), bearer(MANAGER), "Upgrade: websocket\r\n".to_owned()] {
                let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n");
                for listener in [crate::engine::tests::core::WS, HTTP] {
                    let verdict = core.asked(listener, &head).verdict();
                    assert_eq!(verdict, (421, "host-not-allowed".to_owned()), "{host} {path}");
                }
            }
        }
    }
    assert_eq!(core.asked(HTTP, "GET /hello HTTP/1.1\r\n\r\n").status, 400, "it must be there");
}

/// B03.
#[test]
fn pages_may_read_what_their_cookies_let_them_if_they_are_listed_by_name() {
    let allow = "Access-Control-Allow-Credentials";
    for (cookie, listed, page, expected) in [
        (true, LISTED, LISTED, &["true"][..]),
        (false, LISTED, LISTED, &[]),
        (true, "*", LISTED, &[]),
        (true, LISTED, "http://localhost:3000", &[]),
        (true, "null", "null", &[]),
    ] {
        let door = Door { cookie: cookie.then(|| "session".to_owned()), ..door() };
        let allow_origins = vec![listed.to_owned()];
        let mut core = Core::of(Policy { allow_origins, ..policy(door) });
        let lines = format!("{}{}", bearer(DEVICE), origin(Some(page)));
        for told in [core.get("/events", &lines), core.get("/hello", &lines)] {
            assert_eq!(told.fields(allow), expected, "{listed} {page}");
            assert_eq!(told.fields("Access-Control-Allow-Origin"), [page]);
            assert_eq!(told.fields("Vary"), ["Origin"]);
        }
        let told = core.get("/events", &bearer(DEVICE));
        assert!(!told.head.contains("Access-Control-"), "{}", told.head);
        let refused = core.get("/events", &format!("Origin: {page}\r\n"));
        assert_eq!(refused.fields("Access-Control-Allow-Origin"), [page], "a page reads why");
    }
    let mut off = Core::of(Policy { allow_origins: vec![LISTED.to_owned()], ..Policy::default() });
    assert!(off.get("/events", &origin(Some(LISTED))).fields(allow).is_empty());
}

#[test]
fn a_preflight_allows_the_fields_of_the_door() {
    let always = "Last-Event-ID, Authorization, Content-Type, Idempotency-Key, X-API-Key";
    let head = "OPTIONS /api/rooms HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\
                Access-Control-Request-Private-Network: true\r\n\r\n";
    for (mut core, expected) in [
        (Core::new(), always.to_owned()),
        (Core::of(policy(door())), format!("{always}, x-ws-auth-key")),
    ] {
        let told = core.asked(HTTP, head);
        assert_eq!(told.fields("Access-Control-Allow-Headers"), [expected]);
        assert!(!told.head.contains("Private-Network"), "{}", told.head);
    }
}

/// Nobody learns from `OPTIONS` which pages there are.
#[test]
fn a_page_that_is_there_and_one_that_is_not_are_preflighted_alike() {
    let mut core = Core::of(policy_of(&[], None));
    let mut ask = |method: &str, path: &str| {
        core.asked(HTTP, &format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    };
    let there = ask("OPTIONS", "/page");
    assert_eq!((there.status, &there.head), (204, &ask("OPTIONS", "/other").head));
    for method in ["GET", "HEAD", "POST", "BREW"] {
        let (there, other) = (ask(method, "/page"), ask(method, "/other"));
        assert_eq!((there.status, there.head), (401, other.head), "{method}");
    }
}
