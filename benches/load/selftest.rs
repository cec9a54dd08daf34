//! Does the checker see what it is for? Streams as a server would send them, with one fault each.
//!
//! Knows: the checker, framing, which fault must be counted how.
//! Must not know: sockets, time.

use crate::books::{Books, Seat};
use crate::check::{Audience, Checker, Faults};
use crate::message::{Batch, Dress, Form, Layout, decode, encode};
use crate::wire::{self, Inbound, Item};

const SENDERS: usize = 3;
const RECEIVERS: usize = 2;
const EACH: u64 = 50;

/// A change to one receiver's list of messages.
type Harm = fn(&mut Vec<Vec<u8>>);

/// What is done, and the counts that must come of it.
fn cases() -> Vec<(&'static str, Harm, Faults)> {
    let none = Faults::default;
    vec![
        ("nothing", |_| {}, none()),
        ("one lost", |list| drop(list.remove(20)), Faults { lost: 1, ..none() }),
        ("the last lost", |list| drop(list.pop()), Faults { lost: 1, ..none() }),
        ("all of the end lost", |list| list.truncate(90), Faults { lost: 60, ..none() }),
        ("three in a row lost", |list| drop(list.drain(30..33)), Faults { lost: 3, ..none() }),
        ("one doubled", |list| list.insert(21, list[20].clone()), Faults { doubled: 1, ..none() }),
        ("one doubled later", |list| list.push(list[7].clone()), Faults { doubled: 1, ..none() }),
        ("two of one sender swapped", |list| list.swap(30, 33), Faults { late: 1, ..none() }),
        ("two senders swapped", |list| list.swap(30, 31), Faults { disordered: 1, ..none() }),
        (
            "one bit of the padding",
            |list| list[40][100] ^= 1,
            Faults { damaged: 1, lost: 1, ..none() },
        ),
        ("one bit of the id", |list| list[40][20] ^= 1, Faults { damaged: 1, lost: 1, ..none() }),
        (
            "one bit of the last byte",
            |list| list[40][127] ^= 1,
            Faults { damaged: 1, lost: 1, ..none() },
        ),
        (
            "one byte too few",
            |list| list[40].truncate(127),
            Faults { damaged: 1, lost: 1, ..none() },
        ),
        ("one byte too many", |list| list[40].push(b'x'), Faults { damaged: 1, lost: 1, ..none() }),
        (
            "another sender's name",
            |list| list[40][31] = b'9',
            Faults { damaged: 1, lost: 1, ..none() },
        ),
        (
            "a stranger's message",
            |list| list.push(b"{\"x\":1}".to_vec()),
            Faults { damaged: 1, ..none() },
        ),
    ]
}

/// Runs all cases, in both framings; the errors in words.
pub(crate) fn run() -> Vec<String> {
    let mut errors = Vec::new();
    for kind in [Inbound::Events { size: 128 }, Inbound::Frames] {
        for (name, harm, expected) in cases() {
            let found = Faults { notes: Vec::new(), ..receive(kind, harm) };
            let told = format!("{name:<26} {kind:?}: {found}");
            println!("{told}");
            if found != expected {
                errors.push(format!("{told}, but it should be: {expected}"));
            }
        }
    }
    errors.extend(rooms());
    errors.extend(digits());
    errors.extend(batches());
    errors
}

/// Two receivers get the same, but for the harm that the second one suffers.
fn receive(kind: Inbound, harm: Harm) -> Faults {
    let layout = Layout::new(Form::Json, 128, 7);
    let mut checker = Checker::new(layout.clone(), Audience::All, 0..SENDERS, RECEIVERS);
    let clean: Vec<_> =
        (0..EACH).flat_map(|number| (0..SENDERS).map(move |sender| (sender, number))).collect();
    for receiver in 0..RECEIVERS {
        let mut list: Vec<_> =
            clean.iter().map(|&(sender, number)| message(&layout, sender, number)).collect();
        if receiver == 1 {
            harm(&mut list);
        }
        feed(&mut checker, kind, receiver, &list);
    }
    checker.finish(&[EACH; SENDERS]);
    checker.faults
}

fn message(layout: &Layout, sender: usize, number: u64) -> Vec<u8> {
    let mut batch = Batch::new(layout, Dress::Raw, sender, 1);
    batch.fill(number, 1, |_| 12345);
    batch.pending()[..layout.size()].to_vec()
}

/// Through the decoder, in pieces of odd length, with the small change of a stream in between.
fn feed(checker: &mut Checker, kind: Inbound, receiver: usize, list: &[Vec<u8>]) {
    let mut bytes = Vec::new();
    if kind != Inbound::Frames {
        bytes.extend_from_slice(b"retry: 1234\nid: 0123456789abcdefghi\n\n");
    }
    for message in list {
        match kind {
            Inbound::Frames if message.len() > 125 => {
                bytes.extend([0x81, 126, 0, message.len() as u8])
            }
            Inbound::Frames => bytes.extend([0x81, message.len() as u8]),
            _ => bytes.extend_from_slice(b":\nid: 0123456789abcdefghi\ndata: "),
        }
        bytes.extend_from_slice(message);
        if kind != Inbound::Frames {
            bytes.extend_from_slice(b"\n\n");
        }
    }
    let (mut start, mut end) = (0, 0);
    while end < bytes.len() {
        end = bytes.len().min(end + 61);
        while let Ok(Some((item, used))) = wire::decode(kind, &bytes[start..end]) {
            start += used;
            if let Item::Message(message) = item {
                checker.receive(receiver, message);
            }
        }
    }
}

/// Two rooms with books of their own: whoever says something in one is a stranger in the other.
fn rooms() -> Vec<String> {
    let layout = Layout::new(Form::Json, 128, 7);
    let checker = |room| {
        let named = room * SENDERS..(room + 1) * SENDERS;
        Checker::new(layout.clone(), Audience::All, named, RECEIVERS)
    };
    let mut books = Books::new((0..2).map(checker).collect(), SENDERS, true);
    for room in 0..2 {
        for number in 0..RECEIVERS {
            for sender in room * SENDERS..(room + 1) * SENDERS {
                let message = message(&layout, sender, 0);
                books.enter(Some(Seat { room, number }), Item::Message(&message), 0);
            }
        }
    }
    let mut moved = Vec::new();
    books.take_moved(&mut moved);
    let mut errors = Vec::new();
    if moved != [0, 1, 2, 3, 4, 5] || books.settled(5) != 1 || books.delivered() != 12 {
        errors.push(format!("all have everything, but moved are {moved:?}"));
    }
    let stray = message(&layout, 1, 1);
    books.enter(Some(Seat { room: 1, number: 0 }), Item::Message(&stray), 0);
    let faults = books.finish(&[1, 1, 1, 1, 2, 1]);
    println!("{:<26} two rooms: {faults}", "another room's message");
    let lost = RECEIVERS as u64;
    if faults != (Faults { damaged: 1, lost, notes: faults.notes.clone(), ..Faults::default() }) {
        errors.push(format!("one message strayed, one never came, and this is told: {faults}"));
    }
    if !faults.notes.iter().all(|note| note.starts_with("room 1, ")) {
        errors.push(format!("notes do not name the room: {:?}", faults.notes));
    }
    errors
}

fn digits() -> Vec<String> {
    let values = (0..40).map(|bit| 1_u64 << bit).chain([0, (1 << 40) - 1, 0x12_3456_789A]);
    let wrong = values.filter(|&value| decode(u64::from_be_bytes(encode(value))) != Some(value));
    let mut errors: Vec<_> =
        wrong.map(|value| format!("{value:#x} is not read as it is written")).collect();
    for bad in [*b"0000/000", *b"000000P0", *b"\xFF0000000", *b"0000000 "] {
        if decode(u64::from_be_bytes(bad)).is_some() {
            errors.push(format!("{bad:?} is taken for digits"));
        }
    }
    errors
}

/// Frames from the batch, unmasked by the book, are the message.
fn batches() -> Vec<String> {
    let layout = Layout::new(Form::Json, 128, 7);
    let mut batch = Batch::new(&layout, Dress::Frames, 2, 3);
    batch.fill(40, 3, |_| 12345);
    let frames: Vec<_> = batch.pending().chunks(batch.pending().len() / 3).collect();
    let unmasked = frames.iter().map(|frame| {
        let (mask, payload) = frame[4..].split_at(4);
        payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect::<Vec<u8>>()
    });
    let wrong = unmasked.zip(40..).filter(|(found, number)| *found != message(&layout, 2, *number));
    wrong.map(|(_, number)| format!("frame {number} is not the message")).collect()
}
