//! Each credential on each path that the server describes, and on each route: whoever may connect
//! manages nothing, and whoever manages connects nowhere.

use crate::admission::ticket;
use crate::mint::{Signer, now};
use crate::rig::{ADMIN, DEVICE, OPS, ORIGIN, PERSON, Rig, basic};
use crate::support::http::{Response, get, request};
use crate::support::websocket::handshake;
use crate::support::wire::Wire;
use crate::support::{EventStream, WebSocket};
use serde_json::{Value, json};

/// What its holder may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Nobody,
    /// One whom every place refuses.
    Stranger,
    User,
    Manager,
}

/// A credential as it comes with a request.
#[derive(Debug)]
struct Bearer {
    what: &'static str,
    holder: Holder,
    fields: String,
    query: String,
    /// It is none where programs manage: browsers send it by themselves, or addresses show it.
    of_pages: bool,
}

impl Bearer {
    fn by_field(what: &'static str, holder: Holder, fields: String) -> Bearer {
        Bearer { what, holder, fields, query: String::new(), of_pages: false }
    }

    fn of_page(what: &'static str, holder: Holder, fields: &str, query: String) -> Bearer {
        Bearer { what, holder, fields: fields.to_owned(), query, of_pages: true }
    }
}

fn bearers(rig: &Rig) -> Vec<Bearer> {
    let bearer = |what, holder, token: &str| {
        Bearer::by_field(what, holder, format!("Authorization: Bearer {token}\r\n"))
    };
    let claims = json!({"sub": "a", "exp": now() + 600, "iss": crate::rig::ISSUER,
                        "tidegate": {"connect": true, "subscribe": ["*"], "manage": true}});
    let [app, idp, old_idp] = rig.tokens("matrix");
    let user = |who| format!("Authorization: Basic {}\r\n", basic(who));
    let cookie = format!("Origin: {ORIGIN}\r\nCookie: session={DEVICE}\r\n");
    vec![
        Bearer::by_field("nothing", Holder::Nobody, String::new()),
        bearer("a token of another", Holder::Stranger, &Signer::ed25519().token(&claims)),
        bearer("a static key", Holder::User, DEVICE),
        Bearer::by_field("a field", Holder::User, format!("X-API-Key: {DEVICE}\r\n")),
        bearer("HS256", Holder::User, &app),
        bearer("EdDSA", Holder::User, &idp),
        bearer("RS256", Holder::User, &old_idp),
        bearer("a token that would manage", Holder::User, &rig.app.token(&claims)),
        Bearer::by_field("a password", Holder::User, user(PERSON)),
        Bearer::of_page("a cookie", Holder::User, &cookie, String::new()),
        Bearer::of_page("a parameter", Holder::User, "", format!("accessToken={DEVICE}")),
        Bearer::of_page("their parameter", Holder::Manager, "", format!("accessToken={ADMIN}")),
        bearer("their static key", Holder::Manager, ADMIN),
        bearer("their token", Holder::Manager, &rig.chief_token()),
        Bearer::by_field("their password", Holder::Manager, user(OPS)),
    ]
}

/// Every path that is described, with names for its parameters, and methods, also such as it has
/// not.
fn operations(rig: &Rig) -> Vec<(String, String)> {
    let described: Value =
        serde_json::from_str(&get(rig.server.http, "/openapi.json").body).unwrap();
    let paths = described["paths"].as_object().unwrap().keys();
    let mut operations = Vec::new();
    for path in paths.map(String::as_str).chain(["/api", "/api/nothing", "/@connections"]) {
        let path = path.replace("{connectionId}", "victim").replace("{room}", "main");
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"] {
            operations.push((method.to_owned(), path.clone()));
        }
    }
    operations
}

const OPEN: [&str; 5] = ["/livez", "/readyz", "/hello", "/openapi.json", "/asyncapi.json"];

/// What the HTTP side says to it, without the body.
fn asked(rig: &Rig, method: &str, path: &str, bearer: &Bearer) -> Response {
    let target = match bearer.query.as_str() {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    };
    let mut wire = Wire::connect(rig.server.http);
    wire.write(request(rig.server.http, method, &target, &bearer.fields).as_bytes());
    wire.read_head().expect("an answer")
}

#[test]
fn whoever_may_connect_manages_nothing() {
    let rig = Rig::start();
    let fields = format!("Authorization: Bearer {DEVICE}\r\n");
    let target = "/?connectionId=victim";
    let mut victim = WebSocket::try_connect(rig.server.ws, target, &fields).unwrap();
    let mut stream = EventStream::open_with(rig.server.http, "/events", &fields);
    let bearers = bearers(&rig);
    let operations = operations(&rig);
    assert!(operations.len() > 100, "{}", operations.len());
    for (method, path) in &operations {
        for bearer in bearers.iter().filter(|bearer| bearer.holder != Holder::Manager) {
            let response = asked(&rig, method, path, bearer);
            let what = format!("{method} {path} with {}: {response:?}", bearer.what);
            if OPEN.contains(&path.as_str()) {
                assert!(!matches!(response.status, 401 | 403), "{what}");
                continue;
            }
            // What is not managed: streams, and tickets, which give nobody more than it has.
            let of_users = matches!(path.as_str(), "/events" | "/api/tickets");
            let is_nothing = ["/api", "/api/nothing", "/@connections"].contains(&path.as_str());
            let of_pages = bearer.of_pages && path != "/events";
            let expected: &[u16] = match bearer.holder {
                Holder::Nobody | Holder::Stranger => &[401],
                // What is not there could have been a page.
                _ if of_pages && is_nothing => &[401, 404],
                _ if of_pages => &[401],
                _ if of_users => &[200, 400, 405, 411, 415],
                _ if is_nothing => &[403, 404],
                _ => &[403],
            };
            assert!(expected.contains(&response.status), "{what}: {expected:?}");
        }
    }
    // All that time nobody has said anything to anybody, nor closed anything.
    let said = r#"{"connectionId":"victim","still":"here"}"#;
    victim.say(said);
    assert_eq!(stream.next().expect("an event").data, said);
    victim.ping(b"there?");
    assert!(matches!(victim.hear(), crate::support::Message::Pong(_)));
}

#[test]
fn whoever_manages_connects_nowhere() {
    let rig = Rig::start();
    for bearer in bearers(&rig) {
        for path in ["/", "/chat/lab", "/strict"] {
            let addr = rig.server.ws;
            let target = format!("{path}?{}", bearer.query);
            let mut wire = Wire::connect(addr);
            let target = target.trim_end_matches('?');
            wire.write(handshake(addr, target, &bearer.fields).as_bytes());
            let response = wire.read_response().expect("an answer");
            let expected = match bearer.holder {
                Holder::User => (101, None),
                Holder::Manager => (403, Some("not-allowed")),
                _ if path == "/strict" => (403, None),
                _ => (401, None),
            };
            assert_eq!(response.status, expected.0, "{path} with {}: {response:?}", bearer.what);
            assert!(expected.1.is_none_or(|code| response.code() == code), "{response:?}");
        }
    }
}

#[test]
fn whoever_manages_may_all_the_rest() {
    let rig = Rig::start();
    let managers = bearers(&rig).into_iter();
    for bearer in managers.filter(|one| one.holder == Holder::Manager && !one.of_pages) {
        for (method, path) in operations(&rig) {
            let response = asked(&rig, &method, &path, &bearer);
            let is_asked = matches!(response.status, 401 | 403);
            assert!(!is_asked, "{method} {path} with {}: {response:?}", bearer.what);
        }
    }
}

/// A ticket is for streams and WebSockets, whoever it is from.
#[test]
fn a_ticket_manages_nothing() {
    let rig = Rig::start();
    let ticket = ticket(&rig);
    for (method, path) in operations(&rig) {
        if OPEN.contains(&path.as_str()) || path == "/events" {
            continue;
        }
        let query = format!("ticket={ticket}");
        let bearer = Bearer::of_page("a ticket", Holder::User, "", query);
        let response = asked(&rig, &method, &path, &bearer);
        assert_eq!(response.status, 401, "{method} {path}: {response:?}");
    }
    // None of them used it up.
    let target = format!("/?ticket={ticket}");
    assert!(WebSocket::try_connect(rig.server.ws, &target, "").is_ok());
}
