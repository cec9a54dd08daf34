//! Every path of the HTTP side, every credential, every way: who gets where.
//!
//! Knows: the table of paths, one core by itself.
//! Must not know: sockets.

use super::super::paths::{self, NAME, TABLE};
use crate::engine::Policy;
use crate::engine::admission::tests::keys::{
    DEVICE, MANAGER, Place, WRONG, basic, door, policy, token,
};
use crate::engine::tests::core::{Core, HTTP};
use crate::pages::{Page, Site};
use std::sync::Arc;

/// What is for everybody, as the protocol has it: a new path is not in here by itself.
const OPEN: [&str; 5] = ["/livez", "/readyz", "/hello", "/openapi.json", "/asyncapi.json"];
/// What a credential is good for that gives no right to manage; everything else is the API.
const FOR_ALL: [&str; 4] = ["/events", "/api/tickets", "/page", "/nothing"];
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "BREW"];

fn core() -> Core {
    let mut site = Site::default();
    let page = |open| Page { mime: "text/html".to_owned(), bytes: Arc::from(*b"page"), open };
    site.insert("/page", page(false));
    site.insert("/open", page(true));
    Core::of(Policy { site, ..policy(door()) })
}

/// Each path of the table, a page, and a path at which there is nothing.
fn targets() -> Vec<String> {
    let path = |pattern: &[&str]| {
        pattern
            .iter()
            .fold(String::new(), |path, part| path + "/" + if *part == NAME { "a" } else { part })
    };
    let own = TABLE.iter().map(|(pattern, ..)| path(pattern));
    own.chain(["/page".to_owned(), "/nothing".to_owned()]).collect()
}

fn ask(core: &mut Core, method: &str, target: &str, lines: &str) -> (u16, String) {
    let head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{lines}");
    // A body that nothing can come of.
    let rest = if method == "POST" {
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
    } else {
        "\r\n"
    };
    let told = core.asked(HTTP, &format!("{head}{rest}"));
    let is_head = method == "HEAD";
    let code = if is_head { String::new() } else { told.verdict().1 };
    (told.status, code)
}

#[test]
fn nobody_gets_anywhere_without_but_where_everybody_may() {
    let mut core = core();
    for target in targets() {
        for method in METHODS {
            let (status, code) = ask(&mut core, method, &target, "");
            let is_open = OPEN.contains(&&*target);
            assert_eq!(status != 401, is_open, "{method} {target}: {status} {code}");
        }
        let preflight = ask(&mut core, "OPTIONS", &target, "").0;
        assert_eq!(preflight, 204, "{target}");
    }
    assert_eq!(ask(&mut core, "GET", "/open", "").0, 200);
    let count = TABLE.iter().filter(|(pattern, ..)| {
        let path = pattern.iter().fold(String::new(), |path, part| path + "/" + part);
        OPEN.contains(&&*path)
    });
    assert_eq!(count.count(), OPEN.len(), "each of them is there");
}

/// A19: no credential of a WebSocket manages, by whatever way it comes.
#[test]
fn each_credential_gets_where_its_rights_are_by_the_ways_that_count_there() {
    let mut core = core();
    let app = token("\"sub\":\"ann\",\"tidegate\":{\"connect\":true,\"manage\":true}");
    for target in targets() {
        let is_api = !OPEN.contains(&&*target) && !FOR_ALL.contains(&&*target);
        let is_ticket = target == "/api/tickets";
        for place in Place::ALL {
            let counts = match place {
                Place::Bearer | Place::Header => true,
                Place::Cookie | Place::Query => !is_api && !is_ticket,
                Place::Path | Place::Subprotocol => false,
            };
            for (credential, is_good, manages, reads) in [
                (DEVICE, true, false, true),
                (app.as_str(), true, false, false),
                (MANAGER, true, true, true),
                (WRONG, false, false, false),
            ] {
                let (lines, shown) = place.show(&target, credential);
                for method in METHODS {
                    let (status, code) = ask(&mut core, method, &shown, &lines);
                    let about = format!("{method} {shown} {place:?} {credential}: {status} {code}");
                    if OPEN.contains(&&*target) {
                        assert!(!matches!(status, 401 | 403), "{about}");
                    } else if !counts || !is_good {
                        assert_eq!(status, 401, "{about}");
                    } else if (is_api && !manages) || (target == "/events" && !reads) {
                        assert_eq!(status, 403, "{about}");
                        assert!(code.is_empty() || code == "not-allowed", "{about}");
                    } else {
                        assert!(status != 401 && code != "not-allowed", "{about}");
                    }
                }
            }
        }
        let (status, _) = ask(&mut core, "GET", &target, &basic("ann", "correct horse"));
        assert_eq!(status == 403, is_api, "{target}");
    }
}

/// What the path has not is told to whoever may ask there.
#[test]
fn who_was_let_in_is_told_what_there_is() {
    let mut core = core();
    let lines = format!("X-API-Key: {MANAGER}\r\n");
    for (method, target, expected) in [
        ("GET", "/nothing", (404, "not-found")),
        ("BREW", "/nothing", (501, "unknown-method")),
        ("PUT", "/api/rooms", (405, "method-not-allowed")),
        ("BREW", "/api/rooms", (501, "unknown-method")),
        ("POST", "/page", (405, "method-not-allowed")),
    ] {
        let (status, code) = ask(&mut core, method, target, &lines);
        assert_eq!((status, &*code), expected, "{method} {target}");
    }
    assert!(paths::find(&["api", "rooms"]).is_some());
}
