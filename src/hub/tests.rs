//! What a hub promises, checked from outside and against a shadow that is plain and slow.
//!
//! Knows: the whole face of a hub, some of its chunks' bookkeeping.
//! Must not know: engines, sockets.

mod adopt;
mod formats;
mod lock;
mod publish;
mod readers;
mod shadow;
mod steps;
/// What all tests that read event streams share.
#[path = "../../tests/support/whatwg.rs"]
mod whatwg;

use super::*;
use crate::bytes::Now;
use crate::ws::deflate::Deflater;
use publish::{Said, sender};
use readers::{Got, Names};
use std::collections::VecDeque;
use std::time::Duration;

const EPOCH_SEED: u64 = 77;

fn hub(cores: usize, limits: &Limits) -> Hub {
    Hub::new(cores, limits, [EPOCH_SEED, 1, 2], 0)
}

fn at(ms: u64) -> Now {
    Now { monotonic: Duration::from_millis(ms), unix_ms: ms }
}

/// One visit of core 0, which brings `said` for `room`.
fn publish(hub: &Hub, turn: &mut Turn, room: &Entered, said: &[Said]) -> Vec<Arc<Chunk>> {
    for said in said {
        let mut batch = publish::batch(hub, room, said.audience());
        said.push(&mut batch, &sender(hub, "a", 1));
        turn.chunks.push(batch.seal());
    }
    hub.exchange(turn);
    turn.evicted.clear();
    std::mem::take(&mut turn.inbox)
}

/// All that `wanted` gets, and where it then is.
fn fetch(hub: &Hub, wanted: Wanted<'_>) -> (Vec<String>, Sequence) {
    let mut pieces = VecDeque::new();
    let next = hub.fetch(wanted, &mut pieces, usize::MAX >> 1);
    let words = pieces.iter().map(|piece| match piece {
        Piece::Chunk(chunk) => format!("{}-{}", chunk.first(), chunk.last()),
        Piece::Gap { last, missed } => format!("gap to {last}: {missed:?}"),
    });
    (words.collect(), next)
}

#[test]
fn a_room_exists_while_somebody_needs_it() {
    let limits = Limits { rooms_max: 2, log_age: Duration::from_secs(1), ..Limits::default() };
    let (hub, mut turn) = (hub(2, &limits), Turn::new(0));
    let (first, second) = (hub.enter("first").unwrap(), hub.enter("second").unwrap());
    assert!(hub.enter("third").is_none());
    assert_eq!(hub.enter("first").map(|again| again.key), Some(first.key));
    turn.left = vec![first.key, second.key];
    publish(&hub, &mut turn, &first, &[Said::Text("{}".into())]);
    assert!(hub.enter("third").is_some(), "nobody is in the second room");
    turn.left = vec![first.key];
    hub.exchange(&mut turn);
    assert_eq!(hub.holdings().rooms, 2, "its log holds something");
    turn.now = at(1001);
    hub.exchange(&mut turn);
    assert_eq!(hub.holdings().rooms, 2, "it is old enough, but nobody looks for that yet");
    turn.now = at(1920);
    hub.exchange(&mut turn);
    assert_eq!(hub.holdings().rooms, 1);
    let again = hub.enter("first").unwrap();
    assert_ne!(again.key, first.key, "keys are never used again");
}

#[test]
fn a_gap_stands_where_its_hole_is() {
    let limits = Limits { room_log_events_max: 2, ..Limits::default() };
    let (hub, mut turn) = (hub(1, &limits), Turn::new(0));
    let (full, rare) = (hub.enter("full").unwrap(), hub.enter("rare").unwrap());
    let text = || Said::Text("{}".into());
    for _ in 0..2 {
        publish(&hub, &mut turn, &rare, &[text()]);
        publish(&hub, &mut turn, &full, &[text(), text(), text()]);
    }
    // 1 rare, 2 3 4 full, 5 rare, 6 7 8 full; all but the last two of `full` are gone.
    let class = Class::Subscriber;
    let all = Wanted { rooms: None, class, whole: true, next: 1, upto: 8, seen: 8, ordinal: None };
    let expected = ["1-1", "gap to 4: Some(3)", "5-5", "gap to 6: Some(1)", "7-7", "8-8"];
    assert_eq!(fetch(&hub, all), (expected.iter().map(|word| word.to_string()).collect(), 9));
    let rooms = [full.key];
    let one_room = Wanted { rooms: Some(&rooms), ordinal: Some(1), next: 3, ..all };
    let expected = ["gap to 6: Some(3)", "7-7", "8-8"].map(str::to_owned);
    assert_eq!(fetch(&hub, one_room), (expected.to_vec(), 9));
    let unknown = Wanted { ordinal: None, ..one_room };
    let expected = ["gap to 6: None", "7-7", "8-8"].map(str::to_owned);
    assert_eq!(fetch(&hub, unknown), (expected.to_vec(), 9));
    let too_early = Wanted { upto: 5, seen: 5, ..one_room };
    assert_eq!(fetch(&hub, too_early), (vec![], 3), "the door comes first");
    assert_eq!(hub.gone_through(Some(&[full.key, rare.key]), class), 0);
    assert_eq!(hub.gone_through(None, class), 0, "event 1 is still there");
}

#[test]
fn a_gap_of_one_room_of_several_ends_where_its_reader_does() {
    let limits = Limits { room_log_events_max: 2, ..Limits::default() };
    let (hub, mut turn) = (hub(1, &limits), Turn::new(0));
    let (full, rare) = (hub.enter("full").unwrap(), hub.enter("rare").unwrap());
    for room in [&full, &full, &full, &rare, &full, &full, &full] {
        publish(&hub, &mut turn, room, &[Said::Text("{}".into())]);
    }
    // 1 2 3 full, 4 rare, 5 6 7 full: a reader of both up to 3 must not be told of 5, as who
    // resumes behind that would not get 4.
    let rooms = [full.key, rare.key];
    let class = Class::Subscriber;
    let both = Wanted {
        rooms: Some(&rooms),
        class,
        whole: true,
        next: 1,
        upto: 3,
        seen: 7,
        ordinal: None,
    };
    assert_eq!(fetch(&hub, both), (vec!["gap to 3: None".to_owned()], 4));
    let on = ["4-4", "gap to 5: None", "6-6", "7-7"].map(str::to_owned);
    assert_eq!(fetch(&hub, Wanted { next: 4, upto: 7, ..both }), (on.to_vec(), 8));
    // Of one room nothing can lie in between.
    let alone = Wanted { rooms: Some(&rooms[..1]), ..both };
    assert_eq!(fetch(&hub, alone), (vec!["gap to 5: None".to_owned()], 6));
}

#[test]
fn thousands_of_holes_are_joined_and_still_counted() {
    let limits = Limits { room_log_events_max: 1, ..Limits::default() };
    let (hub, mut turn) = (hub(1, &limits), Turn::new(0));
    let (full, rare) = (hub.enter("full").unwrap(), hub.enter("rare").unwrap());
    let text = || Said::Text("{}".into());
    publish(&hub, &mut turn, &rare, &[text()]);
    for _ in 0..3000 {
        publish(&hub, &mut turn, &full, &[text()]);
    }
    let class = Class::Subscriber;
    let all =
        Wanted { rooms: None, class, whole: true, next: 1, upto: 3001, seen: 3001, ordinal: None };
    let mut pieces = VecDeque::new();
    assert_eq!(hub.fetch(all, &mut pieces, 5000), 3002);
    let missed = pieces.iter().map(|piece| match piece {
        Piece::Gap { missed, .. } => missed.unwrap(),
        Piece::Chunk(_) => 0,
    });
    assert_eq!(missed.sum::<u64>(), 2999);
    assert!(pieces.len() < 2000, "{}", pieces.len());
    // In the middle of joined holes the count begins there.
    let (words, _) = fetch(&hub, Wanted { next: 500, upto: 500, ..all });
    assert_eq!(words, ["gap to 500: Some(1)"]);
    // With the event before them gone, they are no holes any more, but the beginning.
    publish(&hub, &mut turn, &rare, &[text()]);
    assert_eq!(hub.gone_through(None, class), 3000);
    let (words, _) = fetch(&hub, Wanted { upto: 3002, seen: 3002, ..all });
    assert_eq!(words, ["gap to 3000: Some(3000)", "3001-3001", "3002-3002"]);
}

#[test]
fn a_reader_in_the_middle_of_a_chunk_pins_it() {
    let limits = Limits { room_log_events_max: 1, ..Limits::default() };
    let (hub, mut turn) = (hub(1, &limits), Turn::new(0));
    let room = hub.enter("room").unwrap();
    turn.everything = true;
    let held = publish(&hub, &mut turn, &room, &[Said::Text("{}".into())]);
    assert_eq!(hub.holdings().pinned_bytes, 0);
    let in_log = hub.holdings().log_bytes;
    drop(publish(&hub, &mut turn, &room, &[Said::Text("{}".into())]));
    assert_eq!(hub.holdings().pinned_bytes, in_log);
    let (_, more) = held[0].encoded(Format::Lines, &mut Deflater::new(0));
    assert_eq!(hub.holdings().pinned_bytes, in_log + more);
    drop(held);
    assert_eq!(hub.holdings().pinned_bytes, 0);
    assert_eq!(hub.holdings().log_bytes, in_log);
}

#[test]
fn the_last_message_of_a_room_is_one_that_members_got() {
    let limits = Limits { room_log_events_max: 5, ..Limits::default() };
    let (hub, mut turn) = (hub(1, &limits), Turn::new(0));
    let (room, other) = (hub.enter("room").unwrap(), hub.enter("other").unwrap());
    let last = || hub.last_message(room.key);
    assert_eq!(last(), None);
    for (said, expected) in [
        (vec![Said::Text("{}".into())], None),
        (vec![Said::Chat("hi".into())], Some(2)),
        (vec![Said::Join, Said::Leave], Some(2)),
        (vec![Said::Close(1000, "bye".into())], Some(2)),
        // The two that were there first are gone.
        (vec![Said::ChatBinary(vec![7])], Some(6)),
        (vec![Said::Join, Said::ChatObject("{}".into()), Said::Leave], Some(8)),
    ] {
        publish(&hub, &mut turn, &room, &said);
        assert_eq!(last(), expected, "{said:?}");
    }
    let chunk = |event: Said| publish(&hub, &mut Turn::new(0), &room, &[event]);
    (0..3).for_each(|_| drop(chunk(Said::Leave)));
    assert_eq!(last(), Some(8));
    chunk(Said::Leave);
    assert_eq!(last(), None, "it is gone");
    publish(&hub, &mut turn, &other, &[Said::Chat("hi".into())]);
    assert_eq!(last(), None);
}

#[test]
fn what_is_cut_back_was_never_published() {
    let hub = hub(1, &Limits::default());
    let room = hub.enter("room").unwrap();
    let mut turn = Turn::new(0);
    let (kept, taken) = (sender(&hub, "kept", 1), sender(&hub, "taken", 2));
    let mut batch = publish::batch(&hub, &room, Audience::SUBSCRIBERS);
    Said::Text("{\"n\":1}".into()).push(&mut batch, &kept);
    let mark = batch.mark();
    Said::Binary(vec![1, 2, 3]).push(&mut batch, &taken);
    // As if the batch had become full in between.
    let chunk = Arc::into_inner(batch.seal()).unwrap();
    let mut batch = Batch::reopen(chunk);
    batch.cut_back(mark);
    Said::Text("{\"n\":2}".into()).push(&mut batch, &kept);
    turn.chunks.push(batch.seal());
    turn.everything = true;
    hub.exchange(&mut turn);
    let chunk = turn.inbox.pop().unwrap();
    assert_eq!(chunk.senders(), [(0, kept)]);
    let data: Vec<String> = whatwg::read(chunk.bytes(Format::Events))
        .events
        .into_iter()
        .map(|event| event.data)
        .collect();
    assert_eq!(data, ["{\"n\":1}", "{\"n\":2}"]);
    assert_eq!(hub.holdings().pinned_bytes, 0, "it is accounted for once");
}

#[test]
fn a_batch_is_full_before_a_chunk_is_too_large() {
    use crate::limits::CHUNK_BYTES_MAX;
    let hub = hub(1, &Limits::default());
    let room = hub.enter("room").unwrap();
    for audience in [Audience::SUBSCRIBERS, Audience::BROADCAST] {
        let mut batch = publish::batch(&hub, &room, audience);
        assert!(!batch.is_full_for(10 * CHUNK_BYTES_MAX), "a large event has one to itself");
        let payload = format!("{{\"a\":\"{}\"}}", "x".repeat(1000));
        let mut count = 0;
        while !batch.is_full_for(payload.len()) {
            batch.push_text(&sender(&hub, "a", 1), payload.as_bytes());
            count += 1;
        }
        assert!(batch.bytes() <= CHUNK_BYTES_MAX && count >= 60, "{count} {}", batch.bytes());
    }
}

/// What somebody gets who means the rooms `meant`.
fn read_meant(hub: &Hub, meant: &[&'static str], next: Sequence, upto: Sequence) -> Vec<Got> {
    let mut names = Names { meant: meant.to_vec(), ..Names::default() };
    names.read(hub, (next, upto), 16)
}

#[test]
fn of_joined_holes_only_those_are_told_whose_rooms_lost_something() {
    let limits = Limits { room_log_events_max: 1, ..Limits::default() };
    let (hub, mut turn) = (hub(1, &limits), Turn::new(0));
    let names = ["rare", "x", "y"];
    let rooms = names.map(|name| hub.enter(name).unwrap());
    let text = || Said::Text("{}".into());
    publish(&hub, &mut turn, &rooms[0], &[text()]);
    for _ in 0..3000 {
        publish(&hub, &mut turn, &rooms[1], &[text()]);
        publish(&hub, &mut turn, &rooms[2], &[text()]);
    }
    let _still_there = hub.enter("quiet").unwrap();
    assert_eq!(read_meant(&hub, &["rare"], 1, 6001), [Got::Event(1)]);
    assert_eq!(read_meant(&hub, &["rare", "quiet", "new"], 2, 6001), []);
    let got = read_meant(&hub, &["rare", "x"], 1, 6001);
    let [Got::Event(1), Got::Gap(last, None), Got::Event(6000)] = got[..] else {
        panic!("{got:?}")
    };
    assert!((5998..6000).contains(&last), "{last}");
    // Whoever has had all that is gone is told of nothing.
    assert_eq!(read_meant(&hub, &["x"], 5999, 6001), [Got::Event(6000)]);
    assert_eq!(read_meant(&hub, &["y"], 6000, 6001), [Got::Event(6001)]);
}

#[test]
fn what_a_room_had_lost_is_known_when_it_is_gone_and_when_it_comes_back() {
    let limits = Limits { log_age: Duration::from_secs(1), ..Limits::default() };
    let (hub, mut turn) = (hub(1, &limits), Turn::new(0));
    let class = Class::Subscriber;
    let say = |turn: &mut Turn, name: &str| {
        let room = hub.enter(name).unwrap();
        turn.left.push(room.key);
        publish(&hub, turn, &room, &[Said::Text("{}".into())]);
    };
    say(&mut turn, "a");
    say(&mut turn, "b");
    turn.now = at(2000);
    hub.exchange(&mut turn);
    turn.evicted.clear();
    say(&mut turn, "c");
    assert_eq!(hub.holdings().rooms, 1);
    assert_eq!(hub.gone_through(None, class), 2);
    // Event 1 was of `a`, 2 of `b`, and of `d` there never was any.
    assert_eq!(read_meant(&hub, &["a"], 1, 3), [Got::Gap(2, None)]);
    assert_eq!(read_meant(&hub, &["a"], 2, 3), []);
    assert_eq!(read_meant(&hub, &["b", "c"], 2, 3), [Got::Gap(2, None), Got::Event(3)]);
    assert_eq!(read_meant(&hub, &["d", "c"], 1, 3), [Got::Event(3)]);
    for (name, gone) in [("a", 1), ("b", 2), ("d", 0)] {
        let room = hub.enter(name).unwrap();
        assert_eq!(hub.gone_through(Some(&[room.key]), class), gone, "{name} is back");
    }
    assert_eq!(read_meant(&hub, &["a"], 1, 3), [Got::Gap(2, None)]);
    assert_eq!(read_meant(&hub, &["a", "d"], 2, 3), []);
}

#[test]
fn only_so_many_rooms_are_remembered_and_of_the_others_nobody_can_be_sure() {
    let limits =
        Limits { log_age: Duration::from_secs(1), rooms_max: 1 << 20, ..Limits::default() };
    let (hub, mut turn) = (hub(1, &limits), Turn::new(0));
    for number in 0..9000u64 {
        let room = hub.enter(&format!("room {number}")).unwrap();
        turn.left.push(room.key);
        let mut batch = publish::batch(&hub, &room, Audience::SUBSCRIBERS);
        Said::Text("{}".into()).push(&mut batch, &sender(&hub, "a", 1));
        turn.chunks.push(batch.seal());
    }
    hub.exchange(&mut turn);
    turn.now = at(2000);
    hub.exchange(&mut turn);
    assert_eq!(hub.holdings().rooms, 0);
    let rooms = |number: u64| Box::leak(format!("room {number}").into_boxed_str());
    // The first that are gone are forgotten: whoever begins among them may have missed any.
    assert_eq!(read_meant(&hub, &["other"], 1, 9000), [Got::Gap(9000, None)]);
    assert_eq!(read_meant(&hub, &["other"], 5000, 9000), []);
    assert_eq!(read_meant(&hub, &[rooms(7000)], 5000, 9000), [Got::Gap(9000, None)]);
    assert_eq!(read_meant(&hub, &[rooms(4000)], 5000, 9000), []);
}
