//! `tidegate check`, of the system that this runs on: what would keep a server from starting is an
//! error, what may be the server itself is not.

use crate::support::server::tidegate;
use crate::support::{Server, http};
use rustix::process::{Resource, getrlimit};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

const FREE: [&str; 4] = ["--ws-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"];

fn check(args: &[&str]) -> Output {
    tidegate().arg("check").args(args).stdout(Stdio::piped()).output().unwrap()
}

fn lines(output: &Output) -> Vec<&str> {
    assert!(output.stderr.is_empty(), "{output:?}");
    let lines: Vec<_> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    for line in &lines {
        assert!(
            ["ok: ", "warning: ", "error: "].iter().any(|word| line.starts_with(word)),
            "{line}"
        );
    }
    lines
}

#[test]
fn everything_that_a_server_needs_is_looked_at() {
    let output = check(&FREE);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let lines = lines(&output);
    for part in [
        "ok: no file; ",
        "ok: 4 routes",
        ": descriptors: ",
        "ok: address: 127.0.0.1:0 is free for WebSockets",
        "ok: address: 127.0.0.1:0 is free for events, HTTP",
        ": net.core.somaxconn",
        ": net.ipv4.tcp_max_syn_backlog",
        ": cores: ",
        ": memory: ",
    ] {
        assert_eq!(lines.iter().filter(|line| line.contains(part)).count(), 1, "{part}: {lines:?}");
    }
    assert!(lines.iter().all(|line| !line.starts_with("error")), "{lines:?}");
}

#[test]
fn a_server_that_runs_does_not_make_its_own_configuration_wrong() {
    let server = Server::start(&[]);
    let (ws, http) = (server.ws.to_string(), server.http.to_string());
    let output = check(&["--ws-addr", &ws, "--http-addr", &http]);
    assert_eq!(output.status.code(), Some(0));
    let pid = server.pid().as_raw_nonzero();
    let by = format!("is in use already, by tidegate (pid {pid})");
    let in_use = lines(&output).into_iter().filter(|line| line.contains(&by));
    let in_use: Vec<_> = in_use.collect();
    assert_eq!(in_use.len(), 2, "{output:?}");
    assert!(in_use.iter().all(|line| line.starts_with("warning: ")), "{in_use:?}");
    assert_eq!(http::get(server.http, "/hello").status, 200, "nobody has disturbed it");
}

/// A server that is really started says the same.
#[test]
fn what_would_keep_a_server_from_starting_is_an_error() {
    let port = TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    let (all, part) = (format!("0.0.0.0:{port}"), format!("127.0.0.1:{port}"));
    // 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
    let cases: [(&[&str], &str); 3] = [
        (
            &["--ws-addr", "192.0.2.1:8080", "--http-addr", "127.0.0.1:0"],
            "192.0.2.1:8080 is no address of this machine",
        ),
        (&["--ws-addr", &all, "--http-addr", &part], "leave one of them out"),
        (&[&["--max-connections", "900000"], &FREE[..]].concat(), "900000 connections need 900"),
    ];
    for (args, part) in cases {
        let output = with_descriptors(&[&["check", "--insecure"], args].concat(), 10_000);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let lines = lines(&output);
        let errors: Vec<_> = lines.iter().filter(|line| line.starts_with("error: ")).collect();
        assert!(matches!(errors[..], [line] if line.contains(part)), "{args:?}: {lines:?}");

        let output = with_descriptors(&[&["--insecure"], args].concat(), 10_000);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.lines().count() == 1 && said.contains(part), "{args:?}: {said}");
    }
}

/// Runs the binary where no process may have more than so many descriptors.
fn with_descriptors(args: &[&str], most: u64) -> Output {
    let own = getrlimit(Resource::Nofile).maximum.unwrap_or(most);
    let mut shell = Command::new("sh");
    let script = "ulimit -n \"$1\" && shift && exec \"$@\"";
    shell.args(["-c", script, "sh", &own.min(most).to_string()]);
    shell.arg(tidegate().get_program()).args(args);
    shell.env_clear().stdin(Stdio::null()).output().unwrap()
}
