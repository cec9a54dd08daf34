//! A file with keys: what the process makes of secrets that are there, and of such that are not.

use crate::support::server::tidegate;
use crate::support::{Folder, Server, http};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

/// In every secret of these tests.
const CANARY: &str = "c4n4ry";
const DEVICES: &str = "c4n4ry-0123456789abcdef";
const OPS: &str = "c4n4ry-fedcba9876543210";

const FILE: &str = "
[[key]]
name = 'devices'
secret = { file = 'devices.key' }

[[key]]
name = 'ops'
secret = { env = 'OPS_KEY' }
manage = true

[[page]]
path = '/about'
text = 'A test'
open = true
";

/// A folder with a file and the secret that it names.
struct Rig {
    folder: Folder,
    file: String,
}

impl Rig {
    fn new() -> Rig {
        let folder = Folder::new();
        let file = folder.write("tidegate.toml", FILE);
        let rig = Rig { folder, file };
        rig.secret("devices.key", DEVICES.as_bytes(), 0o600);
        rig
    }

    fn secret(&self, name: &str, bytes: &[u8], mode: u32) {
        let path = self.folder.path(name);
        let _ = fs::remove_file(&path);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = tidegate();
        command.env("OPS_KEY", OPS);
        command
    }

    fn run(&self, word: &str) -> Output {
        let mut command = self.command();
        command.args([word, "--config", &self.file]).stdout(Stdio::piped());
        command.output().unwrap()
    }

    fn start(&self) -> Server {
        Server::start_with(self.command().args(["--config", &self.file]))
    }
}

/// The status of a request for events with that credential.
fn status(server: &Server, credential: &str) -> u16 {
    let line = format!("Authorization: Bearer {credential}\r\n");
    let request = http::request(server.http, "GET", "/events?follow=false", &line);
    http::exchange(server.http, &request).status
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_server_with_keys_asks_for_them() {
    let rig = Rig::new();
    let server = rig.start();
    assert_eq!(http::get(server.http, "/events").status, 401);
    assert_eq!([DEVICES, OPS, "other"].map(|key| status(&server, key)), [200, 200, 401]);
    assert_eq!(http::get(server.http, "/about").status, 200);
    server.terminate();
    let (_, said) = server.wait();
    assert!(!said.contains(CANARY), "{said}");
}

#[test]
fn a_check_counts_keys_and_shows_none() {
    let rig = Rig::new();
    let check = rig.run("check");
    assert!(check.status.success());
    let line = "ok: 2 keys; may manage: ops; open to everybody: /about";
    assert!(text(&check.stdout).lines().any(|one| one == line), "{}", text(&check.stdout));
    let config = rig.run("config");
    let place = format!("secret = {{ file = \"{}\" }}", rig.folder.path("devices.key"));
    for line in [&place, "secret = { env = \"OPS_KEY\" }"] {
        assert!(text(&config.stdout).lines().any(|one| one == line), "{line}");
    }
    for output in [check, config] {
        let said = [output.stdout, output.stderr].concat();
        assert!(!text(&said).contains(CANARY), "{}", text(&said));
    }
}

/// What is wrong with a secret is known before a listener is.
#[test]
fn a_secret_that_is_none_starts_nothing_and_is_not_shown() {
    let rig = Rig::new();
    let place = format!("tidegate: {}:4:19: file: ", rig.file);
    let whole = format!("tidegate: {}:4:10: secret: ", rig.file);
    let path = rig.folder.path("devices.key");
    let open = format!("{place}is open to others (mode 644); chmod 600 {path}\n");
    let short = format!("{whole}has less than 16 bytes; make one: tidegate token key FILE\n");
    let empty = format!("{place}is empty; make one: tidegate token key FILE\n");
    for (bytes, mode, expected) in [
        (DEVICES.as_bytes(), 0o644, &open),
        (b"", 0o600, &empty),
        (b"\n", 0o600, &empty),
        (b"c4n4ry-01234567", 0o600, &short),
    ] {
        rig.secret("devices.key", bytes, mode);
        for word in ["serve", "check", "config"] {
            let output = rig.run(word);
            assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{word}");
            assert_eq!(text(&output.stderr), expected, "{word}");
        }
    }
    fs::remove_file(path).unwrap();
    let output = rig.run("serve");
    assert!(text(&output.stderr).contains(":4:19: file: is not there: "));
    // A variable is as good as a file, and as bad.
    rig.secret("devices.key", DEVICES.as_bytes(), 0o600);
    let mut command = tidegate();
    let output = command.args(["--config", &rig.file]).env("OPS_KEY", CANARY).output().unwrap();
    let expected = format!(
        "tidegate: {}:8:10: secret: has less than 16 bytes; make one: tidegate token key FILE\n",
        rig.file
    );
    assert_eq!(text(&output.stderr), expected);
    let output = tidegate().args(["--config", &rig.file]).output().unwrap();
    assert!(text(&output.stderr).contains(":8:18: env: names no variable that is set"));
}

#[test]
fn secrets_are_read_again_and_one_that_is_gone_changes_nothing() {
    let rig = Rig::new();
    let server = rig.start();
    let reload = |words: &str| {
        let seen = server.log_lines();
        server.signal(Signal::HUP);
        server.wait_for_log_after(seen, words)
    };
    let new = "c4n4ry-the-next-of-them";
    fs::remove_file(rig.folder.path("devices.key")).unwrap();
    let lines = [reload("not loaded, nothing changed: ")];
    assert!(lines[0].contains(":4:19: file: is not there: "), "{}", lines[0]);
    assert_eq!([DEVICES, OPS, new].map(|key| status(&server, key)), [200, 200, 401]);
    rig.secret("devices.key", new.as_bytes(), 0o666);
    assert!(reload("not loaded, nothing changed: ").contains("is open to others (mode 666)"));
    assert_eq!([DEVICES, OPS, new].map(|key| status(&server, key)), [200, 200, 401]);
    rig.secret("devices.key", new.as_bytes(), 0o600);
    assert!(reload("] loaded ").contains("1 page (6B), 2 keys"));
    assert_eq!([DEVICES, OPS, new].map(|key| status(&server, key)), [401, 200, 200]);
    server.terminate();
    let (_, said) = server.wait();
    assert!(!said.contains(CANARY), "{said}");
}

#[test]
fn a_server_with_keys_may_be_reached_by_others() {
    let rig = Rig::new();
    let others = ["--ws-addr", "0.0.0.0:0", "--http-addr", "0.0.0.0:0"];
    let check = |command: &mut Command| {
        let output = command.arg("check").args(others).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let mut with_keys = rig.command();
    with_keys.env("TIDEGATE_CONFIG", &rig.file);
    assert_eq!(check(&mut with_keys), (Some(0), String::new()));
    let (code, said) = check(&mut tidegate());
    assert_eq!((code, said.lines().count()), (Some(2), 2), "{said}");
    let words = "a [[key]] in the file of --config has them asked who they are, \
                 or --insecure accepts this";
    assert!(said.lines().all(|line| line.ends_with(words)), "{said}");
}

#[test]
fn a_static_key_is_no_longer_than_a_request_may_bring() {
    let rig = Rig::new();
    rig.folder.write("tidegate.toml", &format!("max-token = '64B'\n{FILE}"));
    let key = "k".repeat(64);
    rig.secret("devices.key", key.as_bytes(), 0o600);
    let server = rig.start();
    assert_eq!(status(&server, &key), 200);
    rig.secret("devices.key", "k".repeat(65).as_bytes(), 0o600);
    let output = rig.run("check");
    let words = "secret: is longer than max-token (64B): no request could bring it";
    assert!(text(&output.stderr).contains(words), "{}", text(&output.stderr));
}
