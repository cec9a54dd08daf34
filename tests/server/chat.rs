//! `/chat/{room}`: members hear each other, subscribers hear all of them.

use crate::support::{EventStream, Message, Server, WebSocket};

fn text(text: &str) -> Message {
    Message::Text(text.to_owned())
}

/// A member that is in the room: what is said from now on reaches it.
fn member(server: &Server, path: &str) -> WebSocket {
    let mut member = WebSocket::connect(server.ws, path);
    member.ping(b"in");
    assert_eq!(member.hear(), Message::Pong(b"in".to_vec()));
    member
}

#[test]
fn members_hear_each_other_but_not_themselves() {
    let server = Server::start(&[]);
    // Enough of them for both cores.
    let mut members: Vec<_> = (0..8).map(|_| member(&server, "/chat/a")).collect();
    let mut elsewhere = member(&server, "/chat/b");
    members[0].say("hello");
    for member in &mut members[1..] {
        assert_eq!(member.hear(), text("hello"));
    }
    members[1].say_binary(&[0, 255]);
    for (n, member) in members.iter_mut().enumerate().filter(|(n, _)| *n != 1) {
        assert_eq!(member.hear(), Message::Binary(vec![0, 255]), "{n}");
    }
    elsewhere.say("alone");
    for member in members.into_iter().chain([elsewhere]) {
        assert_eq!(member.leave(1000, ""), [], "nothing else was said");
    }
}

#[test]
fn who_wants_an_echo_gets_it_in_the_order_of_all() {
    let server = Server::start(&[]);
    let mut loud: Vec<_> = (0..4).map(|_| member(&server, "/chat/a?echo=true")).collect();
    for round in 0..50 {
        for (n, member) in loud.iter_mut().enumerate() {
            member.say(&format!("{round} {n}"));
        }
    }
    let heard: Vec<Vec<_>> =
        loud.iter_mut().map(|member| (0..200).map(|_| member.hear()).collect()).collect();
    assert!(heard.iter().all(|one| *one == heard[0]));
    for n in 0..4 {
        let own: Vec<_> = (0..50).map(|round| text(&format!("{round} {n}"))).collect();
        let of_n: Vec<_> = heard[0].iter().filter(|message| own.contains(message)).collect();
        assert!(of_n.iter().copied().eq(&own));
    }
}

#[test]
fn subscribers_see_objects_as_they_are_and_wrap_the_rest() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events?room=a");
    let mut other = EventStream::open(server.http, "/events?room=main");
    let mut client = member(&server, "/chat/a");
    client.say(r#"{"type":"move","x":1}"#);
    client.say("plain \"text\"\nin two lines");
    client.say(r#"{"close":{"connectionId":"me"}}"#);
    client.say(r#"{"connectionId":"somebody else","message":"hi"}"#);
    client.say_binary(b"xyz");
    assert_eq!(reader.next().unwrap().data, r#"{"type":"move","x":1}"#);
    let plain = reader.next().unwrap().json();
    let id = plain["connectionId"].as_str().unwrap().to_owned();
    assert_eq!(plain["message"], "plain \"text\"\nin two lines");
    assert_eq!(id.len(), 36, "a UUID: {id}");
    // Nobody speaks for the server, nor for somebody else.
    for said in
        [r#"{"close":{"connectionId":"me"}}"#, r#"{"connectionId":"somebody else","message":"hi"}"#]
    {
        let json = reader.next().unwrap().json();
        assert_eq!((&json["connectionId"], &json["message"]), (&id.clone().into(), &said.into()));
    }
    let binary = reader.next().unwrap();
    assert_eq!((binary.name.as_str(), &binary.json()["base64"]), ("binary", &"eHl6".into()));
    client.leave(1000, "");
    assert!(reader.next().unwrap().close().is(&id, 1000, "client"));
    WebSocket::connect(server.ws, "/?connectionId=main");
    assert_eq!(other.next().unwrap().json()["connectionId"], "main");
}

#[test]
fn a_member_that_falls_off_the_log_is_closed() {
    let options = ["--room-log", "64KiB", "--max-message", "16KiB", "--write-stall", "10m"];
    let server = Server::start(&options);
    let mut slow = member(&server, "/chat/a");
    let mut client = member(&server, "/chat/a");
    let long = "x".repeat(10_000);
    let mut numbered = |n: u32| client.say(&format!("{n} {long}"));
    (0..1000).for_each(&mut numbered);
    client.leave(1000, "");
    let mut next = 0;
    loop {
        match slow.hear() {
            Message::Text(text) => {
                assert!(text.starts_with(&format!("{next} ")), "nothing is skipped");
                next += 1;
            }
            message => {
                assert!(matches!(message, Message::Close(Some(4408), _)), "{message:?}");
                break;
            }
        }
    }
    assert!(next > 0 && next < 1000, "{next}");
}
