//! Who is let in where, by which way, and what the others are told.
//!
//! Knows: one core by itself, requests as clients write them.
//! Must not know: sockets, how a credential is verified.

mod guesses;
mod origins;
mod refusals;
mod rights;
mod tickets;
mod websockets;

use super::Way;
use super::ways::{self, Credential, NotOne, Text};
use super::{Entrance, Need};
use crate::auth::Door;
use crate::engine::tests::keys::door;
use crate::http::Request;
use crate::limits::Limits;
use std::borrow::Cow;

/// What is found in a `GET` of `target` with these lines, where `door` is.
fn find(need: Need, target: &str, lines: &str, door: &Door) -> Result<(Way, String), NotOne> {
    let head = format!("GET {target} HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
    let request = Request::parse(head.as_bytes(), &Limits::default()).expect(&head);
    let entrance = Entrance {
        request: &request,
        door,
        need,
        token: None,
        listed: &[],
        filters_max: 2,
        peer: None,
        vetting: None,
    };
    let Credential { way, text } = ways::find(&entrance)?;
    Ok((way, told(&text)))
}

fn told(text: &Text<'_>) -> String {
    match text {
        Text::Bearer(text) | Text::Ticket(text) => text.clone().into_owned(),
        Text::Basic(user, password) => format!("{user} {password}"),
        Text::Unreadable | Text::NoScheme => "?".to_owned(),
    }
}

#[test]
fn authorization_is_read_as_strictly_as_it_is_written() {
    let find = |value: &str| {
        let lines = format!("Authorization: {value}\r\n");
        find(Need::Manage, "/", &lines, &Door::default())
    };
    let bearer = |text: &str| Ok((Way::Bearer, text.to_owned()));
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        assert_eq!(find(&format!("{scheme} abc.D-_~+/1==")), bearer("abc.D-_~+/1=="));
    }
    for none in ["", "Bearer", "bearer ", "Basic", "basic  "] {
        assert_eq!(find(none), Err(NotOne::None), "{none:?}");
    }
    for odd in [
        "Bearer  abc",
        "Bearer\tabc",
        "Bearer abc def",
        "Bearer abc, Bearer def",
        "Bearer abc,",
        "Bearer a=b",
        "Bearer ==",
        "Bearer \"abc\"",
        "Bearer: abc",
        "Bearerabc",
        "abc",
        "Token abc",
        "Digest username=\"a\"",
        ", Bearer abc",
    ] {
        assert_eq!(find(odd), bearer("?"), "{odd:?}");
    }
    let basic = |text: &str| Ok((Way::Basic, text.to_owned()));
    assert_eq!(find("Basic YW5uOmE6YiBj"), basic("ann a:b c"));
    assert_eq!(find("bAsIc dTrDvA=="), basic("u ü"));
    assert_eq!(find("Basic Og=="), basic(" "));
    for odd in
        ["Basic YW5u", "Basic ?", "Basic YW5uOmE", "Basic  YW5uOmE=", "Basic dTr/", "Basic ="]
    {
        assert_eq!(find(odd), basic("?"), "{odd:?}");
    }
}

#[test]
fn each_door_looks_in_its_own_places() {
    let door = door();
    for (target, lines, way, text) in [
        ("/", "X-WS-Auth-Key: a b\r\n", Way::Header, "a b"),
        ("/", "x-api-key:c\r\nX-Api-Key: \r\n", Way::Header, "c"),
        ("/", "X-API-Key: \u{fc}\r\n", Way::Header, "\u{fc}"),
        ("/", "Cookie: a=b; session=c=d;\r\n", Way::Cookie, "c=d"),
        ("/", "Cookie: a=b\r\nCookie: session=\"c\"\r\n", Way::Cookie, "c"),
        ("/?accessToken=a%20b+c", "", Way::Query, "a b c"),
        ("/?ticket=t&accessToken=", "", Way::Ticket, "t"),
        ("/", "Sec-WebSocket-Protocol: a, tidegate.bearer.x\r\n", Way::Subprotocol, "x"),
    ] {
        let found = find(Need::Connect, target, lines, &door);
        assert_eq!(found, Ok((way, text.to_owned())), "{target} {lines}");
        let nowhere = find(Need::Connect, target, lines, &Door::default());
        let always = matches!(way, Way::Ticket | Way::Subprotocol);
        assert_eq!(nowhere.is_ok(), always, "{target} {lines}: {nowhere:?}");
    }
    for (target, lines) in [
        ("/", "Cookie: Session=a; session\r\nCookie: xsession=a; session=\r\n"),
        ("/?AccessToken=a&accesstoken=b&accessToken", ""),
        ("/", "Sec-WebSocket-Protocol: tidegate, tidegate.bearer., Tidegate.Bearer.x\r\n"),
        ("/", "X-API-Key:\r\nProxy-Authorization: Bearer a\r\n"),
    ] {
        let found = find(Need::Connect, target, lines, &door);
        assert_eq!(found, Err(NotOne::None), "{target} {lines}");
    }
}

#[test]
fn what_a_browser_brings_and_an_address_holds_is_nothing_to_the_api() {
    let door = door();
    for (target, lines) in [
        ("/", "Cookie: session=a\r\n"),
        ("/?accessToken=a", ""),
        ("/?ticket=a", ""),
        ("/", "Sec-WebSocket-Protocol: tidegate.bearer.a\r\n"),
    ] {
        for need in [Need::Manage, Need::Anything] {
            assert_eq!(find(need, target, lines, &door), Err(NotOne::None), "{target} {lines}");
            // It is not counted as a second one either.
            let more = format!("{lines}Authorization: Bearer b\r\n");
            assert_eq!(find(need, target, &more, &door), Ok((Way::Bearer, "b".to_owned())));
        }
    }
}

#[test]
fn which_of_two_counts_is_nobodys_guess() {
    let door = door();
    let several = |target: &str, lines: &str| {
        assert_eq!(
            find(Need::Connect, target, lines, &door),
            Err(NotOne::Several),
            "{target} {lines}"
        );
    };
    let places = [
        ("", "Authorization: Bearer a\r\n"),
        ("", "X-API-Key: a\r\n"),
        ("", "X-WS-Auth-Key: a\r\n"),
        ("", "Cookie: session=a\r\n"),
        ("accessToken=a", ""),
        ("ticket=a", ""),
        ("", "Sec-WebSocket-Protocol: tidegate.bearer.a\r\n"),
    ];
    for (n, (query, lines)) in places.iter().enumerate() {
        for (other_query, other_lines) in &places[..n] {
            several(&format!("/?{query}&{other_query}"), &format!("{lines}{other_lines}"));
        }
    }
    several("/", "X-API-Key: a\r\nX-API-Key: a\r\n");
    several("/", "Cookie: session=a; session=a\r\n");
    several("/", "Cookie: session=; session=a\r\n");
    several("/?accessToken=a&accessToken=a", "");
    several("/", "Sec-WebSocket-Protocol: tidegate.bearer.a, tidegate.bearer.a\r\n");
}

#[test]
fn a_request_has_only_so_many_cookies_and_parameters() {
    let door = door();
    let cookies = |n: usize| format!("Cookie: {}session=a\r\n", "a=b;".repeat(n));
    let query = |n: usize| format!("/?{}accessToken=a", "_=&".repeat(n));
    for (need, target, lines, found) in [
        (Need::Connect, "/".to_owned(), cookies(63), Ok(Way::Cookie)),
        (Need::Connect, "/".to_owned(), cookies(64), Err(NotOne::TooManyCookies)),
        (Need::Manage, "/".to_owned(), cookies(64), Err(NotOne::TooManyCookies)),
        (Need::Connect, query(31), String::new(), Ok(Way::Query)),
        (Need::Connect, query(32), String::new(), Err(NotOne::TooManyParameters)),
        // A stream may name so many rooms, and as many connections, beside.
        (Need::Subscribe, query(35), String::new(), Ok(Way::Query)),
        (Need::Subscribe, query(36), String::new(), Err(NotOne::TooManyParameters)),
    ] {
        let way = find(need, &target, &lines, &door).map(|(way, _)| way);
        assert_eq!(way, found, "{need:?} {target} {lines}");
    }
}

#[test]
fn a_value_that_is_no_text_is_no_credential() {
    let head = b"GET / HTTP/1.1\r\nHost: h\r\nX-API-Key: \xff\r\n\r\n";
    let request = Request::parse(head, &Limits::default()).expect("a request");
    let (door, need) = (door(), Need::Manage);
    let entrance = Entrance {
        request: &request,
        door: &door,
        need,
        token: Some("t"),
        listed: &[],
        filters_max: 0,
        peer: None,
        vetting: None,
    };
    let found = ways::find(&entrance);
    assert_eq!(found, Ok(Credential { way: Way::Header, text: Text::Unreadable }));
    let entrance = Entrance { need: Need::Connect, ..entrance };
    assert_eq!(ways::find(&entrance), Err(NotOne::Several), "the path has one");
    let door = Door::default();
    let found = ways::find(&Entrance { door: &door, ..entrance });
    let text = Text::Bearer(Cow::Borrowed("t"));
    assert_eq!(found, Ok(Credential { way: Way::Path, text }));
}
