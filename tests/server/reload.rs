//! SIGHUP: the configuration is read again, and nobody notices who need not.

use crate::support::server::tidegate;
use crate::support::websocket::handshake;
use crate::support::{EventStream, Folder, Message, Server, WebSocket, Wire, http, wait_until};
use rustix::process::Signal;
use std::fs;
use std::process::Command;

const OLD: &str = "
[[route]]
path = '/'
behaviour = 'relay'

[[route]]
path = '/old'
behaviour = 'echo'
";

const NEW: &str = "
[[route]]
path = '/'
behaviour = 'relay'

[[route]]
path = '/new'
behaviour = 'echo'
greeting = 'hello'
";

/// A server and the file that it goes by.
struct Rig {
    folder: Folder,
    file: String,
    server: Server,
}

impl Rig {
    fn start(text: &str) -> Rig {
        let folder = Folder::new();
        let file = folder.write("tidegate.toml", text);
        let server = Server::start(&["--config", &file]);
        Rig { folder, file, server }
    }

    /// Has the server read `text`, until it says that it has.
    fn reload(&self, text: &str) {
        let seen = self.server.log_lines();
        self.folder.write("tidegate.toml", text);
        self.server.signal(Signal::HUP);
        self.server.wait_for_log_after(seen, "] loaded ");
    }

    /// Has it read what it cannot use, until it says so; gives that line.
    fn fail(&self) -> String {
        let seen = self.server.log_lines();
        self.server.signal(Signal::HUP);
        self.server.wait_for_log_after(seen, "not loaded, nothing changed: ")
    }

    fn connect(&self, target: &str) -> WebSocket {
        WebSocket::connect(self.server.ws, target)
    }

    fn status(&self, target: &str) -> u16 {
        let mut wire = Wire::connect(self.server.ws);
        wire.write(handshake(self.server.ws, target, "").as_bytes());
        wire.read_head().expect("an answer").status
    }
}

fn text(text: &str) -> Message {
    Message::Text(text.to_owned())
}

#[test]
fn whoever_is_there_stays_and_whoever_comes_finds_the_new_routes() {
    let rig = Rig::start(OLD);
    let mut old = rig.connect("/old");
    let mut reader = EventStream::open(rig.server.http, "/events");
    let mut writer = rig.connect("/");
    let said = |number: usize| format!(r#"{{"connectionId":"w","n":{number}}}"#);
    let mut number = 0;
    // Back and forth, and messages all the time.
    for round in 0..6 {
        for _ in 0..50 {
            writer.say(&said(number));
            number += 1;
        }
        rig.reload(if round % 2 == 0 { NEW } else { OLD });
        let (here, gone) = if round % 2 == 0 { ("/new", "/old") } else { ("/old", "/new") };
        assert_eq!((rig.status(here), rig.status(gone)), (101, 404), "round {round}");
        old.say("still here");
        assert_eq!(old.hear(), text("still here"));
    }
    for wanted in 0..number {
        assert_eq!(reader.next().expect("an event").data, said(wanted));
    }
}

#[test]
fn a_broken_file_changes_nothing_and_says_where() {
    let rig = Rig::start(OLD);
    let mut client = rig.connect("/old");
    for (text, place, what) in [
        ("cores = 1\n[[route]]\npath = /x", ":3:8: ", "is not TOML"),
        ("cors = 1", ":1:1: ", "cors: is no option; did you mean cores?"),
        ("drain = '1s'\nmax-message = '1KB'", ":2:15: ", "max-message: \"1KB\" is not a size"),
    ] {
        rig.folder.write("tidegate.toml", text);
        let line = rig.fail();
        assert!(line.contains(&rig.file) && line.contains(place) && line.contains(what), "{line}");
        client.say("a");
        assert_eq!(client.hear(), Message::Text("a".to_owned()));
        assert_eq!(rig.status("/old"), 101);
    }
    rig.reload(NEW);
    assert_eq!((rig.status("/old"), rig.status("/new")), (404, 101));
}

#[test]
fn a_file_that_vanishes_changes_nothing() {
    let rig = Rig::start(OLD);
    fs::remove_file(&rig.file).unwrap();
    assert!(rig.fail().contains("cannot be read: No such file or directory"));
    fs::create_dir(&rig.file).unwrap();
    assert!(rig.fail().contains("is a folder"));
    fs::remove_dir(&rig.file).unwrap();
    assert_eq!(rig.status("/old"), 101);
    rig.reload(NEW);
    assert_eq!(rig.status("/new"), 101);
}

/// To open a pipe waits for whoever writes to it: nobody ever does.
#[test]
fn a_pipe_in_place_of_the_file_holds_nothing_up() {
    let rig = Rig::start(OLD);
    fs::remove_file(&rig.file).unwrap();
    assert!(Command::new("mkfifo").arg(&rig.file).status().unwrap().success());
    assert!(rig.fail().contains("is no file, and cannot be read a second time"));
    rig.reload(NEW);
    assert_eq!(rig.status("/new"), 101);
}

/// However many there are, what is in the file when the last comes is what holds in the end.
#[test]
fn hangups_in_a_row_end_with_the_last_file() {
    let rig = Rig::start(OLD);
    for round in 0..20 {
        rig.folder.write("tidegate.toml", if round % 2 == 0 { OLD } else { NEW });
        rig.server.signal(Signal::HUP);
        rig.server.signal(Signal::HUP);
    }
    wait_until("the last file holds", || rig.status("/new") == 101);
}

#[test]
fn a_log_that_may_hold_less_is_cut_back() {
    let rig = Rig::start(OLD);
    let mut writer = rig.connect("/");
    let mut reader = EventStream::open(rig.server.http, "/events");
    let long = "x".repeat(1000);
    for number in 0..100 {
        writer.say(&format!(r#"{{"connectionId":"w","n":{number},"long":"{long}"}}"#));
        // One at a time: what is said in one turn goes out of the log together.
        assert!(reader.next().is_some());
    }
    let held = || http::metric(rig.server.http, "tidegate_log_bytes");
    assert!(held() > 100_000, "{}", held());
    rig.reload("max-message = '1KiB'\nroom-log = '16KiB'");
    assert!(held() <= 16 * 1024, "{}", held());
    let mut reader = EventStream::open(rig.server.http, "/events?since=earliest&follow=false");
    let last = reader.rest().pop().expect("some are left").data;
    assert!(last.starts_with(r#"{"connectionId":"w","n":99,"#), "{last}");
}

/// Its deadlines were set by what held when it came.
#[test]
fn a_shorter_time_holds_for_who_is_there() {
    let rig = Rig::start("ping-interval = '24h'");
    let mut client = rig.connect("/echo");
    rig.reload("ping-interval = '10ms'");
    assert!(matches!(client.next(), Some(Message::Ping(_))));
}

#[test]
fn what_takes_a_restart_stays_and_is_told() {
    let rig = Rig::start("");
    // It is told each time: what the file says is still not what is in force.
    for _ in 0..2 {
        let seen = rig.server.log_lines();
        rig.reload("send-buffer = '64KiB'\nmax-connections = 10_000_000");
        for words in ["send-buffer stays as it was: another takes", "max-connections stays"] {
            rig.server.wait_for_log_after(seen, words);
        }
    }
    assert_eq!(rig.status("/echo"), 101);
}

/// Lines of a command and of the environment are those of the start.
#[test]
fn flags_and_variables_stay() {
    let folder = Folder::new();
    let file = folder.write("tidegate.toml", "max-filters = 5");
    let mut command = tidegate();
    command.env("TIDEGATE_MAX_FILTERS", "2").args(["--config", &file]);
    let server = Server::start_with(&mut command);
    let rig = Rig { folder, file, server };
    rig.reload("max-filters = 1\nmax-uri = '256B'");
    let get = |target: &str| http::get(rig.server.http, target);
    assert_eq!(get("/events?room=a&room=b&follow=false").status, 200);
    assert_eq!(get("/events?room=a&room=b&room=c").code(), "too-many-filters");
    assert_eq!(get(&format!("/{}", "x".repeat(300))).status, 414);
}

#[test]
fn a_server_that_stops_is_not_held_up() {
    let rig = Rig::start(OLD);
    let mut client = rig.connect("/old");
    client.say("a");
    assert_eq!(client.hear(), text("a"));
    rig.server.signal(Signal::HUP);
    rig.server.terminate();
    rig.server.signal(Signal::HUP);
    assert_eq!(client.hear_close().0, 1012);
    let (status, _) = rig.server.wait();
    assert!(status.success());
}
