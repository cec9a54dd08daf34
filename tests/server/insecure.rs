//! A server that asks nobody who he is says so, as long as it does.

use crate::support::{Folder, Server, http};
use rustix::process::Signal;

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
