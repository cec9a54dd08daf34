//! A server that asks nobody who he is says so, as long as it does.

use crate::support::server::tidegate;
use crate::support::{Folder, Server, http, wait_until};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const WARNING: &str = "WARN ] INSECURE: ";

fn gauge(server: &Server) -> u64 {
    http::metric(server.http, "tidegate_insecure_mode")
}

#[test]
fn it_is_said_at_the_start_and_in_the_metrics() {
    let server = Server::start(&["--insecure"]);
    server.wait_for_log(WARNING);
    assert_eq!(gauge(&server), 1);
    // On loopback alone nothing was accepted, and there is nothing to say.
    let mut server = Server::start(&[]);
    assert_eq!(gauge(&server), 0);
    assert!(!server.stop().contains("INSECURE"));
}

#[test]
fn it_is_not_said_where_there_is_a_key() {
    let folder = Folder::new();
    let key = folder.write("a.key", "a-secret-of-some-bytes");
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    let keys = "auth.metrics = 'open'\n[[key]]\nname = 'a'\nsecret = { file = 'a.key' }\n";
    let file = folder.write("tidegate.toml", keys);
    let mut server = Server::start(&["--insecure", "--config", &file]);
    assert_eq!(gauge(&server), 0);
    folder.write("tidegate.toml", "");
    server.signal(Signal::HUP);
    server.wait_for_log(WARNING);
    assert_eq!(gauge(&server), 1);
    folder.write("tidegate.toml", keys);
    server.signal(Signal::HUP);
    wait_until("somebody is asked again", || gauge(&server) == 0);
    assert_eq!(server.stop().matches(WARNING).count(), 1);
}

/// A listener stays where it is until the next start, also if the file has another place for it.
#[test]
fn no_reload_opens_a_server_that_others_can_reach() {
    let folder = Folder::new();
    let key = folder.write("a.key", "a-secret-of-some-bytes");
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    let text = "cores = 1\nws-addr = '0.0.0.0:0'\nhttp-addr = '127.0.0.1:0'\n\
                [[key]]\nname = 'a'\nsecret = { file = 'a.key' }\n";
    let file = folder.write("tidegate.toml", text);
    let mut server = Server::spawn(tidegate().args(["--config", &file]));
    let reload = |text: &str| {
        let seen = server.log_lines();
        folder.write("tidegate.toml", text);
        server.signal(Signal::HUP);
        server.wait_for_log_after(seen, "loaded")
    };
    let told = reload("ws-addr = '127.0.0.1:0'");
    assert!(told.contains("not loaded, nothing changed: there is no [[key]]"), "{told}");
    assert_eq!(http::get(server.http, "/events").status, 401);
    // That is somebody's wish.
    let told = reload("insecure = true");
    assert!(told.contains("] loaded "), "{told}");
    assert_eq!(http::get(server.http, "/events?follow=false").status, 200);
    // Right for the addresses that it names, and those take a restart.
    let told = reload("ws-addr = '127.0.0.1:0'");
    assert!(told.contains("not loaded, nothing changed: without a [[key]] others"), "{told}");
    let metrics = http::get(server.http, "/metrics").body;
    for (outcome, count) in [("loaded", 1), ("refused", 2)] {
        let line = format!("tidegate_reloads_total{{outcome=\"{outcome}\"}} {count}\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
    server.stop();
}

#[test]
fn it_is_said_when_a_reload_brings_it() {
    let folder = Folder::new();
    let file = folder.write("tidegate.toml", "");
    let mut server = Server::start(&["--config", &file]);
    let reload = |text: &str| {
        let seen = server.log_lines();
        folder.write("tidegate.toml", text);
        server.signal(Signal::HUP);
        server.wait_for_log_after(seen, "] loaded ");
        gauge(&server)
    };
    let gauges = ["", "insecure = true", "insecure = true", "", "insecure = true"].map(reload);
    assert_eq!(gauges, [0, 1, 1, 0, 1]);
    assert_eq!(server.stop().matches(WARNING).count(), 2, "once each time it begins");
}
