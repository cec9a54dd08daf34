//! What the API publishes: who gets it, who does not, and what that costs the others.
//!
//! Knows: one core by itself, several that share a hub.
//! Must not know: HTTP beyond event streams.

use super::core::{Core, HTTP, WS, handshake, message};
use crate::bytes::ConnKey;
use crate::engine::Said;
use crate::hub::{Api, EVERYONE, Receipt, Who};
use crate::limits::Limits;

impl Core {
    /// The API publishes `said` in `room`; `except` do not get it.
    fn publish(&mut self, room: &str, said: Said<'_>, except: &[&str]) -> Receipt {
        let who = |name: &&str| -> Who { self.hub.who_keys().who(name) };
        let api = Api { ticket: 7, except: except.iter().map(who).collect() };
        assert!(self.engine.publish(room, said, api), "there is room for it");
        self.turn();
        let [receipt] = self.engine.receipts() else { panic!("one event, one receipt") };
        assert_eq!(receipt.ticket, 7);
        *receipt
    }

    fn follow(&mut self, query: &str) -> ConnKey {
        let request = format!("GET /events{query} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let key = self.connect(HTTP, request.as_bytes());
        self.written.remove(&key);
        key
    }

    fn all_written(&mut self, keys: &[ConnKey]) -> Vec<String> {
        keys.iter().map(|key| self.written(*key)).collect()
    }
}

/// A text frame as it is written, if it is a short one.
fn frame(text: &str) -> String {
    String::from_utf8_lossy(&[&[0x81, text.len() as u8], text.as_bytes()].concat()).into_owned()
}

#[test]
fn a_room_is_everybody_in_it_and_all_is_everybody() {
    let mut core = Core::new();
    let here = [core.websocket("/ws/a"), core.websocket("/ws/a?connectionId=x")];
    let members = [core.websocket("/chat/a"), core.websocket("/chat/a?echo=true")];
    let elsewhere = [core.websocket("/echo"), core.websocket("/chat/b"), core.websocket("/")];
    let streams = [core.follow(""), core.follow("?room=a"), core.follow("?room=a&room=b")];
    let deaf = [core.follow("?room=b"), core.follow("?connectionId=x")];
    let to_all = core.follow("?room=*");
    core.written.clear();

    let receipt = core.publish("a", Said::Text("hi"), &[]);
    assert_eq!((receipt.subscribers, receipt.members), (3, 4));
    let info = core.hub.room_info("a").expect("somebody is in it");
    assert_eq!((info.connections, info.members, info.subscribers), (4, 2, 3));
    assert_eq!(core.all_written(&here), vec![frame("hi"); 2]);
    assert_eq!(core.all_written(&members), vec![frame("hi"); 2]);
    assert_eq!(core.all_written(&elsewhere), vec![""; 3]);
    for stream in streams {
        assert_eq!(core.events(stream), [r#"{"message":"hi"}"#]);
    }
    assert_eq!(core.all_written(&deaf), vec![""; 2]);
    assert_eq!(core.written(to_all), "");

    let receipt = core.publish(EVERYONE, Said::Text("{\"n\":1}"), &[]);
    assert_eq!((receipt.subscribers, receipt.members), (2, 7));
    for key in here.into_iter().chain(members).chain(elsewhere) {
        assert_eq!(core.written(key), frame("{\"n\":1}"));
    }
    assert_eq!(core.events(streams[0]), [r#"{"n":1}"#]);
    assert_eq!(core.events(to_all), [r#"{"n":1}"#]);
    assert_eq!(core.all_written(&[streams[1], streams[2], deaf[0], deaf[1]]), vec![""; 4]);
    assert_eq!(core.hub.holdings().rooms, 3, "the room of all is not counted");
}

#[test]
fn in_one_turn_a_member_reads_its_room_and_what_is_for_all_in_commit_order() {
    let mut core = Core::new();
    let (writer, reader) = (core.websocket("/chat/a"), core.websocket("/chat/a"));
    core.say(writer, &["one"]);
    let say = |text| (Said::Text(text), Api { ticket: 0, except: [].into() });
    for (room, text) in [(EVERYONE, "two"), ("a", "three"), (EVERYONE, "four")] {
        let (said, api) = say(text);
        assert!(core.engine.publish(room, said, api));
    }
    core.turn();
    let all = |texts: &[&str]| texts.iter().map(|text| frame(text)).collect::<String>();
    assert_eq!(core.written(reader), all(&["one", "two", "three", "four"]));
    assert_eq!(core.written(writer), all(&["two", "three", "four"]));
    let tickets = core.engine.receipts().iter().map(|receipt| receipt.first);
    assert_eq!(tickets.collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn who_is_left_out_is_so_however_it_reads() {
    let mut core = Core::new();
    let relay = [core.websocket("/?connectionId=a"), core.websocket("/?connectionId=b")];
    let nobody = core.websocket("/");
    core.written.clear();
    core.publish(EVERYONE, Said::Binary(b"x"), &["a", "never seen"]);
    assert_eq!(
        core.all_written(&[relay[0], relay[1], nobody]),
        ["", "\u{fffd}\u{1}x", "\u{fffd}\u{1}x"]
    );

    // A member that gets its own messages, found by what it said.
    let (echoes, stream) = (core.websocket("/chat/r?echo=true"), core.follow("?room=r"));
    core.say(echoes, &["me"]);
    core.turn();
    assert_eq!(core.written(echoes), frame("me"));
    let said = core.events(stream).concat();
    let id = said.split('"').nth(3).unwrap();
    core.publish("r", Said::Text("not you"), &[id]);
    assert_eq!(core.written(echoes), "");
    // Nor when it reads it later: of this the kernel takes only a part.
    core.say(echoes, &["long"]);
    core.turn_taking(3);
    core.publish("r", Said::Text("nor you"), &[id]);
    core.publish("r", Said::Text("but you"), &[]);
    core.written.clear();
    core.flush(echoes);
    core.turn();
    assert_eq!(core.written(echoes), "ong".to_owned() + &frame("but you"));
}

/// A listener that the kernel has taken nothing more from since `bytes` of an API event, and what it
/// is sent when it goes on after `meanwhile`.
fn later(meanwhile: impl FnOnce(&mut Core, ConnKey)) -> String {
    let limits = Limits { room_log_events_max: 2, ..Limits::default() };
    let mut core = Core::with(limits, false);
    let (sender, slow) = (core.websocket("/?connectionId=s"), core.websocket("/"));
    core.written.clear();
    let api = Api { ticket: 0, except: [].into() };
    assert!(core.engine.publish("main", Said::Text("begun"), api));
    core.turn_taking(2);
    meanwhile(&mut core, sender);
    core.written.clear();
    core.flush(slow);
    core.turn();
    core.written(slow)
}

#[test]
fn only_what_was_for_a_connection_makes_it_fall_off() {
    let relayed = |core: &mut Core, sender: ConnKey| {
        for n in 0..10 {
            core.say(sender, &[&message("s", n)]);
            core.turn();
        }
    };
    assert_eq!(later(relayed), "begun");
    let after = later(|core, sender| {
        relayed(core, sender);
        core.publish(EVERYONE, Said::Text("all"), &[]);
        core.publish("main", Said::Text("here"), &[]);
    });
    assert_eq!(after, "begun".to_owned() + &frame("all") + &frame("here"));
    let fallen = later(|core, sender| {
        core.publish("main", Said::Text("lost"), &[]);
        relayed(core, sender);
        core.publish(EVERYONE, Said::Text("all"), &[]);
    });
    assert_eq!(fallen, "begun\u{fffd}\u{15}\u{11}8fell too far behind");
}

#[test]
fn what_is_relayed_does_not_wake_a_core_of_listeners() {
    let mut core = Core::new();
    let (sender, key) = (core.websocket("/?connectionId=s"), core.websocket("/"));
    core.written.clear();
    core.say(sender, &[&message("s", 1)]);
    core.turn();
    assert!(core.engine.desk.delivery.chunks().is_empty(), "nobody here reads it");
    core.publish("main", Said::Text("x"), &[]);
    assert_eq!(core.engine.desk.delivery.chunks().len(), 1);
    assert_eq!(core.written(key), frame("x"));
}

#[test]
fn nobody_can_go_where_everybody_is() {
    let mut core = Core::new();
    for path in ["/ws/*", "/chat/*", "/ws/%2A"] {
        let key = core.connect(WS, handshake(path).as_bytes());
        let answer = core.written(key);
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("\"bad-room\""), "{answer}");
    }
    assert_eq!(crate::routes::EVERYONE, EVERYONE, "they are the same room");
}

#[test]
fn what_the_api_published_is_taken_back_with_the_connection_that_asked_for_it() {
    let mut core = Core::new();
    let stream = core.stream();
    let rooms = &mut core.engine.desk.rooms;
    let say = |text| (Said::Text(text), Api { ticket: 1, except: [].into() });
    let (said, api) = say("kept");
    assert!(rooms.publish_api_in("a", said, api, &core.hub));
    rooms.begin();
    let (said, api) = say("taken back");
    assert!(rooms.publish_api_in("a", said, api, &core.hub));
    rooms.cut_back();
    core.turn();
    assert_eq!(core.events(stream), [r#"{"message":"kept"}"#]);
    // The stream's format is charged with the next turn.
    core.turn();
    assert_eq!(core.hub.holdings().pinned_bytes, 0, "it is accounted for once");
}

#[test]
fn a_room_that_only_the_api_spoke_in_is_kept_for_what_it_holds() {
    let limits = Limits { rooms_max: 1, ..Limits::default() };
    let mut core = Core::with(limits, false);
    let receipt = core.publish("new", Said::Text("x"), &[]);
    assert_eq!((receipt.first, receipt.subscribers, receipt.members), (1, 0, 0));
    let info = core.hub.room_info("new").expect("its log holds something");
    assert_eq!((info.connections, info.subscribers, info.events), (0, 0, 1));
    let api = Api { ticket: 0, except: [].into() };
    assert!(!core.engine.publish("another", Said::Text("x"), api), "there may be one");
    core.publish(EVERYONE, Said::Text("x"), &[]);
    let infos = core.hub.rooms(None, "", 9);
    assert_eq!(infos.iter().map(|info| &*info.name).collect::<Vec<_>>(), ["new"]);
}
