//! Every format of a chunk can be read back, and says what was said.
//!
//! Knows: event streams, lines, frames, as their readers read them.
//! Must not know: how they are written.

use super::*;
use crate::hub::tests::whatwg::Dispatched;
use crate::ws::deflate::{Deflater, Inflater};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::mem;

/// What was said in a chunk, and by whom.
pub(super) type Spoken = Vec<(Said, Sender)>;

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What `format=full` shows of an event.
fn full(chunk: &Chunk, place: usize, format: Format, (said, sender): &(Said, Sender)) -> Value {
    let kind = match said.what() {
        What::Text => "message",
        What::Binary => "binary",
        What::Close => "close",
        What::Join => "join",
        What::Leave => "leave",
    };
    let (data, _) = said.data(sender);
    let is_api = said.audience() == Audience::ALL;
    json!({
        "id": id(chunk, place, format),
        "room": chunk.room_name(),
        "connectionId": (!is_api).then(|| sender.id.to_string()),
        "session": (!is_api).then_some(sender.session),
        "type": kind,
        "at": chunk.at().unix_ms,
        "data": data,
    })
}

fn id(chunk: &Chunk, place: usize, format: Format) -> String {
    let at = chunk.first() + place as u64;
    let id =
        if format.is_sealed() { chunk.epoch.sealed_id(at) } else { Epoch::new(EPOCH_SEED).id(at) };
    String::from_utf8(id.to_vec()).expect("ids are ASCII")
}

/// Checks that `chunk` says what was `spoken` in `format`; gives what that newly cost.
pub(super) fn check(chunk: &Chunk, spoken: &Spoken, format: Format) -> usize {
    let deflater = &mut Deflater::new(64);
    let (bytes, cost) = chunk.encoded(format, deflater);
    let tally = deflater.tally;
    assert_eq!(chunk.encoded(format, deflater), (bytes, 0), "it is made once");
    assert_eq!(deflater.tally, tally, "and compressed once");
    check_places(chunk, bytes, format);
    match format.opened() {
        Format::Events => check_events(chunk, format, bytes, spoken),
        Format::FullEvents => check_full_events(chunk, format, bytes, spoken),
        Format::Lines => check_lines(chunk, format, bytes, spoken),
        _ => check_frames(bytes, spoken, format == Format::DeflatedFrames),
    }
    cost
}

fn check_events(chunk: &Chunk, format: Format, bytes: &[u8], spoken: &Spoken) {
    let events = whatwg::read(bytes).events;
    assert_eq!(events.len(), spoken.len(), "{}", String::from_utf8_lossy(bytes));
    for (place, (event, (said, sender))) in events.iter().zip(spoken).enumerate() {
        let Dispatched { kind, data, last_event_id } = event;
        let (expected, exact) = said.data(sender);
        assert_eq!(*kind, said.kind());
        assert_eq!(value(data), expected);
        assert!(exact.is_none_or(|exact| exact == *data), "{data:?}");
        assert_eq!(*last_event_id, id(chunk, place, format));
    }
}

fn check_full_events(chunk: &Chunk, format: Format, bytes: &[u8], spoken: &Spoken) {
    let events = whatwg::read(bytes).events;
    assert_eq!(events.len(), spoken.len());
    for (place, (event, said)) in events.iter().zip(spoken).enumerate() {
        assert_eq!(event.kind, "message");
        assert_eq!(value(&event.data), full(chunk, place, format, said));
        assert_eq!(event.last_event_id, id(chunk, place, format));
    }
}

fn check_lines(chunk: &Chunk, format: Format, bytes: &[u8], spoken: &Spoken) {
    assert!(bytes.ends_with(b"\n"));
    let text = str::from_utf8(bytes).expect("lines are text");
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    assert_eq!(lines.len(), spoken.len());
    for (place, (line, said)) in lines.iter().zip(spoken).enumerate() {
        assert_eq!(value(line), full(chunk, place, format, said));
    }
}

/// RFC 6455 §5.2, read as a client does: no mask, no fragments.
fn check_frames(bytes: &[u8], spoken: &Spoken, may_deflate: bool) {
    let mut rest = bytes.iter().copied();
    let mut byte = || rest.next().expect("a whole frame");
    for (said, sender) in spoken {
        let (opcode, payload) = said.frame(sender).expect("members are its audience");
        let first = byte();
        let is_deflated = first & 0x40 != 0;
        assert!(may_deflate || !is_deflated);
        assert_eq!(first & !0x40, 0x80 | opcode);
        let length = match byte() {
            126 => u64::from(byte()) << 8 | u64::from(byte()),
            127 => (0..8).fold(0, |length, _| length << 8 | u64::from(byte())),
            length => u64::from(length),
        };
        let mut read: Vec<u8> = (0..length).map(|_| byte()).collect();
        if is_deflated {
            let deflated = mem::take(&mut read);
            assert!(deflated.len() < payload.len());
            let inflated = Inflater::default().inflate(&deflated, false, payload.len(), &mut read);
            assert_eq!(inflated, Ok(()));
        }
        assert_eq!(read, payload);
    }
    assert_eq!(rest.len(), 0);
}

/// Spans lie side by side, and [`Chunk::entry_at`] agrees with a walk over them.
fn check_places(chunk: &Chunk, bytes: &[u8], format: Format) {
    let mut end = 0;
    for entry in 0..chunk.index().len() {
        let span = chunk.span(format, entry);
        assert_eq!(span.start, end);
        for offset in span.clone().step_by(1 + span.len() / 50).chain([span.end - 1]) {
            assert_eq!(chunk.entry_at(format, offset), (entry, offset - span.start));
        }
        end = span.end;
    }
    assert_eq!(end, bytes.len());
    assert_eq!(chunk.entry_at(format, end), (chunk.index().len(), 0));
}

/// A chunk of its own that says `spoken`.
fn chunk(spoken: &Spoken) -> Arc<Chunk> {
    let (hub, mut turn) = (hub(1, &Limits::default()), Turn::new(0));
    let room = hub.enter("grød \"room\" \u{2028}").expect("the first room");
    let mut batch = publish::batch(&hub, &room, spoken[0].0.audience());
    for (said, sender) in spoken {
        said.push(&mut batch, sender);
    }
    turn.chunks.push(batch.seal());
    turn.everything = true;
    turn.now = at(1_234_567);
    hub.exchange(&mut turn);
    turn.inbox.pop().expect("it is followed")
}

fn check_all(spoken: Spoken) {
    let chunk = chunk(&spoken);
    for format in Format::ALL.into_iter().filter(|format| !format.is_frames()) {
        check(&chunk, &spoken, format);
    }
    if chunk.audience().has_frames() {
        check(&chunk, &spoken, Format::Frames);
        check(&chunk, &spoken, Format::DeflatedFrames);
    }
}

#[test]
fn relayed_json_stays_one_line() {
    let hub = hub(1, &Limits::default());
    let texts = [
        "{}",
        "{\r\n\"connectionId\":\"a\"\n}",
        "\r\n{\"a\"\r:\n[1,\r\n2]}\r\n",
        "{\"a\":\"\\r\\n\u{2028}\u{85}\u{feff}\"}",
        "{\"data: x\":\": y\",\"id: 7\":\"event: z\"}",
    ];
    let say = |text: &&str| (Said::Text(text.to_string()), sender(&hub, "a", 1));
    check_all(texts.iter().map(say).collect());
    check_all(vec![(
        Said::Text(format!("{{\"a\":\"{}\"}}", "x".repeat(70_000))),
        sender(&hub, "a", 1),
    )]);
}

#[test]
fn chat_that_speaks_for_itself_is_shown_as_it_is() {
    let hub = hub(1, &Limits::default());
    let objects = [
        "{}",
        "{\"message\":\"hi\"}",
        "{\"connectionId\":\"a\",\"n\":1}",
        "{\"connection\\u0049d\":\"\\u0061\"}",
        "{\"x\":{\"close\":1,\"connectionId\":\"b\"}}",
        "{\r\n\"closed\": true}\n",
    ];
    let wrapped = [
        "",
        "hi",
        "two\r\nlines",
        "[1]",
        "7",
        "{\"connectionId\":\"b\"}",
        "{\"connectionId\":7}",
        "{\"connectionId\":\"a\",\"connectionId\":\"a\"}",
        "{\"\\u0063onnectionId\":\"b\"}",
        "{\"close\":{\"connectionId\":\"a\"}}",
        "{\"clos\\u0065\":1}",
        "{\"connectionId\":\"\\ud800\"}",
        "{} {}",
        "\u{feff}{}",
        "\"quoted\" \\ \u{7f}\u{0}\u{1b}",
    ];
    let object = |text: &str| (Said::ChatObject(text.into()), sender(&hub, "a", 1));
    let wrap = |text: &str| (Said::Chat(text.into()), sender(&hub, "a", 1));
    check_all(objects.into_iter().map(object).chain(wrapped.into_iter().map(wrap)).collect());
}

#[test]
fn the_api_has_no_name_and_may_speak_in_any() {
    let objects = ["{}", "{\"a\":\r\n1}", "{\"connectionId\":\"anybody\",\"n\":{\"close\":1}}"];
    let wrapped = [
        "",
        "two\r\nlines",
        "[1]",
        "{\"close\":{}}",
        "{\"connectionId\":\"a\",\"connectionId\":\"b\"}",
        "{\"connectionId\":7}",
    ];
    let says = |said: Said| vec![(said, Sender::API)];
    objects.iter().for_each(|text| check_all(says(Said::ApiObject(text.to_string()))));
    wrapped.iter().for_each(|text| check_all(says(Said::Api(text.to_string()))));
    [0, 1, 70_000].iter().for_each(|size| check_all(says(Said::ApiBinary(vec![7; *size]))));
}

#[test]
fn whoever_sends_is_named_as_they_are() {
    let uuid = ConnectionId::from_random(0xf00d << 64 | 7);
    let names = ["a", "grød \"quoted\"", "\\", "🫐", "a: b"];
    let ids = names.map(|name| ConnectionId::Name(name.into())).into_iter().chain([uuid]);
    let senders = ids.zip(1..).map(|(id, session)| Sender { id, who: Who(session), session });
    let say = |sender: Sender| {
        let close = Said::Close(1006, "\"lost\"\r\n".into());
        [(Said::Binary(vec![0, 255, 7, 9]), sender.clone()), (close, sender)]
    };
    check_all(senders.clone().flat_map(say).collect());
    let come = |sender: Sender| [(Said::Join, sender.clone()), (Said::Leave, sender)];
    check_all(senders.clone().flat_map(come).collect());
    let chat = |sender: Sender| {
        let sizes = [0, 1, 2, 3, 125, 126, 65535, 65536];
        sizes.map(|size| (Said::ChatBinary(vec![7; size]), sender.clone()))
    };
    check_all(senders.flat_map(chat).collect());
}

proptest! {
    #[test]
    fn any_chat_can_be_read_back(texts in prop::collection::vec("[\\PC\r\n\t]{0,30}", 1..6)) {
        let hub = hub(1, &Limits::default());
        let say = |text: String| (Said::Chat(text), sender(&hub, "a", 1));
        // What may be an object is in the table above.
        let texts = texts.into_iter().filter(|text| !text.trim_start().starts_with('{'));
        let spoken: Spoken = texts.map(say).collect();
        prop_assume!(!spoken.is_empty());
        check_all(spoken);
    }
}
