//! Each path, each method.

use super::{ask, json, post, registered, registered_at};
use crate::support::http::{exchange, request};
use crate::support::{EventStream, Message, Server, WebSocket, Wire};
use serde_json::{Value, json};

#[test]
fn a_connection_is_shown() {
    let server = Server::start(&[]);
    let mut named = registered_at(&server, "/ws/lab", "a%20b");
    let chat = WebSocket::connect(server.ws, "/chat/lab");
    for cores in 0..4 {
        // Whichever core the request comes to.
        let shown = json(&ask(&server, "GET", "/api/connections/a%20b"));
        assert_eq!(shown["connectionId"], "a b", "{cores}");
        assert_eq!((&shown["room"], &shown["rooms"]), (&json!("lab"), &json!(["lab"])));
        assert_eq!(shown["route"], "/ws/{room}");
        let (connected, seen) = (shown["connectedAt"].as_u64(), shown["lastSeenAt"].as_u64());
        assert!(connected > Some(1_700_000_000_000) && seen >= connected, "{shown}");
        assert!(shown["session"].as_u64().is_some_and(|session| session < 1 << 53));
        assert_eq!(shown.as_object().map(serde_json::Map::len), Some(7));
    }
    let listed = json(&ask(&server, "GET", "/api/connections"));
    let all = listed["connections"].as_array().unwrap();
    let uuid = all.iter().find(|one| one["route"] == "/chat/{room}").expect("the member");
    let target = format!("/api/connections/{}", uuid["connectionId"].as_str().unwrap());
    let shown = json(&ask(&server, "GET", &target));
    assert_eq!(shown["session"], uuid["session"]);
    // Its home is the only room.
    assert_eq!((all.len(), &listed["next"]), (2, &Value::Null));
    let head = {
        let mut wire = Wire::connect(server.http);
        wire.write(request(server.http, "HEAD", &target, "").as_bytes());
        wire.write(request(server.http, "GET", "/hello", "").as_bytes());
        let head = wire.read_head().unwrap();
        assert_eq!(wire.read_response().unwrap().status, 200, "no body came between");
        head
    };
    assert_eq!(head.status, 200);
    drop(chat);
    named.say(r#"{"connectionId":"a b"}"#);
    assert_eq!(named.leave(1000, ""), []);
}

#[test]
fn a_message_reaches_one_connection_as_it_was_given() {
    let server = Server::start(&[]);
    let mut client = registered(&server, "a");
    let cases = [
        (r#"{"text":"h\u00e9llo"}"#, Message::Text("héllo".to_owned())),
        (r#"{"json":{"a": [1, 2.50]}}"#, Message::Text(r#"{"a": [1, 2.50]}"#.to_owned())),
        (r#"{"base64":"AAH/"}"#, Message::Binary(vec![0, 1, 255])),
    ];
    for (body, message) in cases {
        let answer = post(&server, "/api/connections/a", body);
        assert_eq!((answer.status, json(&answer)), (202, json!({"queued": 1})));
        assert_eq!(client.hear(), message);
    }
    let session = json(&ask(&server, "GET", "/api/connections/a"))["session"].clone();
    let body = json!({"text": "to this one", "session": session}).to_string();
    assert_eq!(post(&server, "/api/connections/a", &body).status, 202);
    assert_eq!(client.hear(), Message::Text("to this one".to_owned()));
}

#[test]
fn a_connection_is_closed_as_asked() {
    let server = Server::start(&[]);
    let mut events = EventStream::open(server.http, "/events");
    for (query, code, reason) in [
        ("", 1000, ""),
        ("?code=4123&reason=so%20long", 4123, "so long"),
        ("?code=1012", 1012, ""),
        ("?code=4409", 4409, ""),
    ] {
        let client = registered(&server, "a");
        let answer = ask(&server, "DELETE", &format!("/api/connections/a{query}"));
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
        assert_eq!(client.hear_close(), (code, reason.to_owned()));
        let close = loop {
            let event = events.next().expect("an event");
            let data: Value = serde_json::from_str(&event.data).unwrap();
            if data.get("close").is_some() {
                break data["close"].clone();
            }
        };
        assert_eq!((&close["code"], &close["reason"]), (&json!(code), &json!(reason)));
        assert_eq!((&close["by"], &close["connectionId"]), (&json!("server"), &json!("a")));
    }
}

#[test]
fn rooms_are_shown_with_their_counts() {
    let server = Server::start(&[]);
    let relay = registered_at(&server, "/ws/lab", "a");
    let chat = WebSocket::connect(server.ws, "/chat/lab");
    let stream = EventStream::open(server.http, "/events?room=lab");
    let other = WebSocket::connect(server.ws, "/chat/other");
    let room = json(&ask(&server, "GET", "/api/rooms/lab"));
    assert_eq!((&room["room"], &room["connections"]), (&json!("lab"), &json!(2)));
    assert_eq!((&room["members"], &room["subscribers"]), (&json!(1), &json!(1)));
    // The registration.
    assert_eq!((&room["events"], room["bytes"].as_u64() > Some(0)), (&json!(1), true));
    let page = json(&ask(&server, "GET", "/api/rooms?limit=1"));
    assert_eq!(page["rooms"][0], room);
    let next = page["next"].as_str().expect("there is another");
    let page = json(&ask(&server, "GET", &format!("/api/rooms?limit=1&after={next}")));
    assert_eq!(page["rooms"][0]["room"], "other");
    let page = json(&ask(&server, "GET", "/api/rooms?prefix=ot"));
    assert_eq!((page["rooms"].as_array().map(Vec::len), &page["next"]), (Some(1), &Value::Null));
    drop((relay, chat, stream, other));
}

#[test]
fn what_is_published_reaches_whoever_is_in_the_room() {
    let server = Server::start(&[]);
    let mut relay = registered_at(&server, "/ws/lab", "a");
    let mut left_out = registered_at(&server, "/ws/lab", "b");
    let mut chat = WebSocket::connect(server.ws, "/chat/lab");
    let mut elsewhere = WebSocket::connect(server.ws, "/chat/other");
    let mut stream = EventStream::open(server.http, "/events?room=lab");
    let answer =
        post(&server, "/api/rooms/lab/messages", r#"{"json":{"n": 1},"except":["b","nobody"]}"#);
    let told = json(&answer);
    assert_eq!((answer.status, &told["subscribers"]), (200, &json!(1)));
    assert_eq!(told["members"], 3, "of whom one was left out");
    for client in [&mut relay, &mut chat] {
        assert_eq!(client.hear(), Message::Text(r#"{"n": 1}"#.to_owned()));
    }
    let event = stream.next().expect("an event");
    assert_eq!((Some(event.id.as_str()), &*event.data), (told["id"].as_str(), r#"{"n": 1}"#));
    assert_eq!(post(&server, "/api/rooms/lab/messages", r#"{"text":"second"}"#).status, 200);
    assert_eq!(left_out.hear(), Message::Text("second".to_owned()));
    assert_eq!(stream.next().expect("an event").data, r#"{"message":"second"}"#);
    // To everyone, and to the main room, where nobody is but this one.
    let mut main = registered(&server, "m");
    let answer = json(&post(&server, "/api/messages", r#"{"text":"all","to":"all"}"#));
    assert_eq!(answer["members"], 5);
    let main_only = json(&post(&server, "/api/messages", r#"{"text":"main"}"#));
    assert_eq!(main_only["members"], 1);
    assert_eq!(elsewhere.hear(), Message::Text("all".to_owned()));
    assert_eq!(
        [main.hear(), main.hear()],
        [Message::Text("all".to_owned()), Message::Text("main".to_owned())]
    );
    // A room that nobody ever named.
    let answer = post(&server, "/api/rooms/new%2Froom/messages", r#"{"text":"x"}"#);
    assert_eq!(json(&answer)["members"], 0);
    assert_eq!(json(&ask(&server, "GET", "/api/rooms/new%2Froom"))["events"], 1);
}

#[test]
fn a_batch_is_answered_one_by_one() {
    let server = Server::start(&["--max-rooms", "2"]);
    let mut client = registered(&server, "a");
    let mut chat = WebSocket::connect(server.ws, "/chat/lab");
    let body = json!({"messages": [
        {"room": "lab", "text": "1"},
        {"connectionId": "a", "text": "2"},
        {"connectionId": "nobody", "text": "3"},
        {"room": "one too many", "text": "4"},
        {"to": "all", "base64": "AA==", "except": ["a"]},
        {"connectionId": "a", "session": 1, "text": "5"},
        {"room": "lab", "text": "6"},
        {"connectionId": "a", "text": "7"},
    ]});
    let answer = post(&server, "/api/batch", &body.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    let results = json(&answer)["results"].as_array().unwrap().clone();
    let statuses: Vec<u64> =
        results.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 202, 404, 503, 200, 404, 200, 202]);
    assert!(results[0]["id"].as_str() < results[6]["id"].as_str(), "in their order");
    assert_eq!((&results[0]["members"], &results[4]["members"]), (&json!(1), &json!(2)));
    assert_eq!(results[1], json!({"status": 202, "queued": 1}));
    assert_eq!(
        (&results[2]["code"], &results[3]["code"]),
        (&json!("no-such-connection"), &json!("too-many-rooms"))
    );
    let heard: Vec<Message> = (0..3).map(|_| chat.hear()).collect();
    let text = |text: &str| Message::Text(text.to_owned());
    assert!(heard.contains(&text("1")) && heard.contains(&text("6")));
    assert!(heard.contains(&Message::Binary(vec![0])));
    assert_eq!([client.hear(), client.hear()], [text("2"), text("7")]);
}

#[test]
fn the_shape_of_aws_is_kept() {
    let server = Server::start(&[]);
    let mut client = registered(&server, "a");
    let path = "/@connections/a";
    let shown = json(&ask(&server, "GET", path));
    for member in ["connectedAt", "lastActiveAt"] {
        let date = shown[member].as_str().expect(member);
        assert!(date.len() == 24 && date.ends_with('Z') && date.as_bytes()[10] == b'T', "{date}");
    }
    for (body, message) in
        [("raw {", Message::Text("raw {".to_owned())), ("", Message::Text(String::new()))]
    {
        let headers = format!("Content-Length: {}\r\n", body.len());
        let answer = exchange(server.http, &(request(server.http, "POST", path, &headers) + body));
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        assert_eq!(client.hear(), message);
    }
    let mut wire = Wire::connect(server.http);
    wire.write(request(server.http, "POST", path, "Content-Length: 2\r\n").as_bytes());
    wire.write(&[0xff, 0]);
    assert_eq!(wire.read_response().unwrap().status, 200);
    assert_eq!(client.hear(), Message::Binary(vec![0xff, 0]));
    assert_eq!(ask(&server, "DELETE", path).status, 204);
    assert_eq!(client.hear_close(), (1000, String::new()));
    for method in ["GET", "POST", "DELETE"] {
        let answer = ask(&server, method, path);
        assert_eq!((answer.status, answer.code().as_str()), (410, "connection-gone"), "{method}");
        assert_eq!(answer.header("x-amzn-errortype"), Some("GoneException"));
    }
}

#[test]
fn every_path_says_which_methods_it_has() {
    let server = Server::start(&[]);
    const READ: &str = "GET, HEAD, OPTIONS";
    const POST: &str = "POST, OPTIONS";
    const ALL: &str = "GET, HEAD, POST, DELETE, OPTIONS";
    for (path, allow) in [
        ("*", ALL),
        ("/events", READ),
        ("/hello", READ),
        ("/livez", READ),
        ("/readyz", READ),
        ("/metrics", READ),
        ("/openapi.json", READ),
        ("/asyncapi.json", READ),
        ("/api/connections", READ),
        ("/api/connections/a", ALL),
        ("/api/rooms", READ),
        ("/api/rooms/a", READ),
        ("/api/rooms/a/messages", POST),
        ("/api/messages", POST),
        ("/api/batch", POST),
        ("/@connections/a", ALL),
    ] {
        let answer = ask(&server, "OPTIONS", path);
        assert_eq!((answer.status, answer.header("allow")), (204, Some(allow)), "{path}");
        assert_eq!(answer.header("access-control-allow-methods"), None, "{path}");
        let origin = "Origin: http://localhost:3000\r\nAccess-Control-Request-Method: POST\r\n";
        let preflight = exchange(server.http, &request(server.http, "OPTIONS", path, origin));
        assert_eq!(preflight.header("access-control-allow-methods"), Some(allow), "{path}");
        let headers = preflight.header("access-control-allow-headers").unwrap();
        assert!(headers.contains("Idempotency-Key") && headers.contains("Content-Type"));
        if path == "*" {
            continue;
        }
        for method in ["GET", "POST", "DELETE", "PUT", "PATCH"] {
            if allow.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let answer = ask(&server, method, path);
            let code = answer.code();
            assert_eq!((answer.status, code.as_str()), (405, "method-not-allowed"), "{path}");
            assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        }
    }
    for path in ["/api", "/api/", "/api/connections/", "/api/rooms/a/", "/@connections", "/API"] {
        assert_eq!(ask(&server, "GET", path).code(), "not-found", "{path}");
        assert_eq!(ask(&server, "OPTIONS", path).code(), "not-found", "{path}");
    }
}

#[test]
fn the_descriptions_are_served() {
    let server = Server::start(&[]);
    for path in ["/openapi.json", "/asyncapi.json"] {
        assert!(json(&ask(&server, "GET", path)).is_object(), "{path}");
    }
}

/// An answer that was asked for by a page may be read by it, also when it took a while.
#[test]
fn pages_may_read_what_they_asked_for() {
    let server = Server::start(&[]);
    let _client = registered(&server, "a");
    let origin = "Origin: http://localhost:3000\r\n";
    for (method, path) in [
        ("GET", "/api/connections/a"),
        ("GET", "/api/connections"),
        ("GET", "/api/rooms"),
        ("GET", "/api/connections/nobody"),
        ("DELETE", "/api/connections/a"),
    ] {
        let answer = exchange(server.http, &request(server.http, method, path, origin));
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("http://localhost:3000"),
            "{method} {path}"
        );
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
    let evil = exchange(
        server.http,
        &super::post_with(server.http, "/api/messages", "Origin: http://evil.example\r\n", "{}"),
    );
    assert_eq!(evil.code(), "origin-not-allowed");
}
