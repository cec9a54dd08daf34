//! A file for `--config`: read, checked, shown, in force.

use crate::support::server::tidegate;
use crate::support::{Folder, Message, Server, WebSocket, http};
use std::process::{Output, Stdio};

fn run(args: &[&str]) -> Output {
    tidegate().args(args).stdout(Stdio::piped()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const FILE: &str = "
max-filters = 1

[[route]]
path = '/shout'
behaviour = 'echo'

[[route]]
path = '/silent'
behaviour = 'reply'

[[page]]
path = '/about'
text = 'A test'
";

#[test]
fn a_file_decides_where_line_and_environment_are_silent() {
    let folder = Folder::new();
    let file = folder.write("tidegate.toml", FILE);
    let server = Server::start(&["--config", &file]);
    assert_eq!(http::get(server.http, "/events?room=a&room=b").code(), "too-many-filters");
    let mut client = WebSocket::connect(server.ws, "/shout");
    client.say("hello");
    assert_eq!(client.hear(), Message::Text("hello".to_owned()));
    server.wait_for_log("route /silent: it never replies");

    let mut command = tidegate();
    command.env("TIDEGATE_CONFIG", &file).env("TIDEGATE_MAX_FILTERS", "2");
    let server = Server::start_with(&mut command);
    assert_eq!(http::get(server.http, "/events?room=a&room=b&follow=false").status, 200);
}

#[test]
fn a_check_is_silent_about_nothing_and_starts_nothing() {
    let folder = Folder::new();
    let file = folder.write("tidegate.toml", FILE);
    let output = run(&["check", "--config", &file]);
    assert!(output.status.success() && output.stderr.is_empty());
    let lines: Vec<_> = text(&output.stdout).lines().collect();
    assert_eq!(
        lines[..2],
        [&*format!("ok: {file}"), "ok: 2 routes, 1 page (6B): /shout or /silent"]
    );
    assert_eq!(lines[2], "ok: no [[key]]: nobody is asked for a credential");
    assert!(lines[3].starts_with("warning: route /silent: "));
    // What the system is like is told behind it.
    assert!(lines[4].contains(": descriptors: "), "{lines:?}");

    let broken = folder.write("broken.toml", "cors = 1\n\n[[page]]\npath = 'x'\ntext = 1\n");
    for command in ["check", "config", "serve"] {
        let output = run(&[command, "--config", &broken, "--cores", "0"]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{command}");
        let expected = format!(
            "tidegate: {broken}:1:1: cors: is no option; did you mean cores?\n\
             tidegate: {broken}:4:8: path: \"x\" is no path; it begins with a slash\n\
             tidegate: {broken}:5:8: text: is a number; write a text in quotes\n\
             tidegate: --cores: \"0\" is too small (1 to 128)\n"
        );
        assert_eq!(text(&output.stderr), expected, "{command}");
    }
    let output = run(&["check"]);
    assert!(output.status.success());
    let built_in = "ok: 4 routes, no pages: /, /ws/{room}, /chat/{room} or /echo";
    assert!(text(&output.stdout).lines().any(|line| line == built_in));
}

#[test]
fn what_is_shown_is_a_file_that_means_the_same() {
    let folder = Folder::new();
    let file = folder.write("tidegate.toml", FILE);
    let shown = run(&["config", "--config", &file, "--cores", "1"]);
    assert!(shown.status.success() && shown.stderr.is_empty());
    let shown = text(&shown.stdout);
    for line in ["cores = 1  # flag", "max-filters = 1  # file", "drain = \"30s\"  # default"] {
        assert!(shown.lines().any(|one| one == line), "{line}: {shown}");
    }
    let again = folder.write("again.toml", shown);
    let again = run(&["config", "--config", &again]);
    let bare = |text: &str| {
        let lines = text.lines().map(|line| line.split("  #").next().unwrap_or_default());
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(bare(text(&again.stdout)), bare(shown));
}

/// Whatever the server answers by itself can be no page: nobody would ever see it.
#[test]
fn no_page_is_where_the_server_has_an_address() {
    let server = Server::start(&[]);
    let folder = Folder::new();
    let known = ["/events?follow=false", "/hello", "/livez", "/readyz", "/metrics"];
    for path in known {
        assert_eq!(http::get(server.http, path).status, 200, "{path}");
    }
    let known = known.map(|path| path.split('?').next().unwrap());
    for path in
        known.iter().chain(&["/openapi.json", "/asyncapi.json", "/api/x", "/@connections/x"])
    {
        let file = folder.write("tidegate.toml", &format!("[[page]]\npath = '{path}'\ntext = ''"));
        let output = run(&["check", "--config", &file]);
        let expected = format!("path: \"{path}\" is an address of the server itself");
        assert!(text(&output.stderr).contains(&expected), "{path}");
    }
}
