//! Members of several rooms, over real sockets and cores: control messages, presence, what was said
//! before.

use crate::support::{EventStream, Folder, Message, Server, WebSocket};
use serde_json::{Value, json};

const FILE: &str = "
[[route]]
path = '/rooms/{room}'
behaviour = 'broadcast'
connection-id = 'client'
rooms = true
presence = true
since = true
greeting = 'welcome'

[[route]]
path = '/quiet/{room}'
behaviour = 'broadcast'
rooms = true
since = true
last-value = true
";

struct Node {
    server: Server,
    _folder: Folder,
}

impl Node {
    fn start(options: &[&str]) -> Node {
        let folder = Folder::new();
        let file = folder.write("tidegate.toml", FILE);
        let server = Server::start(&[&["--config", &file], options].concat());
        Node { server, _folder: folder }
    }

    fn member(&self, path: &str) -> WebSocket {
        WebSocket::connect(self.server.ws, path)
    }
}

fn hear(member: &mut WebSocket) -> Value {
    let Message::Text(text) = member.hear() else { panic!("a text") };
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// Says it, and gives the id that the answer has; nothing else comes before that.
fn join(member: &mut WebSocket, order: &Value) -> (String, Value) {
    member.say(&order.to_string());
    let joined = hear(member)["joined"].clone();
    assert_eq!(joined["room"], order["join"]);
    (joined["id"].as_str().expect("an id").to_owned(), joined["missed"].clone())
}

fn leave(member: &mut WebSocket, room: &str) {
    member.say(&json!({"leave": room}).to_string());
    assert_eq!(hear(member), json!({"left": {"room": room}}));
}

#[test]
fn rooms_are_joined_spoken_to_and_left_on_all_cores() {
    let node = Node::start(&[]);
    let mut members: Vec<_> = (0..8).map(|n| node.member(&format!("/quiet/home-{n}"))).collect();
    for member in &mut members {
        join(member, &json!({"join": "lab"}));
        join(member, &json!({"join": "kitchen"}));
    }
    for n in 0..members.len() {
        let (lab, kitchen) = (json!({"to": "lab", "n": n}), json!({"to": "kitchen", "n": n}));
        members[n].say(&lab.to_string());
        members[n].say(&kitchen.to_string());
        for (_, member) in members.iter_mut().enumerate().filter(|(other, _)| *other != n) {
            // No order is promised between two rooms.
            let heard = [hear(member), hear(member)];
            assert!(heard.contains(&lab) && heard.contains(&kitchen), "{heard:?}");
        }
    }
    leave(&mut members[0], "lab");
    members[0].say(r#"{"to":"lab"}"#);
    assert_eq!(members[0].hear().error_code(), "not-joined");
    members[1].say(r#"{"to":"lab","n":"last"}"#);
    members[1].say(r#"{"to":"kitchen","n":"end"}"#);
    assert_eq!(hear(&mut members[0])["n"], "end", "it is in the kitchen only");
    for member in members {
        let rest: Vec<_> = member.leave(1000, "");
        assert!(rest.len() <= 2, "{rest:?}");
    }
}

#[test]
fn members_and_subscribers_are_told_who_comes_and_goes() {
    let node = Node::start(&[]);
    let mut stream = EventStream::open(node.server.http, "/events?room=lab");
    let mut ann = node.member("/rooms/lab?connectionId=ann");
    assert_eq!(hear(&mut ann), "welcome");
    let mut bob = node.member("/rooms/hall?connectionId=bob");
    assert_eq!(hear(&mut bob), "welcome");
    join(&mut bob, &json!({"join": "lab"}));
    let came = hear(&mut ann);
    assert_eq!(came["join"]["connectionId"], "bob");
    bob.say(r#"{"to":"lab","m":"hi"}"#);
    assert_eq!(hear(&mut ann)["m"], "hi");
    // What only the server may say, nobody else can.
    bob.say(r#"{"to":"lab","leave":{"connectionId":"ann"}}"#);
    assert_eq!(bob.hear().error_code(), "bad-control");
    bob.leave(1000, "bye");
    let left = hear(&mut ann);
    assert_eq!(left["leave"], came["join"], "the same session");
    let told: Vec<(String, Value)> =
        stream.take(4).into_iter().map(|event| (event.name.clone(), event.json())).collect();
    assert_eq!(told[0].0, "join");
    assert_eq!(told[0].1["join"]["connectionId"], "ann");
    assert_eq!(told[1], ("join".to_owned(), came));
    assert_eq!((told[2].0.as_str(), &told[2].1["m"]), ("message", &json!("hi")));
    assert_eq!(told[3], ("leave".to_owned(), left));
    ann.leave(1000, "");
    let told = stream.take(2);
    assert_eq!((told[0].name.as_str(), told[1].is_close()), ("leave", true));
}

#[test]
fn who_comes_back_gets_what_it_missed_and_what_it_said_before() {
    let node = Node::start(&[]);
    let mut ann = node.member("/rooms/lab?connectionId=ann&since=earliest");
    let joined = hear(&mut ann)["joined"].clone();
    assert_eq!((&joined["room"], &joined["missed"]), (&json!("lab"), &json!(0)));
    assert_eq!(hear(&mut ann), "welcome");
    ann.say("mine");
    ann.leave(1000, "");
    let mut bob = node.member("/rooms/lab?connectionId=bob");
    bob.say("his");
    bob.leave(1000, "");
    let id = joined["id"].as_str().unwrap();
    let mut ann = node.member(&format!("/rooms/lab?connectionId=ann&since={id}"));
    let heard: Vec<Value> = (0..8).map(|_| hear(&mut ann)).collect();
    assert_eq!(heard[0]["joined"], joined);
    let of = |value: &Value, key: &str| value[key]["connectionId"].clone();
    // Of its session before it is told as of anybody's.
    let expected = [
        json!("welcome"),
        json!("ann"),
        json!("mine"),
        json!("ann"),
        json!("bob"),
        json!("his"),
        json!("bob"),
    ];
    let words: Vec<Value> = heard[1..]
        .iter()
        .map(|value| match value {
            Value::Object(object) if object.contains_key("join") => of(value, "join"),
            Value::Object(_) => of(value, "leave"),
            text => text.clone(),
        })
        .collect();
    assert_eq!(words, expected);
    assert_eq!(ann.leave(1000, ""), []);
}

#[test]
fn a_member_that_does_not_read_gets_each_room_whole_and_in_its_order() {
    const EACH: usize = 300;
    let node = Node::start(&["--room-log", "64MiB"]);
    let mut slow = node.member("/quiet/home");
    let mut speaker = node.member("/quiet/other");
    for room in ["a", "b", "late"] {
        join(&mut speaker, &json!({"join": room}));
    }
    join(&mut slow, &json!({"join": "a"}));
    join(&mut slow, &json!({"join": "b"}));
    let pad = "x".repeat(10_000);
    let say = |speaker: &mut WebSocket, room: &str, n: usize| {
        speaker.say(&json!({"to": room, "n": n, "pad": pad}).to_string());
    };
    for n in 0..EACH {
        ["a", "b", "late"].iter().for_each(|room| say(&mut speaker, room, n));
    }
    speaker.ping(b"all said");
    assert_eq!(speaker.hear(), Message::Pong(b"all said".to_vec()));
    // What it says now finds it far behind.
    slow.say(r#"{"leave":"b"}"#);
    slow.say(r#"{"join":"late","since":"earliest"}"#);
    let (mut a, mut b, mut late, mut is_in_b) = (0, 0, 0, true);
    while a < EACH || late < EACH {
        let heard = hear(&mut slow);
        match heard["to"].as_str() {
            Some("a") => a += usize::from(heard["n"] == a),
            Some("b") if is_in_b => b += usize::from(heard["n"] == b),
            Some("late") => late += usize::from(heard["n"] == late),
            _ if heard["left"]["room"] == "b" => is_in_b = false,
            _ => assert_eq!(heard["joined"]["room"], "late", "{heard}"),
        }
    }
    assert!(!is_in_b && b <= EACH);
    assert_eq!(slow.leave(1000, ""), []);
}

#[test]
fn so_many_rooms_may_be_joined_as_the_option_says() {
    for max in [1, 2, 3] {
        let node = Node::start(&["--max-joined-rooms", &max.to_string()]);
        let mut member = node.member("/quiet/home");
        for n in 1..max {
            join(&mut member, &json!({"join": n.to_string()}));
        }
        member.say(r#"{"join":"one more"}"#);
        assert_eq!(member.hear().error_code(), "too-many-joined", "{max}");
        leave(&mut member, "home");
        join(&mut member, &json!({"join": "one more"}));
    }
}
