//! Credentials that are over, newer ones, and keys that a reload takes away.

use crate::support::http::{exchange, request};
use crate::support::{EventStream, Folder, Message, Server, WebSocket};
use rustix::process::Signal;
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{SystemTime, UNIX_EPOCH};
use tidegate::auth::{Algorithm, Mint, Order, Secret};

const SECRET: &str = "a secret of at least thirty-two bytes";

const BOTH: &str = "
[[key]]
name = 'app'
algorithm = 'HS256'
secret = { file = 'app.key' }

[[key]]
name = 'devices'
secret = { file = 'devices.key' }
";

/// The same without the key of devices.
fn app_only() -> &'static str {
    BOTH.split("\n\n").next().expect("the first key")
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("later than 1970");
    u64::try_from(now.as_millis()).expect("not that late")
}

struct Rig {
    folder: Folder,
    server: Server,
}

impl Rig {
    fn start() -> Rig {
        let folder = Folder::new();
        for (name, secret) in [("app.key", SECRET), ("devices.key", "sixteen-bytes-or-more")] {
            let file = folder.write(name, secret);
            set_permissions(file, Permissions::from_mode(0o600)).expect("it is ours");
        }
        let file = folder.write("tidegate.toml", BOTH);
        Rig { server: Server::start(&["--config", &file]), folder }
    }

    fn connect(&self, target: &str, credential: &str) -> WebSocket {
        let websocket = WebSocket::try_connect(self.server.ws, target, &bearer(credential));
        websocket.expect("it is let in")
    }

    fn stream(&self, credential: &str) -> EventStream {
        EventStream::open_with(self.server.http, "/events", &bearer(credential))
    }
}

fn bearer(credential: &str) -> String {
    format!("Authorization: Bearer {credential}\r\n")
}

/// A token for `ann`, and when it is over: in so many seconds, or sooner.
fn token(seconds: u64) -> (String, u64) {
    let secret = Secret::new(SECRET.as_bytes().to_vec());
    let mint = Mint::of_secret(Algorithm::HS256, &secret).expect("it is long enough");
    let expires = now_ms() / 1000 + seconds;
    let order =
        Order { subject: Some("ann".to_owned()), expires: Some(expires), ..Order::default() };
    (mint.token(&order).expect("it signs"), expires * 1000)
}

#[test]
fn what_came_by_a_token_ends_with_it_and_does_not_come_back_by_it() {
    let rig = Rig::start();
    let mut witness = rig.stream("sixteen-bytes-or-more");
    let (token, expires_ms) = token(3);
    let mut stream = rig.stream(&token);
    let client = rig.connect("/?connectionId=ann", &token);
    let registered = stream.next().expect("that it registered");
    assert_eq!(client.hear_close(), (4401, "expired".to_owned()));
    assert!(now_ms() >= expires_ms, "not before its time");
    let rest = stream.rest();
    let told: Vec<_> = rest.iter().filter(|event| event.name == "expired").collect();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].data.as_str(), rest.last()), (r#"{"reason":"expired"}"#, Some(told[0])));
    assert_eq!(witness.next().map(|event| event.id), Some(registered.id.clone()));
    assert!(witness.next().expect("its end").close().is("ann", 4401, "server"));
    // An EventSource comes back by itself, with what it came with.
    let resume = format!("Last-Event-ID: {}\r\n{}", registered.id, bearer(&token));
    let answer = exchange(rig.server.http, &request(rig.server.http, "GET", "/events", &resume));
    assert_eq!((answer.status, answer.code().as_str()), (401, "credentials-expired"));
    let answer = WebSocket::try_connect(rig.server.ws, "/", &bearer(&token));
    assert_eq!(answer.expect_err("it is over").status, 401);
}

#[test]
fn a_newer_token_keeps_a_websocket_open() {
    let rig = Rig::start();
    let (old, _) = token(3);
    let mut renewed = rig.connect("/echo", &old);
    let lapsing = rig.connect("/echo", &old);
    let (new, expires_ms) = token(3600);
    renewed.say(&format!("{{\"refresh\":\"{new}\"}}"));
    let refreshed = format!("{{\"refreshed\":{{\"expiresAt\":{expires_ms}}}}}");
    assert_eq!(renewed.hear(), Message::Text(refreshed));
    assert_eq!(lapsing.hear_close(), (4401, "expired".to_owned()));
    renewed.say("still here");
    assert_eq!(renewed.hear(), Message::Text("still here".to_owned()));
}

#[test]
fn a_reload_ends_who_came_by_a_key_that_it_takes_away() {
    let rig = Rig::start();
    let device = rig.connect("/echo", "sixteen-bytes-or-more");
    let mut stream = rig.stream("sixteen-bytes-or-more");
    let (token, _) = token(3600);
    let mut kept = rig.connect("/echo", &token);
    rig.folder.write("tidegate.toml", app_only());
    rig.server.signal(Signal::HUP);
    assert_eq!(device.hear_close(), (4401, "key-removed".to_owned()));
    assert_eq!(
        stream.rest().pop().map(|event| event.data),
        Some(r#"{"reason":"key-removed"}"#.into())
    );
    kept.say("still here");
    assert_eq!(kept.hear(), Message::Text("still here".to_owned()));
}

#[test]
fn a_reload_does_not_open_a_server() {
    let rig = Rig::start();
    let mut client = rig.connect("/echo", "sixteen-bytes-or-more");
    rig.folder.write("tidegate.toml", "max-message = '1KiB'\n");
    rig.server.signal(Signal::HUP);
    rig.server.wait_for_log("not loaded, nothing changed: there is no [[key]] any more");
    let answer = exchange(rig.server.http, &request(rig.server.http, "GET", "/events", ""));
    assert_eq!(answer.code(), "credentials-missing");
    client.say("still here");
    assert_eq!(client.hear(), Message::Text("still here".to_owned()));
}

#[test]
fn the_api_shows_who_came_by_what() {
    let folder = Folder::new();
    for (name, secret) in [("app.key", SECRET), ("ops.key", "sixteen-bytes-or-more")] {
        let file = folder.write(name, secret);
        set_permissions(file, Permissions::from_mode(0o600)).expect("it is ours");
    }
    let ops = "\n[[key]]\nname = 'ops'\nmanage = true\nsecret = { file = 'ops.key' }\n";
    let file = folder.write("tidegate.toml", &(app_only().to_owned() + "\n" + ops));
    let server = Server::start(&["--config", &file]);
    let (token, expires_ms) = token(3600);
    let _client = WebSocket::try_connect(server.ws, "/?connectionId=a", &bearer(&token));
    let head = request(server.http, "GET", "/api/connections/a", &bearer("sixteen-bytes-or-more"));
    let shown: serde_json::Value =
        serde_json::from_str(&exchange(server.http, &head).body).expect("JSON");
    assert_eq!((&shown["subject"], &shown["key"]), (&"ann".into(), &"app".into()));
    assert_eq!(shown["expiresAt"].as_u64(), Some(expires_ms));
}
