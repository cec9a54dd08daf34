//! Somebody else is asked who may come in.

use crate::support::backend::Heard;
use crate::support::http::{self, Response, exchange, request};
use crate::support::server::tidegate;
use crate::support::websocket::{frame, handshake};
use crate::support::{Backend, Folder, Message, Server, WebSocket, Wire, wait_until};
use rustix::process::Signal;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use tidegate::limits::{FORWARD_QUEUE_MAX, FORWARD_THREADS_MAX};

const KEY: &str = "0123456789abcdef-key";
const BEARER: &str = "Authorization: Bearer abc\r\n";

/// A server, and the service that it asks.
struct Rig {
    folder: Folder,
    backend: Backend,
    server: Server,
}

/// What asks at `url`; `more` is of the same table.
fn config(url: &str, more: &str) -> String {
    format!("[auth]\nmetrics = 'open'\n[auth.forward]\nurl = '{url}'\n{more}\n")
}

/// A key for the API; its file is in the folder from here on.
fn manager(folder: &Folder) -> &'static str {
    folder.write("key", KEY);
    fs::set_permissions(folder.path("key"), Permissions::from_mode(0o600)).unwrap();
    "[[key]]\nname = 'ops'\nsecret = { file = 'key' }\nmanage = true\n"
}

impl Rig {
    fn start(options: &[&str]) -> Rig {
        Rig::with("", options)
    }

    /// `more` is what the file says beside the url.
    fn with(more: &str, options: &[&str]) -> Rig {
        let (folder, backend) = (Folder::new(), Backend::start());
        let file = folder.write("tidegate.toml", &config(&backend.url(), more));
        let server = Server::start(&[&["--config", &file], options].concat());
        Rig { folder, backend, server }
    }

    fn reload(&self, text: &str) {
        let seen = self.server.log_lines();
        self.folder.write("tidegate.toml", text);
        self.server.signal(Signal::HUP);
        self.server.wait_for_log_after(seen, "] loaded ");
    }

    /// Begins a handshake; the service is asked about it.
    fn knock(&self, target: &str, more: &str) -> Wire {
        send(self.server.ws, &handshake(self.server.ws, target, more))
    }

    /// Asks for something of the HTTP side.
    fn ask(&self, target: &str, more: &str) -> Wire {
        send(self.server.http, &request(self.server.http, "GET", target, more))
    }

    /// What a handshake comes to where the service says what `say` says.
    fn knock_and(&self, say: impl FnOnce(Heard)) -> Response {
        let mut wire = self.knock("/echo", BEARER);
        say(self.backend.next());
        wire.read_response().expect("an answer")
    }

    fn forwarded(&self, outcome: &str) -> u64 {
        let name = format!("tidegate_forward_requests_total{{outcome=\"{outcome}\"}}");
        http::metric(self.server.http, &name)
    }
}

fn send(addr: SocketAddr, head: &str) -> Wire {
    let mut wire = Wire::connect(addr);
    wire.write(head.as_bytes());
    wire
}

fn is_unavailable(response: &Response) {
    assert_eq!((response.status, response.code().as_str()), (503, "auth-unavailable"));
    assert!(response.header("retry-after").is_some() && response.closes(), "{response:?}");
}

#[test]
fn whoever_the_service_lets_in_comes_in() {
    let rig = Rig::start(&[]);
    assert_eq!(rig.knock_and(|heard| heard.answer("204 No Content", "")).status, 101);
    let mut wire = rig.ask("/events", BEARER);
    rig.backend.next().answer("200 OK", r#"{"subject":"ada","subscribe":["*"]}"#);
    assert_eq!(wire.read_head().unwrap().status, 200);
    let mut wire = rig.ask("/", BEARER);
    rig.backend.next().answer("202 Accepted", "");
    assert_eq!(wire.read_response().unwrap().status, 404, "it learns that there is no page");
    // What is for everybody is asked of nobody.
    assert_eq!(http::get(rig.server.http, "/hello").status, 200);
    assert!(rig.backend.is_idle());
    assert_eq!(rig.forwarded("in"), 3);
    assert_eq!(http::metric(rig.server.http, "tidegate_forward_seconds_count"), 3);
    assert_eq!(http::metric(rig.server.http, "tidegate_admitted_total{way=\"forward\"}"), 3);
}

#[test]
fn what_whoever_is_let_in_may_do_is_what_the_answer_says() {
    let rig = Rig::with("connect = false\nsubscribe = ['own-{sub}']", &["--forward-cache", "0s"]);
    let connect = |answer: &str| rig.knock_and(|heard| heard.answer("200 OK", answer));
    for (answer, status) in [
        // It says nothing of rights: those of the file.
        ("", 403),
        (r#"{"subject":"ada"}"#, 403),
        // It does: nothing but those.
        (r#"{"connect":true}"#, 101),
        (r#"{"connect":false}"#, 403),
        (r#"{"publish":["*"],"manage":true}"#, 403),
    ] {
        let response = connect(answer);
        assert_eq!(response.status, status, "{answer}");
        assert!(status == 101 || response.code() == "not-allowed", "{answer}");
    }
}

#[test]
fn whoever_the_service_refuses_is_told_so_and_nothing_more_is_read() {
    let rig = Rig::start(&["--forward-cache", "0s"]);
    for (status, code) in [("401 Unauthorized", 401), ("403 Forbidden", 403)] {
        let mut wire = rig.knock("/", BEARER);
        wire.write(&frame(0x1, true, br#"{"connectionId":"a","n":1}"#));
        rig.backend.next().answer(status, "<h1>Log in</h1>");
        let response = wire.read_response().unwrap();
        assert_eq!((response.status, response.code().as_str()), (code, "credentials-invalid"));
        let challenge = response.header("www-authenticate");
        assert_eq!(challenge.is_some(), code == 401, "{response:?}");
        assert!(response.closes() && wire.read_to_end().is_empty());

        // What follows a request that is refused is none.
        let twice = request(rig.server.http, "GET", "/events", BEARER).repeat(2);
        let mut wire = send(rig.server.http, &twice);
        rig.backend.next().answer(status, "");
        assert_eq!(wire.read_response().unwrap().status, code);
        assert!(wire.read_to_end().is_empty() && rig.backend.is_idle());
    }
    assert_eq!(rig.forwarded("refused"), 4);
    let name = "tidegate_events_published_total{type=\"message\"}";
    assert_eq!(http::metric(rig.server.http, name), 0);
}

#[test]
fn what_is_no_answer_lets_nobody_in() {
    let rig = Rig::start(&[]);
    let huge = "x".repeat(5000);
    let found = "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n";
    for answer in [
        found,
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
        "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}",
        &format!("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{huge}"),
        &format!("HTTP/1.1 200 OK\r\nX-Huge: {}\r\n\r\n", huge.repeat(10)),
        "\x16\x03\x01",
    ] {
        let response = rig.knock_and(|heard| {
            heard.say(answer.as_bytes());
            heard.close();
        });
        is_unavailable(&response);
        assert!(rig.backend.is_idle(), "nobody is asked twice, or elsewhere: {answer}");
    }
    assert_eq!(rig.forwarded("unavailable"), 8);
}

#[test]
fn a_service_that_closes_lets_nobody_in() {
    let rig = Rig::start(&[]);
    let response = rig.knock_and(|heard| {
        heard.close();
        // It might have closed what was kept from before: it is asked once more.
        rig.backend.next().close();
    });
    is_unavailable(&response);
}

#[test]
fn a_service_that_takes_too_long_lets_nobody_in() {
    let rig = Rig::start(&["--forward-time", "200ms"]);
    // It says nothing.
    let mut wire = rig.knock("/echo", BEARER);
    let heard = rig.backend.next();
    is_unavailable(&wire.read_response().unwrap());
    drop(heard);
    // It never stops to say something.
    for head in ["HTTP/1.1 200 OK\r\nX-Long: ", "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"] {
        let mut wire = rig.knock("/echo", BEARER);
        let heard = rig.backend.next();
        heard.say(head.as_bytes());
        let client = thread::spawn(move || wire.read_response().unwrap());
        wait_until("the client is answered", || {
            heard.say(b" ");
            client.is_finished()
        });
        is_unavailable(&client.join().unwrap());
    }
}

#[test]
fn a_service_that_is_not_there_lets_nobody_in_until_it_is_back() {
    let Rig { folder: _folder, backend, server } = Rig::start(&["--forward-cache", "0s"]);
    let addr = backend.addr;
    let connect = || WebSocket::try_connect(server.ws, "/echo", BEARER);
    let connecting = |backend: &Backend| {
        thread::scope(|scope| {
            let client = scope.spawn(connect);
            backend.answer(1, "204 No Content", "");
            client.join().unwrap()
        })
    };
    assert!(connecting(&backend).is_ok());
    drop(backend);
    is_unavailable(&connect().unwrap_err());
    // The connections of the old one are still known.
    let backend = Backend::start_at(addr);
    assert!(connecting(&backend).is_ok());
    drop(backend);
    let backend = Backend::start_at(addr);
    assert!(connecting(&backend).is_ok());
}

/// The threads that ask are few, and as many as may wait for them wait; who comes then is told so.
#[test]
fn a_thousand_at_once_wait_and_more_are_told_to_come_again() {
    const ASKED: usize = FORWARD_THREADS_MAX;
    const WAIT: usize = ASKED + FORWARD_QUEUE_MAX;
    const MORE: usize = 6;
    let rig = Rig::start(&["--forward-cache", "0s", "--forward-time", "1m"]);
    let mut wires: Vec<_> = (0..WAIT + MORE).map(|_| rig.knock("/echo", BEARER)).collect();
    let heard: Vec<_> = (0..ASKED).map(|_| rig.backend.next()).collect();
    wait_until("some are too many", || rig.forwarded("unavailable") == MORE as u64);
    assert!(rig.backend.is_idle(), "so many are asked at once");
    heard.into_iter().for_each(|heard| heard.answer("401 Unauthorized", ""));
    rig.backend.answer(FORWARD_QUEUE_MAX, "401 Unauthorized", "");
    let statuses = wires.iter_mut().map(|wire| wire.read_response().unwrap().status);
    let statuses: Vec<u16> = statuses.collect();
    let count = |status: u16| statuses.iter().filter(|own| **own == status).count();
    assert_eq!((count(401), count(503)), (WAIT, MORE));
}

#[test]
fn what_was_said_a_moment_ago_holds_for_the_same_question() {
    let rig = Rig::start(&["--forward-cache", "1h"]);
    let mut wire = rig.ask("/nothing", BEARER);
    rig.backend.next().answer("204 No Content", "");
    // On the same connection, and on another core's.
    for _ in 0..20 {
        assert_eq!(wire.read_response().unwrap().status, 404);
        wire.write(request(rig.server.http, "GET", "/nothing", BEARER).as_bytes());
        let mut other = rig.ask("/nothing", BEARER);
        assert_eq!(other.read_response().unwrap().status, 404);
    }
    assert!(rig.backend.is_idle());
    assert_eq!((rig.forwarded("in"), rig.forwarded("cached")), (1, 40));
    // One field, or the query, makes it another question.
    for (target, more) in [
        ("/nothing", "Authorization: Bearer abd\r\n"),
        ("/nothing", ""),
        ("/nothing?a=b", BEARER),
        ("/nothing", "Authorization: Bearer abc\r\nCookie: a=b\r\nSec-Fetch-Site: same-origin\r\n"),
    ] {
        let mut wire = rig.ask(target, more);
        rig.backend.next().answer("403 Forbidden", "");
        assert_eq!(wire.read_response().unwrap().status, 403, "{target} {more}");
    }
}

#[test]
fn what_was_said_is_forgotten_after_its_time() {
    let rig = Rig::start(&["--forward-cache", "100ms"]);
    thread::scope(|scope| {
        let answering = scope.spawn(|| rig.backend.answer(3, "403 Forbidden", ""));
        wait_until("it is asked anew", || {
            let mut wire = rig.ask("/nothing", BEARER);
            assert_eq!(wire.read_response().unwrap().status, 403);
            answering.is_finished()
        });
    });
}

#[test]
fn the_service_is_told_what_is_asked_and_sent_what_was_listed() {
    let rig = Rig::with("headers = ['X-Session', 'x-other']", &[]);
    let more = "X-Session: one\r\nX-Session: two\r\nCookie: a=b\r\nAuthorization: Bearer abc\r\n\
                X-API-Key: abc\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Uri: /hello\r\n";
    let _wire = rig.knock("/chat/a%20b?connectionId=ada&accessToken=x%26y", more);
    let heard = rig.backend.next();
    assert_eq!(heard.head[0], "GET /auth HTTP/1.1");
    assert_eq!(heard.fields("x-session"), ["one", "two"]);
    for name in ["cookie", "authorization", "x-api-key", "x-other", "upgrade", "origin"] {
        assert!(heard.fields(name).is_empty(), "{name}: {heard:?}");
    }
    for (name, value) in [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", rig.server.ws.to_string().as_str()),
        ("x-forwarded-uri", "/chat/a%20b?connectionId=ada&accessToken=x%26y"),
        ("x-forwarded-for", "127.0.0.1"),
        ("host", rig.backend.addr.to_string().as_str()),
    ] {
        assert_eq!(heard.fields(name), [value], "{name}");
    }
}

#[test]
fn a_reload_has_another_service_asked_also_about_whoever_waits() {
    let rig = Rig::start(&["--forward-time", "1m"]);
    let mut waits = rig.knock("/echo", BEARER);
    let old = rig.backend.next();
    let other = Backend::start();
    rig.reload(&config(&other.url(), ""));
    // What the old one says counts no more.
    old.answer("204 No Content", "");
    other.next().answer("403 Forbidden", "");
    assert_eq!(waits.read_response().unwrap().status, 403);
    let mut comes = rig.knock("/echo", "");
    other.next().answer("204 No Content", "");
    assert_eq!(comes.read_head().unwrap().status, 101);
    assert!(rig.backend.is_idle());
}

#[test]
fn whoever_goes_while_it_is_asked_about_is_missed_by_nobody() {
    let rig = Rig::start(&["--forward-cache", "0s"]);
    let wires: Vec<_> = (0..3).map(|_| rig.knock("/echo", BEARER)).collect();
    let heard: Vec<_> = wires.iter().map(|_| rig.backend.next()).collect();
    for (n, wire) in wires.into_iter().enumerate() {
        // One says that it goes, one says nothing.
        if n == 0 {
            wire.finish();
        }
        drop(wire);
    }
    heard.into_iter().for_each(|heard| heard.answer("204 No Content", ""));
    wait_until("they are gone", || {
        http::metric(rig.server.http, "tidegate_connections_closed_total{listener=\"ws\"}") == 3
    });
    assert_eq!(rig.knock_and(|heard| heard.answer("204 No Content", "")).status, 101);
}

#[test]
fn what_comes_behind_the_request_waits_for_the_verdict() {
    let rig = Rig::start(&[]);
    let mut head = handshake(rig.server.ws, "/echo", BEARER).into_bytes();
    head.extend(frame(0x1, true, b"early"));
    let mut wire = Wire::connect(rig.server.ws);
    wire.write(&head);
    let heard = rig.backend.next();
    wire.write(&frame(0x1, true, b"later"));
    heard.answer("204 No Content", "");
    assert_eq!(wire.read_head().unwrap().status, 101);
    let mut websocket = WebSocket { wire };
    for text in ["early", "later"] {
        assert_eq!(websocket.hear(), Message::Text(text.to_owned()));
    }
    // Who says no more still reads its answer.
    let mut wire = rig.ask("/nothing", BEARER);
    wire.finish();
    rig.backend.next().answer("204 No Content", "");
    assert_eq!(wire.read_response().unwrap().status, 404);
}

#[test]
fn a_server_that_stops_waits_for_nobody() {
    let rig = Rig::start(&["--forward-time", "1m"]);
    let mut wires = [rig.knock("/echo", BEARER), rig.ask("/events", BEARER)];
    let _heard = [rig.backend.next(), rig.backend.next()];
    rig.server.terminate();
    let codes = wires.each_mut().map(|wire| {
        let response = wire.read_response().unwrap();
        assert_eq!(response.status, 503);
        response.code()
    });
    assert_eq!(codes, ["stopping", "auth-unavailable"]);
    let (status, log) = rig.server.wait();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn nobody_manages_by_the_word_of_others() {
    let rig = Rig::start(&[]);
    for path in ["/api/rooms", "/api/connections/a", "/@connections/a"] {
        let response = exchange(rig.server.http, &request(rig.server.http, "GET", path, ""));
        assert_eq!((response.status, response.code().as_str()), (401, "credentials-missing"));
        let response = exchange(rig.server.http, &request(rig.server.http, "GET", path, BEARER));
        assert_eq!((response.status, response.code().as_str()), (401, "credentials-invalid"));
    }
    assert!(rig.backend.is_idle());
    // The keys of the server count there, and there only.
    rig.reload(&format!("{}{}", manager(&rig.folder), config(&rig.backend.url(), "")));
    let bearer = format!("Authorization: Bearer {KEY}\r\n");
    let response =
        exchange(rig.server.http, &request(rig.server.http, "GET", "/api/rooms", &bearer));
    assert_eq!(response.status, 200);
    let mut wire = rig.ask("/events", &bearer);
    rig.backend.next().answer("401 Unauthorized", "");
    assert_eq!(wire.read_response().unwrap().status, 401);
}

/// A browser adds them whoever's page it is.
#[test]
fn cookies_and_passwords_are_sent_on_for_pages_of_the_server_only() {
    let rig = Rig::start(&[]);
    for field in ["Cookie: session=1\r\n", "Authorization: Basic YTpi\r\n"] {
        for origin in ["Origin: http://localhost:3000\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
            let mut wire = rig.knock("/echo", &format!("{field}{origin}"));
            let response = wire.read_response().unwrap();
            assert_eq!((response.status, response.code().as_str()), (403, "origin-needed"));
        }
        let mut wire = rig.knock("/echo", &format!("{field}Origin: http://{}\r\n", rig.server.ws));
        rig.backend.next().answer("204 No Content", "");
        assert_eq!(wire.read_head().unwrap().status, 101);
    }
    assert!(rig.backend.is_idle());
}

#[test]
fn one_route_may_ask_where_others_do_not() {
    let (folder, backend) = (Folder::new(), Backend::start());
    let file = folder.write(
        "tidegate.toml",
        &format!(
            "{}[[route]]\npath = '/asks'\nbehaviour = 'echo'\n[route.auth.forward]\nurl = '{}'\n\
             [[route]]\npath = '/open'\nbehaviour = 'echo'\nopen = true\n\
             [[route]]\npath = '/closed'\nbehaviour = 'echo'\n",
            manager(&folder),
            backend.url()
        ),
    );
    let server = Server::start(&["--config", &file]);
    assert!(WebSocket::try_connect(server.ws, "/open", "").is_ok());
    // It is no key.
    assert_eq!(WebSocket::try_connect(server.ws, "/closed", BEARER).unwrap_err().status, 401);
    let mut wire = send(server.ws, &handshake(server.ws, "/asks", ""));
    backend.next().answer("204 No Content", "");
    assert_eq!(wire.read_head().unwrap().status, 101);
    assert_eq!(http::get(server.http, "/events").status, 401);
}

#[test]
fn whoever_is_let_in_for_a_time_goes_when_it_is_over_and_is_asked_about_again() {
    let rig = Rig::start(&["--forward-cache", "1h"]);
    for _ in 0..2 {
        let mut wire = rig.knock("/echo", BEARER);
        rig.backend.next().answer("200 OK", r#"{"connect":true,"expiresIn":1}"#);
        assert_eq!(wire.read_head().unwrap().status, 101);
        assert_eq!(WebSocket { wire }.hear_close(), (4401, "expired".to_owned()));
    }
}

#[test]
fn whoever_was_let_in_by_a_service_goes_with_it() {
    let rig = Rig::start(&[]);
    let mut wire = rig.knock("/echo", BEARER);
    rig.backend.next().answer("204 No Content", "");
    assert_eq!(wire.read_head().unwrap().status, 101);
    let mut websocket = WebSocket { wire };
    // Another limit is no other service.
    let file = config(&rig.backend.url(), "connection-id = ['{sub}']");
    rig.reload(&file);
    websocket.say("still here");
    assert_eq!(websocket.hear(), Message::Text("still here".to_owned()));
    rig.reload(&config("http://127.0.0.1:1/", ""));
    assert_eq!(websocket.hear_close(), (4401, "key-removed".to_owned()));
}

/// Who runs both looks for the reason in our log.
#[test]
fn why_an_answer_means_nothing_is_in_the_log() {
    let mut rig = Rig::start(&[]);
    assert_eq!(rig.knock_and(|heard| heard.answer("500 Oops", "5ecre7")).status, 503);
    rig.server.wait_for_log("no usable answer");
    let (url, log) = (rig.backend.url(), rig.server.stop());
    let fields =
        format!("url={url} reason=\"the status is neither 2xx nor 401 nor 403\" status=500");
    assert!(log.contains(&fields) && !log.contains("5ecre7"), "{log}");
    assert!(log.contains("code=auth-unavailable"), "{log}");
}

/// What it is sent holds clients' credentials; the client of HTTP would show it byte by byte.
#[test]
fn what_the_service_is_sent_is_in_no_log() {
    let (folder, backend) = (Folder::new(), Backend::start());
    let file = folder.write("tidegate.toml", &config(&backend.url(), ""));
    let mut command = tidegate();
    command.args(["--config", &file]).env("TIDEGATE_LOG", "trace");
    let mut rig = Rig { server: Server::start_with(&mut command), folder, backend };
    assert_eq!(rig.knock_and(|heard| heard.answer("401 Unauthorized", "")).status, 401);
    let log = rig.server.stop();
    let shown = "GET /auth".bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(!log.replace([' ', '\n'], "").contains(&shown[..8]), "{log}");
    assert!(!log.contains("ureq"), "{log}");
}
