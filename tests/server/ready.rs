//! `/readyz`, of a server for which a load balancer must look elsewhere, and of one again for which it
//! need not.

use crate::support::{Server, WebSocket, Wire, http, wait_until};
use rustix::process::{Resource, Rlimit, prlimit};
use std::collections::BTreeSet;
use std::fs;

/// What is told to whoever asks again and again on one connection, as balancers do.
struct Prober {
    wire: Wire,
    server: std::net::SocketAddr,
}

impl Prober {
    fn new(server: &Server) -> Prober {
        Prober { wire: Wire::connect(server.http), server: server.http }
    }

    fn ask(&mut self, target: &str) -> http::Response {
        self.wire.write(http::request(self.server, "GET", target, "").as_bytes());
        self.wire.read_response().expect("an answer")
    }
}

#[test]
fn a_full_server_says_so_until_somebody_leaves() {
    let server = Server::start(&["--max-connections", "3"]);
    let mut prober = Prober::new(&server);
    assert_eq!(prober.ask("/readyz").body, "ok\n");
    let _stays = WebSocket::connect(server.ws, "/");
    let leaves = WebSocket::connect(server.ws, "/");
    let full = prober.ask("/readyz");
    assert_eq!((full.status, full.code().as_str()), (503, "full"));
    assert!(full.header("retry-after").is_some() && full.body.contains("--max-connections"));
    let report = prober.ask("/readyz?verbose");
    assert_eq!(report.status, 503);
    assert!(report.body.contains("\nerror: connections: full: ") && !report.closes(), "{report:?}");
    assert_eq!(prober.ask("/livez").status, 200, "it is not to be restarted");
    leaves.leave(1000, "");
    wait_until("there is room again", || prober.ask("/readyz").status == 200);
}

#[test]
fn a_server_without_descriptors_says_so_until_there_are_some() {
    let server = Server::start(&[]);
    let mut prober = Prober::new(&server);
    assert_eq!(prober.ask("/readyz?verbose").status, 200);
    let limit = |descriptors| {
        let limit = Rlimit { current: Some(descriptors), maximum: Some(1000) };
        prlimit(Some(server.pid()), Resource::Nofile, limit).unwrap();
    };
    let folder = format!("/proc/{}/fd", server.pid().as_raw_nonzero());
    let names = fs::read_dir(folder).expect("a Linux machine").map(|entry| entry.unwrap());
    let used: BTreeSet<u64> =
        names.map(|entry| entry.file_name().to_str().unwrap().parse().unwrap()).collect();
    limit((0..).find(|number| !used.contains(number)).unwrap());
    // Somebody has to come for it to be noticed.
    assert_eq!(Wire::connect(server.ws).read_to_end(), b"");
    wait_until("it is noticed", || prober.ask("/readyz").status == 503);
    assert_eq!(prober.ask("/readyz").code(), "out-of-descriptors");
    limit(1000);
    wait_until("there are descriptors again", || prober.ask("/readyz").status == 200);
}
