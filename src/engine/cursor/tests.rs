//! What readers get of the logs, however they write it: live, behind, and back.
//!
//! Knows: a real hub, cursors and deliveries as an engine uses them.
//! Must not know: connections, sockets.

mod reader;
mod stage;

use super::*;
use crate::hub::Audience;
use crate::limits::Limits;
use proptest::prelude::*;
use reader::{Recipient, Told};
use stage::{Batch, Stage, batch, taste};

/// Whose events a reader wants: of whom only, and not of whom.
fn filter() -> impl Strategy<Value = (Vec<usize>, Option<usize>)> {
    let speaker = 0..stage::SPEAKERS;
    prop_oneof![
        2 => Just((vec![], None)),
        2 => prop::collection::vec(speaker.clone(), 1..3).prop_map(|whos| (whos, None)),
        2 => speaker.prop_map(|except| (vec![], Some(except))),
    ]
}

fn making<'a>(
    charges: &'a mut Vec<(RoomKey, Sequence, usize)>,
    deflater: &'a mut Deflater,
) -> Making<'a> {
    Making { charges, deflater }
}

fn subscriber(format: Format) -> Reader {
    Reader { taste: Taste::subscriber(format), who: None }
}

/// Short messages are compressed, too.
fn deflater() -> Deflater {
    Deflater::new(16)
}

proptest! {
    #[test]
    fn what_is_wanted_is_what_a_walk_finds(
        batch in batch(),
        taste in taste(),
        (whos, except) in filter(),
        (from, to) in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let mut stage = Stage::new(&Limits::default());
        let chunk = stage.commit(&[batch]).pop().expect("one batch, one chunk");
        let format = taste.format;
        let is_theirs = chunk.audience().has(taste.class);
        if is_theirs {
            making(&mut vec![], &mut deflater()).make(&chunk, format);
        }
        let length = if is_theirs { chunk.bytes(format).len() } else { 0 };
        let (from, to) = (from.index(length + 1), to.index(length + 1));
        let whos: Vec<Who> = whos.iter().map(|speaker| stage.who(*speaker)).collect();
        let except = except.map(|speaker| stage.own(speaker));
        let walk = || (0..if is_theirs { chunk.index().len() } else { 0 }).map(|entry| {
            (chunk.index()[entry].who, chunk.span(format, entry))
        });
        let theirs = walk().filter(|(who, _)| {
            (whos.is_empty() || whos.contains(who)) && !stage.is_own(*who, except)
        });
        let within = theirs.flat_map(|(_, span)| span).filter(|at| (from..to).contains(at));
        let naive: Vec<usize> = within.collect();
        let ranges: Vec<_> = wanted(&chunk, taste, from..to, &whos, except).collect();
        prop_assert!(ranges.iter().all(|range| !range.is_empty()));
        prop_assert_eq!(ranges.into_iter().flatten().collect::<Vec<_>>(), naive);
        let naive = walk().map(|(_, span)| span).find(|span| span.start < from && from < span.end);
        if is_theirs {
            prop_assert_eq!(begun(&chunk, format, from), naive.map(|span| from..span.end));
        }
    }
}

#[test]
fn neighbouring_gaps_are_told_together() {
    let mut stage = Stage::new(&Limits { room_log_events_max: 2, ..Limits::default() });
    let say =
        |room| Batch { room, audience: Audience::SUBSCRIBERS, speakers: vec![0; 2], bytes: 0 };
    stage.commit(&[say(1), say(0), say(0), say(0)]);
    let mut lag = Lag { next: 1, ..Lag::default() };
    let mut pieces = VecDeque::new();
    let next =
        stage.hub.fetch(Cursor::wants(&lag, Class::Subscriber, None, (8, 8)), &mut pieces, 9);
    let log_bytes = stage.hub.holdings().log_bytes;
    assert!(
        lag.take(
            &mut pieces,
            next,
            subscriber(Format::Lines),
            &mut making(&mut vec![], &mut deflater())
        ) > 0,
        "nobody had it in this format"
    );
    assert_eq!(stage.hub.holdings().log_bytes, log_bytes, "reading does not make the log larger");
    let told = lag.hand.iter().map(|reading| match reading {
        Reading::Chunk(chunk, part) => (chunk.last(), None, part.start),
        Reading::Gap { last, missed } => (*last, *missed, 0),
    });
    assert_eq!(told.collect::<Vec<_>>(), [(2, None, 0), (6, Some(4), 0), (8, None, 0)]);
    assert_eq!(lag.next, 9);
    let gap = |(last, missed)| Piece::Gap { last, missed };
    pieces.extend([(9, Some(1)), (12, Some(3))].map(gap));
    lag.take(&mut pieces, 13, subscriber(Format::Lines), &mut making(&mut vec![], &mut deflater()));
    assert!(matches!(lag.hand.back(), Some(Reading::Gap { last: 12, missed: Some(4) })));
    pieces.extend([(15, None), (16, Some(1))].map(gap));
    lag.take(&mut pieces, 17, subscriber(Format::Lines), &mut making(&mut vec![], &mut deflater()));
    assert!(matches!(lag.hand.back(), Some(Reading::Gap { last: 16, missed: None })));
    // Whoever resumes in the middle of a chunk begins with its next event.
    let mut lag = Lag { next: 2, ..Lag::default() };
    let next =
        stage.hub.fetch(Cursor::wants(&lag, Class::Subscriber, None, (8, 8)), &mut pieces, 1);
    lag.take(
        &mut pieces,
        next,
        subscriber(Format::Lines),
        &mut making(&mut vec![], &mut deflater()),
    );
    let Some(Reading::Chunk(chunk, part)) = lag.hand.front() else { panic!("it is there") };
    assert_eq!(part.start, chunk.span(Format::Lines, 1).start);
    assert!(lag.begun(Format::Lines).is_none() && part.start > 0);
}

#[test]
fn a_stuck_reader_keeps_the_gap_that_it_would_not_find_again() {
    let mut stage = Stage::new(&Limits { room_log_events_max: 1, ..Limits::default() });
    let say = |room| Batch { room, audience: Audience::SUBSCRIBERS, speakers: vec![0], bytes: 0 };
    stage.commit(&[say(1), say(0), say(1), say(1)]);
    let rooms = [stage.rooms[0].key, stage.rooms[1].key];
    // It ends at 2, where room 1 has lost what is from 1 to 3.
    let read = |upto| {
        let mut lag = Lag { next: 1, ..Lag::default() };
        let mut pieces = VecDeque::new();
        let wanted = Cursor::wants(&lag, Class::Subscriber, Some(&rooms), (upto, 4));
        let next = stage.hub.fetch(wanted, &mut pieces, 9);
        lag.take(
            &mut pieces,
            next,
            subscriber(Format::Events),
            &mut making(&mut vec![], &mut deflater()),
        );
        lag.let_go();
        (lag.hand.len(), lag.next, matches!(lag.hand.back(), Some(Reading::Gap { last: 2, .. })))
    };
    assert_eq!(read(2), (2, 3, true));
    // Without an end the gap is behind the chunk, and found again from there.
    assert_eq!(read(4), (1, 3, false));
}

/// A turn: what is committed, and how much of what is offered leaves in each write.
type Turn = (Vec<Batch>, Vec<Option<prop::sample::Index>>);

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let portion = prop::option::weighted(0.5, any::<prop::sample::Index>());
    let turn = (prop::collection::vec(batch(), 0..4), prop::collection::vec(portion, 0..6));
    prop::collection::vec(turn, 1..12)
}

/// The rooms that a reader names, none for all.
fn rooms() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![Just(vec![]), Just(vec![0]), Just(vec![1]), Just(vec![3]), Just(vec![0, 2])]
}

/// More than is ever said here.
const EVERYTHING: usize = 1 << 30;

fn limits() -> impl Strategy<Value = Limits> {
    let events = prop_oneof![2 => Just(EVERYTHING), 1 => Just(40), 1 => Just(8)];
    events.prop_map(|events| Limits {
        room_log_events_max: events,
        room_log_bytes_max: EVERYTHING,
        node_log_bytes_max: EVERYTHING,
        ..Limits::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_reader_gets_what_it_wants_once_and_in_order(
        limits in limits(),
        taste in taste(),
        name in prop::option::of(0..stage::SPEAKERS),
        rooms in rooms(),
        (whos, except) in filter(),
        turns in turns(),
    ) {
        let mut stage = Stage::new(&limits);
        // As in an engine: only WebSockets have a name, and something of their own; they read a
        // room or two with what is for everybody, all of it, and are not told how much they miss.
        let is_stream = taste.class == Class::Subscriber;
        let mut rooms = rooms;
        let (mut name, mut except, mut whos) = (name, except, whos);
        if is_stream {
            (name, except) = (None, None);
        } else {
            whos.clear();
            rooms.retain(|room| *room != 3);
            rooms.push(3);
        }
        let who = Reader { taste, who: name.map(|name| stage.who(name)) };
        let mut reader = Recipient::new(&stage, who, &rooms, &whos, except);
        for (batches, portions) in turns {
            reader.turn(&mut stage, &batches);
            for portion in portions {
                reader.write(&mut stage, portion);
            }
            reader.write_all_or_fall_behind(&mut stage);
        }
        while !reader.is_up_to_date(&stage) {
            reader.turn(&mut stage, &[]);
            reader.write(&mut stage, None);
        }
        check(&stage, &reader);
    }
}

/// What `reader` was told is all that it wants of what was ever said; where something is missing,
/// it was told, and if it reads all of something, how much. Of several rooms, what one has lost is
/// told where its log begins, which may be behind events of the others.
fn check(stage: &Stage, reader: &Recipient) {
    let (mut wanted, mut lost) = (VecDeque::from(reader.wanted(stage)), Vec::new());
    let (mut has_fallen_off, mut last_told) = (false, 0);
    for told in &reader.told {
        match told {
            Told::Bytes(bytes) => {
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let (sequence, event) = wanted.pop_front().expect("nothing unasked");
                    if let Some(behind) = rest.strip_prefix(event.as_slice()) {
                        (rest, last_told) = (behind, sequence);
                    } else {
                        assert!(!reader.is_whole(), "{sequence} is missing");
                        lost.push(sequence);
                    }
                }
            }
            Told::Gap(last, missed) => {
                let skipped = wanted.partition_point(|(sequence, _)| sequence <= last);
                wanted.drain(..skipped);
                lost.retain(|lost| lost > last);
                let count = reader.is_whole().then_some(skipped as u64);
                // What nobody counted is among what is gone at the beginning of everything.
                let is_quiet =
                    |chunk: &Arc<Chunk>| !chunk.is_for(Class::Subscriber) && chunk.last() <= *last;
                let is_vague = missed.is_none() && reader.rooms.is_none();
                if !is_vague || !stage.all.iter().any(is_quiet) {
                    assert_eq!(*missed, count, "what can be known is told, and nothing else");
                }
            }
            Told::FellOff => {
                has_fallen_off = true;
                let rooms = reader.rooms.as_deref().expect("WebSockets read rooms");
                let gone = stage.gone(rooms, reader.who.taste.class);
                let is_lost = gone.iter().any(|chunk| chunk.last() > last_told);
                assert!(is_lost, "nothing of what was for it is gone: {reader:?}");
            }
        }
    }
    assert!(has_fallen_off || wanted.is_empty() && lost.is_empty(), "{lost:?}");
}
