//! What waits before it is known who sent it.

use crate::support::http::{get, metric, request};
use crate::support::wire::Wire;
use crate::support::{Server, wait_until};

const KIB: usize = 1024;
const CLIENTS: usize = 120;
const HEAD: usize = 8 * KIB;
const MOST: usize = 256 * KIB;

#[test]
fn heads_that_do_not_end_make_room_for_who_ends_one() {
    let server = Server::start(&["--node-heads", "256KiB"]);
    let mut half = request(server.ws, "GET", "/echo", "X: ");
    half.truncate(half.len() - 2);
    let half = format!("{half}{}", "x".repeat(HEAD - half.len()));
    let mut wires: Vec<Wire> = (0..CLIENTS)
        .map(|number| {
            let mut wire = Wire::connect(if number % 2 == 0 { server.ws } else { server.http });
            wire.write(half.as_bytes());
            wire
        })
        .collect();
    // All but as many as there is room for.
    let shed = || metric(server.http, "tidegate_heads_shed_total") as usize;
    wait_until("the oldest are sent away", || shed() >= CLIENTS - MOST / HEAD);
    // Who comes now is served, at once or bit by bit.
    assert_eq!(get(server.http, "/hello").status, 200);
    let hello = request(server.http, "GET", "/hello", "");
    let mut slow = Wire::connect(server.http);
    slow.write_slowly(hello.as_bytes());
    assert_eq!(slow.read_response().expect("an answer").status, 200);
    // And so is who came last of them.
    let mut last = wires.pop().expect("the last");
    last.write(b"\r\n\r\n");
    assert_eq!(last.read_response().expect("an answer").status, 404);
    let mut first = wires.swap_remove(0);
    let response = first.read_response().expect("an answer");
    assert_eq!((response.status, response.code().as_str()), (503, "too-many-heads"));
    assert_eq!(response.header("retry-after"), Some("2"));
    assert_eq!(first.read_to_end(), b"");
}
