//! What the engine allocates, counted: nothing for a frame, nothing for a subscriber, little for a
//! connection that is idle.
//!
//! Knows: how to count allocations; what DESIGN promises of them.
//! Must not know: how the engine keeps to it.
//!
//! Each test runs in a thread of its own and counts only what that thread does.

// An allocator cannot be written without it; the server's own code has none.
#![allow(unsafe_code)]

#[path = "../benches/micro/rig.rs"]
mod rig;

use rig::Rig;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use tidegate::auth::{
    Access, Algorithm, Asked, Door, Expected, Keyring, Mint, Order, Presented, Rights, Secret,
};
use tidegate::bytes::ConnKey;
use tidegate::engine::{Said, Space};
use tidegate::hub::{Api, EVERYONE, WhoKeys};
use tidegate::limits::Limits;
use tidegate::routes::{Keyword, Replies};
use tidegate::ws::frame::{Opcode, push_masked};

/// The system's allocator with a counter before it.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

fn count(allocations: usize, bytes: isize) {
    // A thread that ends may free things after its counters are gone.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + allocations));
    let _ = BYTES.try_with(|count| count.set(count.get() + bytes));
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as isize);
        // SAFETY: the caller keeps to the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(0, -(layout.size() as isize));
        // SAFETY: `place` came from `System` with this layout.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size as isize - layout.size() as isize);
        // SAFETY: `place` came from `System` with this layout, and the caller keeps to the rest.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations that `work` makes.
fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

const SENDERS: usize = 8;
const PER_SENDER: usize = 8;
/// Messages in a turn.
const PER_TURN: usize = SENDERS * PER_SENDER;
/// At least 10,000 messages.
const TURNS: usize = 10_000usize.div_ceil(PER_TURN);
/// Until logs are full and every list has the length that it keeps.
const WARM_UP: usize = 2000;
/// What may be allocated on top, once: lists that double.
const SLACK: usize = 16;

/// Senders that say the same thing each turn.
struct Senders {
    keys: Vec<ConnKey>,
    reads: Vec<Vec<u8>>,
    scratch: Vec<u8>,
}

impl Senders {
    fn new(rig: &mut Rig, path: &str, message: impl Fn(usize) -> Vec<u8>) -> Senders {
        let keys = (0..SENDERS).map(|_| rig.websocket(path)).collect();
        Senders::of(keys, message)
    }

    fn of(keys: Vec<ConnKey>, message: impl Fn(usize) -> Vec<u8>) -> Senders {
        let frames = |number| rig::text(&message(number)).repeat(PER_SENDER);
        Senders { keys, reads: (0..SENDERS).map(frames).collect(), scratch: Vec::new() }
    }

    fn turns(&mut self, rig: &mut Rig, turns: usize) {
        for _ in 0..turns {
            for (key, read) in self.keys.iter().zip(&self.reads) {
                self.scratch.clear();
                self.scratch.extend_from_slice(read);
                rig.receive(*key, &mut self.scratch);
            }
            rig.turn();
        }
    }

    /// Allocations of [`TURNS`] turns, and how many bytes each turn writes.
    fn measure(&mut self, rig: &mut Rig) -> (usize, usize) {
        self.turns(rig, WARM_UP);
        let taken = rig.taken;
        let count = allocations(|| self.turns(rig, TURNS));
        (count, (rig.taken - taken) / TURNS)
    }
}

fn relayed(number: usize) -> Vec<u8> {
    rig::message(&format!("{}", 1_700_000_000_000 + number), 128)
}

/// Allocations of a relay to `streams` event streams.
fn relay(streams: usize) -> usize {
    let mut rig = Rig::new(Limits::default());
    (0..streams).for_each(|_| _ = rig.stream());
    let (count, bytes) = Senders::new(&mut rig, "/", relayed).measure(&mut rig);
    assert_eq!(bytes, PER_TURN * streams * 160, "every message to every stream");
    count
}

#[test]
fn a_relayed_message_allocates_nothing_and_a_subscriber_neither() {
    let (few, many) = (relay(100), relay(1000));
    let messages = PER_TURN * TURNS;
    println!("relay: {few} allocations for {messages} messages to 100 streams, {many} to 1000");
    assert!(few <= messages / 10 + SLACK, "{few} allocations for {messages} messages");
    assert!(few.abs_diff(many) <= SLACK, "{few} to 100 streams, {many} to 1000");
}

/// Allocations of a broadcast to `members` members.
fn broadcast(members: usize) -> usize {
    let mut rig = Rig::new(Limits::default());
    (SENDERS..members).for_each(|_| _ = rig.websocket("/chat/a"));
    let mut senders = Senders::new(&mut rig, "/chat/a", |_| vec![b'x'; 128]);
    let (count, bytes) = senders.measure(&mut rig);
    // Nobody gets its own back.
    assert_eq!(bytes, (PER_TURN * members - PER_TURN) * 132);
    count
}

#[test]
fn a_broadcast_message_allocates_nothing_and_a_member_neither() {
    let (few, many) = (broadcast(100), broadcast(1000));
    let messages = PER_TURN * TURNS;
    println!("broadcast: {few} allocations for {messages} messages to 100 members, {many} to 1000");
    assert!(many <= messages / 10 + SLACK, "{many} allocations for {messages} messages");
    assert!(few.abs_diff(many) <= SLACK, "{few} to 100 members, {many} to 1000");
}

/// Allocations of members that speak to a room that all have joined.
fn joined(members: usize) -> usize {
    let mut rig = Rig::new(Limits::default());
    (SENDERS..members).for_each(|_| _ = rig.joined("a"));
    let keys = (0..SENDERS).map(|_| rig.joined("a")).collect();
    let said = format!("{{\"to\":\"a\",\"message\":\"{}\"}}", "x".repeat(128 - 23));
    assert_eq!(said.len(), 128);
    let mut senders = Senders::of(keys, |_| said.clone().into_bytes());
    let (count, bytes) = senders.measure(&mut rig);
    assert_eq!(bytes, (PER_TURN * members - PER_TURN) * 132, "all but the sender");
    count
}

#[test]
fn what_is_said_to_a_room_that_was_joined_allocates_nothing_for_its_members() {
    let (few, many) = (joined(100), joined(1000));
    let messages = PER_TURN * TURNS;
    println!("joined: {few} allocations for {messages} messages to 100 members, {many} to 1000");
    assert!(few.abs_diff(many) <= SLACK, "{few} to 100 members, {many} to 1000");
}

/// What each room beside its home may cost a member that is idle.
const JOINED_BYTES_MAX: isize = 200;

#[test]
fn a_room_that_was_joined_costs_an_idle_member_little() {
    let home = idle_bytes(|rig, _| _ = rig.websocket("/talk/home"));
    let joined = idle_bytes(|rig, _| _ = rig.joined("a"));
    println!("an idle member of two rooms: {joined} bytes, of one: {home}");
    assert!(joined - home <= JOINED_BYTES_MAX, "{} bytes for the second", joined - home);
}

const REQUESTS: usize = 500;

/// Allocations of [`REQUESTS`] requests of the API that publish to `readers` WebSockets.
fn publish(path: &str, to: &str, readers: usize, join: impl Fn(&mut Rig)) -> usize {
    // A log that is full soon.
    let mut rig = Rig::new(Limits { room_log_bytes_max: 64 * 1024, ..Limits::default() });
    (0..readers).for_each(|_| join(&mut rig));
    let client = rig.client();
    let request = rig::post(path, &format!("{{{to}\"text\":\"{}\"}}", "x".repeat(128)));
    let mut scratch = request.clone();
    let mut requests = |rig: &mut Rig, count: usize| {
        for _ in 0..count {
            scratch.copy_from_slice(&request);
            rig.receive(client, &mut scratch);
            rig.turn();
        }
    };
    requests(&mut rig, 2 * REQUESTS);
    let taken = rig.taken;
    let count = allocations(|| requests(&mut rig, REQUESTS));
    let answer = (rig.taken - taken) / REQUESTS - readers * 132;
    assert!((200..500).contains(&answer), "everyone has every message: {answer} bytes are left");
    count
}

#[test]
fn what_the_api_publishes_allocates_nothing_for_a_websocket_that_gets_it() {
    type Join = fn(&mut Rig);
    let room = "/api/rooms/a/messages";
    let cases: [(&str, &str, &str, Join); 3] = [
        ("members", room, "", |rig| _ = rig.websocket("/chat/a")),
        ("listeners", room, "", |rig| _ = rig.websocket("/ws/a")),
        ("everyone", "/api/messages", "\"to\":\"all\",", |rig| _ = rig.websocket("/echo")),
    ];
    for (who, path, to, join) in cases {
        let (few, many) = (publish(path, to, 10, join), publish(path, to, 200, join));
        println!("API: {few} allocations for {REQUESTS} messages to 10 {who}, {many} to 200");
        assert!(few.abs_diff(many) <= SLACK, "{few} to 10 {who}, {many} to 200");
    }
}

/// Allocations for events that the API publishes to everybody, of whom a few are left out.
fn to_everyone(listeners: usize) -> usize {
    let mut rig = Rig::new(Limits::default());
    (0..listeners).for_each(|number| _ = rig.websocket(&format!("/?connectionId={number}")));
    let keys = WhoKeys::new(rig::SEED[1], rig::SEED[2]);
    let names = ["1", "2", "3"].map(|name| keys.who(name));
    let mut turns = |turns: usize| {
        for _ in 0..turns {
            let api = Api { ticket: 0, except: names.into() };
            assert!(rig.engine.publish(EVERYONE, Said::Text("to everybody"), api));
            rig.turn();
        }
        rig.taken
    };
    let taken = turns(WARM_UP);
    let (mut bytes, each) = (0, "to everybody".len() + 2);
    let count = allocations(|| bytes = turns(TURNS) - taken);
    assert_eq!(bytes, TURNS * (listeners - names.len()) * each, "all but those get it");
    count
}

#[test]
fn what_the_api_says_allocates_for_itself_and_not_for_who_gets_it() {
    let (few, many) = (to_everyone(100), to_everyone(1000));
    println!("to all: {few} allocations for {TURNS} events to 100 listeners, {many} to 1000");
    assert!(few.abs_diff(many) <= SLACK, "{few} to 100 listeners, {many} to 1000");
}

#[test]
fn an_echo_allocates_nothing_at_all() {
    for bytes in [16, 1024] {
        let mut rig = Rig::new(Limits::default());
        let mut senders = Senders::new(&mut rig, "/echo", |_| vec![b'x'; bytes]);
        let (count, _) = senders.measure(&mut rig);
        assert_eq!(count, 0, "{} echoes of {bytes} bytes", PER_TURN * TURNS);
    }
}

/// The bytes that each connection costs the engine and the hub while it is idle, from the 10,000th
/// to the 20,000th: between them every list that doubles has doubled once.
fn idle_bytes(connect: impl Fn(&mut Rig, usize)) -> isize {
    idle_bytes_with(Access::default(), "", connect)
}

/// The same where a credential is asked for, such as `fields` have.
fn idle_bytes_with(access: Access, fields: &str, connect: impl Fn(&mut Rig, usize)) -> isize {
    const FROM: usize = 10_000;
    // The log is not the connections': a small one, full of what they, too, will publish.
    let limits = Limits { room_log_bytes_max: 64 * 1024, ..Limits::default() };
    let mut rig = Rig::with(limits, access);
    let talker = rig.websocket_with("/", fields);
    for _ in 0..1000 {
        rig.receive(talker, &mut rig::text(b"{\"connectionId\":\"1600000000000\"}"));
        rig.turn();
    }
    (0..FROM).for_each(|number| connect(&mut rig, number));
    rig.turn();
    let before = BYTES.get();
    (FROM..2 * FROM).for_each(|number| connect(&mut rig, number));
    rig.turn();
    assert_eq!(rig.engine.connections(), 2 * FROM + 1);
    (BYTES.get() - before) / FROM as isize
}

const IDLE_BYTES_MAX: isize = 600;

#[test]
fn an_idle_websocket_is_small() {
    let registered = idle_bytes(|rig, number| {
        let id = 1_700_000_000_000 + number;
        rig.websocket(&format!("/?connectionId={id}"));
    });
    println!("an idle WebSocket with a name: {registered} bytes");
    assert!(registered <= IDLE_BYTES_MAX, "{registered} bytes for each");
}

/// Each by a token of its own, with a subject and an end.
#[test]
fn an_idle_websocket_that_came_by_a_token_is_small() {
    let secret = Secret::new(vec![7; 32]);
    let mint = Mint::of_secret(Algorithm::HS256, &secret).expect("it is long enough");
    let mut keyring = Keyring::default();
    keyring
        .add_hmac("app", Algorithm::HS256, None, Expected::default(), &secret, Rights::usual())
        .expect("it is long enough");
    let access = Access { keyring, ..Access::default() };
    let fields = |number: usize| {
        let token = mint.token(&Order {
            subject: Some(format!("user-{number:08}")),
            token_id: Some(format!("4c9184f37cff01bcdc32dc486ec36961-{number}")),
            issued: Some(1_700_000_000),
            expires: Some(1_700_003_600),
            ..Order::default()
        });
        format!("Authorization: Bearer {}\r\n", token.expect("it signs"))
    };
    let registered = idle_bytes_with(access, &fields(0), |rig, number| {
        let id = 1_700_000_000_000 + number;
        rig.websocket_with(&format!("/?connectionId={id}"), &fields(number));
    });
    println!("an idle WebSocket with a name, by a token: {registered} bytes");
    assert!(registered <= IDLE_BYTES_MAX, "{registered} bytes for each");
}

#[test]
fn an_idle_member_is_small() {
    let member = idle_bytes(|rig, _| _ = rig.websocket("/chat/a"));
    println!("an idle member of a room: {member} bytes");
    assert!(member <= IDLE_BYTES_MAX, "{member} bytes for each");
}

#[test]
fn an_idle_event_stream_is_small() {
    let stream = idle_bytes(|rig, _| _ = rig.stream());
    println!("an idle event stream: {stream} bytes");
    assert!(stream <= IDLE_BYTES_MAX, "{stream} bytes for each");
}

/// What a connection keeps of its token: a grant of the key's own rights is this and its subject.
const GRANT_BYTES_MAX: isize = 64;

#[test]
fn what_is_kept_of_a_token_is_small() {
    const GRANTS: usize = 1000;
    let secret = Secret::new(vec![b'x'; 32]);
    let (mut ring, expected, rights) = (Keyring::default(), Expected::default(), Rights::usual());
    ring.add_hmac("key", Algorithm::HS256, None, expected, &secret, rights).unwrap();
    let mint = Mint::of_secret(Algorithm::HS256, &secret).unwrap();
    let mut kept = Vec::with_capacity(GRANTS);
    let mut bytes = |rights: Option<Asked>| {
        let subject = "9f8b7c6d-0000-4000-8000-123456789abc";
        let order = Order {
            subject: Some(subject.to_owned()),
            token_id: Some("1b2c3d4e-0000-4000-8000-123456789abc".to_owned()),
            issued: Some(1),
            expires: Some(2),
            rights,
            ..Order::default()
        };
        let token = mint.token(&order).unwrap();
        kept.clear();
        let before = BYTES.get();
        for _ in 0..GRANTS {
            let grant = ring.verify(Presented::Bearer(&token), &Door::default(), 1999).unwrap();
            kept.push(Arc::new(grant));
        }
        (BYTES.get() - before) / GRANTS as isize - subject.len() as isize
    };
    let plain = bytes(None);
    let asked = Asked { connect: true, subscribe: vec!["acme.*".to_owned()], ..Asked::default() };
    println!(
        "a grant: {plain} bytes and its subject; with rights of its own: {}",
        bytes(Some(asked))
    );
    assert!(plain <= GRANT_BYTES_MAX, "{plain} bytes");
}

/// The header of a masked frame that announces `length` bytes.
fn header(first: u8, length: u64) -> Vec<u8> {
    let mut header = vec![first, 0xff];
    header.extend_from_slice(&length.to_be_bytes());
    header.extend_from_slice(&[1, 2, 3, 4]);
    header
}

/// What is announced is not believed: of 16 MiB nothing is held but what came.
#[test]
fn a_frame_that_has_only_begun_is_small() {
    const SOCKETS: usize = 5000;
    const BYTES_MAX: isize = 8 * 1024;
    let limits = Limits { message_bytes_max: 16 << 20, ..Limits::default() };
    let mut rig = Rig::new(limits);
    let keys: Vec<ConnKey> = (0..SOCKETS).map(|_| rig.websocket("/echo")).collect();
    let before = BYTES.get();
    for key in &keys {
        rig.receive(*key, &mut [&header(0x82, 16 << 20)[..], b"x"].concat());
        // The reactor asks where to read the rest to.
        assert!(matches!(rig.engine.space(*key), Space::Own(_)));
    }
    rig.turn();
    let each = (BYTES.get() - before) / SOCKETS as isize;
    println!("a frame that has only begun: {each} bytes");
    assert!(each < BYTES_MAX, "{each} bytes for each");
}

/// However many fragments it has, a message is one buffer, and the buffer is not larger than what
/// came but for the doubling.
#[test]
fn fragments_are_one_buffer() {
    const FRAGMENTS: usize = 131_000;
    const MESSAGE_MAX: usize = 256 * 1024;
    for payload in [&b"x"[..], b""] {
        let limits =
            Limits { fragments_max: 200_000, message_bytes_max: MESSAGE_MAX, ..Limits::default() };
        let mut rig = Rig::new(limits);
        let key = rig.websocket("/echo");
        let mut input = Vec::new();
        push_masked(&mut input, false, Opcode::Binary, [1, 2, 3, 4], payload);
        for _ in 1..FRAGMENTS {
            push_masked(&mut input, false, Opcode::Continuation, [1, 2, 3, 4], payload);
        }
        let (before, mut most) = (BYTES.get(), 0);
        let count = allocations(|| {
            for piece in input.chunks_mut(10_000) {
                rig.receive(key, piece);
                rig.turn();
                most = most.max(BYTES.get() - before);
            }
        });
        println!("{FRAGMENTS} fragments: {most} bytes, {count} allocations");
        assert!(most <= (MESSAGE_MAX + 4096) as isize, "{most} bytes");
        assert!(count <= 32, "{count} allocations");
    }
}

#[test]
fn unsolicited_pongs_allocate_nothing() {
    let mut rig = Rig::new(Limits::default());
    let key = rig.websocket("/echo");
    let mut pongs = Vec::new();
    (0..100).for_each(|_| push_masked(&mut pongs, true, Opcode::Pong, [1, 2, 3, 4], &[7; 125]));
    let mut scratch = pongs.clone();
    rig.receive(key, &mut scratch);
    rig.turn();
    let (before, taken) = (BYTES.get(), rig.taken);
    let count = allocations(|| {
        for _ in 0..1000 {
            scratch.copy_from_slice(&pongs);
            rig.receive(key, &mut scratch);
            rig.turn();
        }
    });
    assert_eq!((count, BYTES.get() - before, rig.taken - taken), (0, 0, 0));
}

#[test]
fn a_message_makes_none_of_a_thousand_keywords_ready_again() {
    let table = (0..1000).map(|n| (Keyword::from(&*format!("Keyword {n}")), n.to_string()));
    let mut replies = Replies { table: table.collect(), ..Replies::default() };
    let message = "KEYWORD nine ".repeat(100) + "kEYWORD 700, keyword 70.";
    assert_eq!(allocations(|| assert_eq!(replies.answer(message.as_bytes()), None)), 0);
    replies.ignore_case = true;
    // The message without case, as its text grows.
    let count = allocations(|| assert_eq!(replies.answer(message.as_bytes()), Some("700")));
    assert!(count <= SLACK, "{count} allocations");
}
