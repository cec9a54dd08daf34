//! The systems of `examples/`, each with its own configuration, as it is used: by other people's WebSocket libraries,
//! by its own clients, and in a browser. What they need, `tests/run` installs; without it these
//! tests fail and say so.

#[path = "../support/mod.rs"]
mod support;

mod a_relay;
mod b_helpdesk;
// Windows of other tests do more than these.
#[allow(dead_code)]
mod browser;
mod c_broadcast;
mod clients;
mod d_express;
mod e_rooms;
mod f_keys;
mod g_sessions;
mod h_tickets;
mod i_forward;
mod keys;
mod pages;
mod puppet;

use keys::Keys;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use support::foreign::root;
use support::server::tidegate;
use support::{Foreign, Server};

#[test]
fn the_configurations_are_right_as_they_stand() {
    let plain = ["a-relay", "b-helpdesk", "c-broadcast", "d-express", "e-rooms", "i-forward"];
    let plain = plain.map(|folder| (folder, None));
    let keyed = [("f-keys", &["devices", "app"][..]), ("g-sessions", &["session"])];
    let keyed = keyed.into_iter().chain([("h-tickets", &["backend"][..])]);
    let keyed = keyed.map(|(folder, keys)| (folder, Some(Keys::cut(folder, keys))));
    for (folder, keys) in plain.into_iter().chain(keyed) {
        let file =
            keys.as_ref().map_or(example(folder).join("tidegate.toml"), |keys| keys.config());
        let mut command = tidegate();
        command.arg("check").arg("--config").arg(file);
        let output = command.stdout(Stdio::piped()).output().unwrap();
        let [out, err] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(output.status.success() && err.is_empty(), "{folder}: {err}");
        // Where nobody needs the API there is no key for it; that is told, in case it was forgotten.
        let is_right = |line: &str| line.starts_with("ok") || line.ends_with(" opens it to a key");
        // What follows is about this machine, on which its ports may be in use.
        let of_file = out.lines().take_while(|line| !line.contains(": descriptors: "));
        assert!(of_file.clone().count() >= 3, "{folder}: {out}");
        assert!(of_file.clone().all(is_right), "{folder}: {out}");
    }
}

/// A file of an example.
fn example(path: &str) -> PathBuf {
    root().join("examples").join(path)
}

/// Starts the example in this folder with two ports of its own.
fn start(folder: &str) -> Server {
    start_on(folder, ["127.0.0.1:0", "127.0.0.1:0"], &[])
}

/// The same with one port for both, as the example has it.
fn start_on_one_port(folder: &str, more: &[&str]) -> Server {
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let server = start_on(folder, [&addr, &addr], more);
    assert_eq!(server.ws, server.http);
    server
}

fn start_on(folder: &str, [ws, http]: [&str; 2], more: &[&str]) -> Server {
    let mut command = tidegate();
    command.arg("--config").arg(example(folder).join("tidegate.toml"));
    command.args(["--ws-addr", ws, "--http-addr", http, "--cores", "2"]).args(more);
    Server::spawn(&mut command)
}

/// What curl is told by the HTTP listener.
fn curl(server: &Server, path: &str, options: &[&str]) -> String {
    let url = format!("http://{}{path}", server.http);
    let mut command = Command::new("curl");
    let curl = command.args(["-sS", "--fail-with-body", "--noproxy", "*"]).args(options).arg(url);
    Foreign::start(curl).finish().join("\n")
}
