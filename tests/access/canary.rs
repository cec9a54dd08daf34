//! Secrets, credentials and messages are where they belong, and nowhere else: not in the log at its
//! loudest, not in metrics, pages, answers, refusals, nor in what the command line says.

use crate::admission::ticket;
use crate::dice::Dice;
use crate::mint::{Signer, now};
use crate::rig::{ADMIN, DEVICE, ISSUER, OPS, PERSON, Rig, basic, secret};
use crate::support::http::{exchange, get, request};
use crate::support::websocket::handshake;
use crate::support::wire::Wire;
use crate::support::{EventStream, WebSocket};
use crate::ways::{Site, Way};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::process::Stdio;

/// A message that is said, and nothing else.
const BODY: &str = "c4nary-b0dy-1d9e0b7f";

/// What must not be seen, and all that was seen.
struct Canaries {
    rig: Rig,
    /// What must not be seen anywhere but where it belongs.
    hidden: Vec<String>,
    /// What was read, with where it was read.
    seen: Vec<(String, String)>,
    dice: Dice,
}

impl Canaries {
    fn start() -> Canaries {
        let rig = Rig::start_with(|command| {
            command.env("TIDEGATE_LOG", "trace");
        });
        let mut hidden: Vec<String> = Rig::secrets().map(str::to_owned).into();
        hidden.extend([BODY.to_owned(), basic(PERSON), basic(OPS)]);
        Canaries { rig, hidden, seen: Vec::new(), dice: Dice::new(7) }
    }

    /// A token is hidden, and so are its parts, and what its claims say of its holder.
    fn hide_token(&mut self, token: String) -> String {
        self.hidden.extend(token.split('.').skip(1).map(str::to_owned));
        token
    }

    fn see(&mut self, place: impl Into<String>, text: impl Into<String>) {
        self.seen.push((place.into(), text.into()));
    }

    /// Asks both listeners, and keeps the answer.
    fn ask(&mut self, site: Site, way: Way, credential: &str) {
        let asked = way.ask(site, credential, &mut self.dice);
        let addr = if site.is_websocket() { self.rig.server.ws } else { self.rig.server.http };
        let head = match site.is_websocket() {
            true => handshake(addr, &asked.target, &asked.fields),
            false => request(addr, "GET", &asked.target, &asked.fields),
        };
        self.send(site.is_websocket(), &head, &format!("{site:?} by {way:?}"));
    }

    /// Sends what may be no request at all, and says no more.
    fn send(&mut self, websocket: bool, bytes: &str, what: &str) {
        let addr = if websocket { self.rig.server.ws } else { self.rig.server.http };
        let mut wire = Wire::connect(addr);
        wire.write(bytes.as_bytes());
        wire.try_finish();
        let answer = wire.read_to_end();
        self.see(what, String::from_utf8_lossy(&answer));
    }

    /// Good and bad ones, everywhere.
    fn come_by_each_way(&mut self) {
        let claims = json!({"sub": "s3bject-of-all", "exp": now() + 600, "iss": ISSUER});
        let expired = json!({"sub": "s3bject-of-all", "exp": now() - 600, "iss": ISSUER});
        let stranger = Signer::ed25519().token(&claims);
        let app = &self.rig.app;
        let tokens = [app.token(&claims), app.token(&expired), stranger];
        let mut credentials = vec![DEVICE.to_owned(), ADMIN.to_owned()];
        credentials.push("c4nary-of-a-key-that-is-none".to_owned());
        self.hidden.push("c4nary-of-a-key-that-is-none".to_owned());
        for token in tokens {
            credentials.push(self.hide_token(token));
        }
        for site in [Site::Relay, Site::Chat, Site::Strict, Site::In, Site::Events, Site::Api] {
            for way in Way::to(site) {
                for credential in &credentials {
                    (0..3).for_each(|_| self.ask(site, *way, credential));
                }
            }
            if site != Site::In {
                self.ask(site, Way::Basic, &PERSON.join(":"));
                self.ask(site, Way::Basic, &OPS.join(":"));
            }
        }
        for site in [Site::Relay, Site::Events] {
            let ticket = ticket(&self.rig);
            self.hidden.push(ticket.clone());
            (0..2).for_each(|_| self.ask(site, Way::Ticket, &ticket));
        }
    }

    /// Requests that are none, with credentials in them.
    fn break_rules(&mut self) {
        let long = "x".repeat(20_000);
        for websocket in [true, false] {
            for request in [
                format!("GET /?accessToken={DEVICE} HTTP/1.1\r\n\r\n"),
                format!("GET /?accessToken={DEVICE}&{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {DEVICE}\r\nX: {long}"),
                format!("GET / HTTP/1.1\r\nHost: {DEVICE}\r\n\r\n"),
                format!("GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://{DEVICE}\r\n\r\n"),
                format!("GET /{DEVICE}%zz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                format!("{DEVICE} / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                format!("GET / HTTP/1.1\r\nHost: localhost\r\n{DEVICE}\r\n\r\n"),
                format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {DEVICE}\0\r\n\r\n"),
                format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {DEVICE}"),
                format!("POST /api/{DEVICE} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                DEVICE.repeat(4),
            ] {
                self.send(websocket, &request, "what is no request");
            }
        }
    }

    /// What is said is heard where it is said, and so may be repeated there.
    fn talk(&mut self) {
        let fields = format!("Authorization: Bearer {DEVICE}\r\n");
        let (ws, http) = (self.rig.server.ws, self.rig.server.http);
        let mut stream = EventStream::open_with(http, "/events", &fields);
        let mut relay = WebSocket::try_connect(ws, "/", &fields).unwrap();
        let said = format!(r#"{{"connectionId":"a","text":"{BODY}"}}"#);
        relay.say(&said);
        assert_eq!(stream.next().expect("an event").data, said);
        // Refused, told so, and not repeated.
        for wrong in [BODY.to_owned(), format!(r#"{{"connectionId":"a","{BODY}":"#)] {
            relay.say(&wrong);
            let answer = format!("{:?}", relay.hear());
            self.see("an error", answer);
        }
        relay.say(&format!(r#"{{"connectionId":"a","close":"{BODY}"}}"#));
        let answer = format!("{:?}", relay.hear());
        self.see("an error", answer);
        let mut chat = WebSocket::try_connect(ws, "/chat/lab", &fields).unwrap();
        chat.say(BODY);
        assert!(stream.next().expect("an event").data.contains(BODY));
        let body = format!(r#"{{"text":"{BODY}"}}"#);
        let fields = format!(
            "{}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n",
            Rig::manager(),
            body.len()
        );
        for path in ["/api/messages", "/api/connections/a", "/api/rooms/lab/messages", "/api/batch"]
        {
            let head = request(http, "POST", path, &fields);
            let answer = exchange(http, &format!("{head}{body}"));
            self.see(format!("POST {path}"), format!("{answer:?}"));
        }
        relay.say_close(1000, "bye");
        let _ = relay.wire.read_to_end();
        self.refresh();
    }

    fn refresh(&mut self) {
        let claims = |seconds: u64| json!({"sub": "r", "exp": now() + seconds, "iss": ISSUER});
        let [first, second] = [600, 1200].map(|seconds| self.rig.app.token(&claims(seconds)));
        let [first, second] = [first, second].map(|token| self.hide_token(token));
        let fields = format!("Authorization: Bearer {first}\r\n");
        let mut echo = WebSocket::try_connect(self.rig.server.ws, "/strict", &fields).unwrap();
        for credential in [second.as_str(), "c4nary-of-a-key-that-is-none", ADMIN] {
            echo.say(&json!({"refresh": credential}).to_string());
            let answer = format!("{:?}", echo.hear());
            self.see("a refresh", answer);
        }
    }

    /// Configurations with secrets where none may be, and keys that are not there or not kept.
    fn misconfigure(&mut self) {
        let good = fs::read_to_string(&self.rig.file).unwrap();
        let file = "secret = { file = \"device.key\" }";
        let wrong = [
            good.replace(file, &format!("secret = \"{DEVICE}\"")),
            good.replace(file, &format!("secret = {{ file = \"{DEVICE}\" ")),
            good.replace(file, &format!("secert = \"{DEVICE}\"")),
            good.replace("{ env = \"OPS\" }", &format!("\"{}\"", OPS[1])),
        ];
        for text in wrong {
            assert_ne!(text, good);
            self.reload("tidegate.toml", &text, "not loaded");
        }
        self.reload("tidegate.toml", &good, "] loaded ");
        for (name, text) in [("device.key", "short"), ("idp.pem", DEVICE), ("app.key", "")] {
            let good = fs::read_to_string(self.rig.folder.path(name)).unwrap();
            self.reload(name, text, "not loaded");
            self.reload(name, &good, "] loaded ");
        }
    }

    /// Has the server read its files again, and run as `check` does, with this one changed.
    fn reload(&mut self, name: &str, text: &str, what: &str) {
        let seen = self.rig.server.log_lines();
        secret(&self.rig.folder, name, text);
        self.rig.server.signal(Signal::HUP);
        self.rig.server.wait_for_log_after(seen, what);
        for action in ["check", "config"] {
            self.run(action);
        }
    }

    /// What the command line says of this configuration.
    fn run(&mut self, action: &str) {
        let mut command = Rig::command(&self.rig.file);
        // The options stand before it: it takes them all the same.
        let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        let mut whole = std::process::Command::new(command.get_program());
        whole.env_clear().envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
        whole.arg(action).args(args).stdin(Stdio::null());
        command = whole;
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        self.see(format!("tidegate {action}"), String::from_utf8_lossy(&text));
    }

    /// Every page and every answer that there is, for who may see the most.
    fn look_everywhere(&mut self) {
        let http = self.rig.server.http;
        let described: Value = serde_json::from_str(&get(http, "/openapi.json").body).unwrap();
        let paths = described["paths"].as_object().unwrap().keys().cloned();
        let paths = paths.filter(|path| path != "/events");
        for path in paths.chain(["/".to_owned(), "/index.html".to_owned(), "/nothing".to_owned()]) {
            for name in ["a", "lab", DEVICE] {
                let path = path.replace("{connectionId}", name).replace("{room}", name);
                let answer = exchange(http, &self.rig.manage("GET", &path));
                self.see(format!("GET {path}"), format!("{:?}{}", answer.headers, answer.body));
            }
        }
        let pid = self.rig.server.pid().as_raw_nonzero();
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        self.see("the command line of the process", String::from_utf8_lossy(&line));
    }

    fn finish(mut self) {
        let log = self.rig.server.stop();
        assert!(log.contains("] loaded "), "the log was there to be read");
        self.seen.push(("the log".to_owned(), log));
        assert!(self.seen.len() > 300, "{}", self.seen.len());
        for (place, text) in &self.seen {
            for hidden in &self.hidden {
                assert!(!text.contains(hidden.as_str()), "{hidden} is seen in {place}: {text}");
            }
        }
    }
}

#[test]
fn no_secret_and_no_message_is_seen_where_it_does_not_belong() {
    let mut canaries = Canaries::start();
    canaries.come_by_each_way();
    canaries.break_rules();
    canaries.talk();
    canaries.misconfigure();
    canaries.come_by_each_way();
    canaries.look_everywhere();
    canaries.run("config");
    canaries.finish();
}
