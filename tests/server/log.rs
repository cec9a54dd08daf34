//! What is said stays between those who say it and those who read it.

mod kinds;
mod read;
mod wanted;

use crate::support::server::tidegate;
use crate::support::{EventStream, Server, WebSocket, Wire, http};

#[test]
fn no_message_and_no_query_is_ever_logged() {
    const SECRET: &str = "5ecre7";
    let server = Server::start_with(tidegate().env("TIDEGATE_LOG", "trace"));
    let query = format!("connectionId=a&_={SECRET}");
    let mut reader = EventStream::open(server.http, &format!("/events?{query}"));
    // What a connection is called is for everybody, as it is in events.
    let mut client = WebSocket::connect(server.ws, &format!("/?{query}"));
    client.say(&format!(r#"{{"connectionId":"a","message":"{SECRET}"}}"#));
    reader.take(2);
    client.say(&format!("{SECRET} is no JSON"));
    client.hear();
    client.say_binary(SECRET.as_bytes());
    reader.take(1);
    client.leave(1000, SECRET);
    reader.take(1);
    let mut chat = WebSocket::connect(server.ws, &format!("/chat/a?_={SECRET}"));
    chat.say(SECRET);
    chat.leave(1000, "");
    let authorization = format!("Authorization: Bearer {SECRET}\r\n");
    for target in ["/hello", "/nothing", "/events"] {
        let target = format!("{target}?token={SECRET}");
        http::exchange(server.http, &http::request(server.http, "GET", &target, &authorization));
    }
    for wrong in [format!("GET /?{SECRET} \r\n\r\n"), format!("{SECRET}\r\n\r\n")] {
        let mut wire = Wire::connect(server.http);
        wire.write(wrong.as_bytes());
        wire.read_to_end();
    }
    drop(reader);
    server.terminate();
    let (status, log) = server.wait();
    assert!(status.success() && !log.is_empty());
    assert!(!log.contains(SECRET), "{log}");
}
