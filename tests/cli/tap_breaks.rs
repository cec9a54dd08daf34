//! Connections that break, servers that restart: nothing is lost without a word, nor comes twice.

use crate::scripted::{Connected, Scripted};
use crate::support::server::tidegate;
use crate::support::{Server, WebSocket};
use crate::tapper::{Tapper, json, without_times};

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n";

fn url(server: &Scripted) -> String {
    format!("http://127.0.0.1:{}/events", server.port())
}

/// The line that begins a stream.
fn position(id: u64) -> String {
    format!("{{\"id\":\"e-{id}\",\"type\":\"position\"}}\n")
}

fn event(id: u64) -> String {
    format!(
        "{{\"id\":\"e-{id}\",\"room\":\"lab\",\"connectionId\":\"a\",\"session\":1,\
         \"type\":\"message\",\"at\":1795262467031,\"data\":{{\"n\":{id}}}}}\n"
    )
}

/// What is printed of these events.
fn printed(ids: &[u64]) -> Vec<String> {
    ids.iter().map(|id| format!("lab  a  {{\"n\":{id}}}")).collect()
}

impl Connected {
    /// Answers with a stream that begins so.
    fn stream(&mut self, lines: &[String]) {
        self.wire.write(format!("{HEAD}\r\n{}", lines.concat()).as_bytes());
    }

    fn last_id(&self) -> Option<&str> {
        self.field("Last-Event-ID")
    }
}

/// The complaints, which must be one of an outage and one of its end for each of these.
fn outages(err: &str, said: &[&str]) {
    let lines: Vec<_> = err.lines().collect();
    assert_eq!(lines.len(), said.len() * 2, "{err}");
    for (pair, said) in lines.chunks(2).zip(said) {
        assert_eq!(pair[0], format!("tidegate: {said}; trying again"));
        let rest = pair[1].strip_prefix("tidegate: connected again after ").expect(pair[1]);
        assert!(rest.ends_with(" s"), "{rest}");
    }
}

#[test]
fn a_stream_goes_on_behind_its_last_whole_event() {
    let server = Scripted::start();
    let tapper = Tapper::start(&[&url(&server)]);
    let mut first = server.accept();
    assert_eq!(first.last_id(), None);
    let half = event(3)[..60].to_owned();
    first.stream(&[position(0), event(1), event(2), half]);
    tapper.out.wait_for("\"n\":2}\n");
    drop(first);
    let mut second = server.accept();
    assert_eq!(second.last_id(), Some("e-2"));
    second.stream(&[position(2), event(3)]);
    tapper.out.wait_for("\"n\":3}\n");
    // What has moved without an event counts, too.
    second.wire.write(position(9).as_bytes());
    drop(second);
    let mut third = server.accept();
    assert_eq!(third.last_id(), Some("e-9"));
    third.stream(&[position(9), "\n".to_owned(), event(10)]);
    tapper.out.wait_for("\"n\":10}\n");
    let end = tapper.interrupt();
    assert_eq!(without_times(&end.out), printed(&[1, 2, 3, 10]));
    assert_eq!(end.status, Some(0));
    outages(&end.err, &["the server ended the stream"; 2]);
}

#[test]
fn a_restart_is_survived_and_what_is_gone_is_told() {
    let mut server = Server::start(&[]);
    let (ws, http) = (server.ws.to_string(), server.http.to_string());
    let tapper = Tapper::start(&["--since=earliest", "--json", &http]);
    let mut client = WebSocket::connect(server.ws, "/");
    client.say(r#"{"connectionId":"a","n":1}"#);
    tapper.out.wait_for("\"n\":1}}\n");
    server.kill();
    tapper.err.wait_for("trying again\n");
    let again = ["--ws-addr", &ws, "--http-addr", &http, "--cores", "2"];
    let server = Server::spawn(tidegate().args(again));
    // Whether this is said before or after the reader is back.
    let mut client = WebSocket::connect(server.ws, "/");
    client.say(r#"{"connectionId":"a","n":2}"#);
    tapper.out.wait_for("\"n\":2}}\n");
    tapper.err.wait_for(" s\n");
    server.terminate();
    tapper.err.wait_for("trying again\n");
    let end = tapper.interrupt();
    let lines = json(&end.out);
    let kinds: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["message", "gap", "message", "close"], "{}", end.out);
    assert!(lines[1]["missed"].is_null(), "{}", end.out);
    assert_eq!((&lines[0]["data"]["n"], &lines[2]["data"]["n"]), (&1.into(), &2.into()));
}

#[test]
fn a_server_that_has_no_time_is_asked_again_when_it_says() {
    let server = Scripted::start();
    let tapper = Tapper::start(&[&url(&server)]);
    let problem = "{\"code\":\"stopping\",\"detail\":\"The server is stopping.\"}";
    let busy = |status: u16| {
        let length = problem.len();
        format!(
            "HTTP/1.1 {status} x\r\nRetry-After: 0\r\nContent-Length: {length}\r\n\r\n{problem}"
        )
    };
    for status in [503, 429, 503] {
        server.accept().wire.write(busy(status).as_bytes());
    }
    server.accept().stream(&[position(0), event(1)]);
    tapper.out.wait_for("\"n\":1}\n");
    // Once it was there, a proxy's word for an absent server is no end either.
    server.accept().wire.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    let mut last = server.accept();
    assert_eq!(last.last_id(), Some("e-1"));
    last.stream(&[position(1), event(2)]);
    tapper.out.wait_for("\"n\":2}\n");
    let end = tapper.interrupt();
    assert_eq!(without_times(&end.out), printed(&[1, 2]));
    let said = "refused: 503 stopping: The server is stopping.";
    outages(&end.err, &[said, "the server ended the stream"]);
}

#[test]
fn a_refusal_ends_it_even_after_an_outage() {
    let server = Scripted::start();
    let tapper = Tapper::start(&[&url(&server)]);
    server.accept().stream(&[position(0), event(1)]);
    server.accept().wire.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    let end = tapper.wait();
    assert_eq!((end.status, without_times(&end.out)), (Some(1), vec!["lab  a  {\"n\":1}"]));
    let expected = "tidegate: the server ended the stream; trying again\n\
                    tidegate: refused: 401 Unauthorized\n";
    assert_eq!(end.err, expected);
}

/// nginx and others put a body without a length into chunks.
#[test]
fn a_proxy_s_chunks_are_no_part_of_events() {
    let server = Scripted::start();
    let tapper = Tapper::start(&["--no-follow", &url(&server)]);
    let mut asked = server.accept();
    let body = [position(0), event(1), "\n".to_owned(), event(2)].concat();
    let (one, two) = body.split_at(70);
    let chunk = |text: &str| format!("{:x};ext=1\r\n{text}\r\n", text.len());
    let head = format!("HTTP/1.1 100 Continue\r\n\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\n");
    let answer = [&head, &chunk(one), &chunk(two), "0\r\nTrailer: x\r\n\r\n"].concat();
    asked.wire.write_slowly(answer.as_bytes());
    // The connection stays open: the end of the body is the end.
    assert_eq!(without_times(&tapper.wait_well()), printed(&[1, 2]));
    drop(asked);
}

#[test]
fn a_cut_is_not_the_present() {
    let server = Scripted::start();
    let tapper = Tapper::start(&["--no-follow", &url(&server)]);
    server.accept().stream(&[position(0), event(1), event(2)[..30].to_owned()]);
    let mut second = server.accept();
    assert_eq!(second.last_id(), Some("e-1"));
    second.stream(&[position(1), event(2)]);
    drop(second);
    let end = tapper.wait();
    assert_eq!(
        (end.status, without_times(&end.out)),
        (Some(0), vec!["lab  a  {\"n\":1}", "lab  a  {\"n\":2}"])
    );
    outages(&end.err, &["the server ended the stream"]);
}

#[test]
fn whoever_waits_can_be_asked_to_end() {
    let server = Scripted::start();
    // For an answer.
    let tapper = Tapper::start(&[&url(&server)]);
    let asked = server.accept();
    assert_eq!(tapper.interrupt().status, Some(0));
    drop(asked);
    // For a server that is gone.
    let tapper = Tapper::start(&[&url(&server)]);
    server.accept().stream(&[position(0)]);
    tapper.err.wait_for("trying again\n");
    assert_eq!(tapper.interrupt().status, Some(0));
}
