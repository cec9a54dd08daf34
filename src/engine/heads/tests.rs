//! Heads that do not end, and everybody else.
//!
//! Knows: the engine's face, what is counted.
//! Must not know: sockets.

use super::*;
use crate::auth::{Access, Door, Forward, Rights, Verdict, Vetted};
use crate::engine::panics::{Trap, tests::set};
use crate::engine::tests::core::{Core, HTTP, WS, handshake};
use crate::engine::{Letter, Policy};
use crate::routes::Table;
use proptest::prelude::*;
use std::sync::Arc;

const KIB: usize = 1024;
const HELLO: &[u8] = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A core that may keep so much of unfinished heads.
fn core(bytes_max: usize) -> Core {
    let limits = Limits {
        head_bytes_max: KIB,
        node_heads_bytes_max: bytes_max,
        connections_max: 100_000,
        ..Limits::default()
    };
    Core::with(limits, false)
}

/// The beginning of a head, so many bytes of it.
fn half(bytes: usize) -> Vec<u8> {
    let mut head = b"GET /hello HTTP/1.1\r\nHost: localhost\r\nX: ".to_vec();
    head.resize(bytes, b'x');
    head
}

impl Core {
    fn held(&self) -> usize {
        self.engine.desk.heads.bytes
    }

    fn shed(&self) -> u64 {
        self.counters[0].heads_shed.value()
    }

    fn is_there(&self, key: ConnKey) -> bool {
        let conn = self.engine.conns.find(key);
        conn.is_some_and(|conn| matches!(conn.state, State::Http(_)))
    }

    /// What is kept is what is counted, no more of it than may be, and all of it in the queue once.
    fn check(&self) {
        let Heads { bytes, share, queue, .. } = &self.engine.desk.heads;
        let kept = self.engine.conns.iter().map(|(_, conn)| match &conn.state {
            State::Http(http) if http.doing.is_of_nobody() => {
                let capacity = conn.partial.capacity();
                assert!(capacity <= 2 * conn.partial.len(), "room that nobody needs");
                capacity
            }
            State::Http(_) | State::WebSocket(_) | State::EventStream(_) | State::Closing(_) => 0,
        });
        let kept: usize = kept.sum();
        assert_eq!((kept, kept <= *share), (*bytes, true));
        let waiting = self.engine.conns.iter().filter(
            |(_, conn)| matches!(&conn.state, State::Http(http) if http.held.waiting.is_some()),
        );
        let waits = |(key, waiting): &&(ConnKey, Waiting)| {
            self.engine.conns.find(*key).is_some_and(|conn| conn.waits_at(*waiting))
        };
        assert_eq!(queue.iter().filter(waits).count(), waiting.count());
    }
}

#[test]
fn ten_thousand_half_heads_take_no_more_than_they_may() {
    let mut core = Core::new();
    let limits = Limits::default();
    let bytes = limits.head_bytes_max / 2;
    let share = limits.node_heads_bytes_max;
    let keys: Vec<ConnKey> = (0..10_000)
        .map(|_| {
            let key = core.connect(HTTP, &half(bytes));
            assert!(core.held() <= share);
            key
        })
        .collect();
    core.check();
    let kept = share / bytes;
    assert_eq!(core.shed() as usize, 10_000 - kept);
    // Who came last is still there, and is served as soon as its head ends.
    let (gone, there) = keys.split_at(10_000 - kept);
    assert!(gone.iter().all(|key| !core.is_there(*key)));
    assert!(there.iter().all(|key| core.is_there(*key)));
    for key in there {
        core.receive(*key, b"\r\n\r\n");
        core.turn();
        assert!(core.written(*key).starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(core.held(), 0);
    // Whoever was shed was told so, and is closed.
    for key in gone {
        let answer = core.written(*key);
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        for part in ["\"too-many-heads\"", "\r\nRetry-After: 2\r\n", "\r\nConnection: close\r\n"] {
            assert!(answer.contains(part), "{answer}");
        }
        assert!(!answer.contains("xxx"), "nothing of the head is repeated: {answer}");
    }
}

#[test]
fn who_was_shed_is_answered_as_it_asked() {
    let mut core = core(2 * KIB);
    let old = core.connect(WS, &[b"HEAD / HTTP/1.1\r\nX: ", half(900).as_slice()].concat());
    (0..4).for_each(|_| _ = core.connect(HTTP, &half(900)));
    let answer = core.written(old);
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("\r\n\r\n"), "{answer}");
}

/// They send a byte each now and then, so that none of them is silent, and there are more of them
/// than there is room for.
#[test]
fn who_never_ends_a_head_does_not_starve_who_comes_and_ends_one() {
    let mut core = core(64 * KIB);
    let mut slow: Vec<ConnKey> = Vec::new();
    for round in 0..50 {
        slow.extend((0..20).map(|_| core.connect(HTTP, &half(500))));
        slow.retain(|key| core.is_there(*key));
        let new = core.connect(HTTP, b"");
        let at = |core: &mut Core, part: &[u8]| {
            core.receive(new, part);
            slow.iter().for_each(|key| core.receive(*key, b"y"));
            core.check();
        };
        let (first, rest) = HELLO.split_at(5);
        let (second, third) = rest.split_at(20);
        at(&mut core, first);
        at(&mut core, second);
        core.receive(new, third);
        core.turn();
        assert!(core.written(new).starts_with("HTTP/1.1 200 "), "round {round}");
    }
    assert!(core.shed() > 800, "{}", core.shed());
}

#[test]
fn a_head_in_one_piece_is_never_counted() {
    let mut core = core(2 * KIB);
    let key = core.connect(HTTP, HELLO);
    for _ in 0..100 {
        core.receive(key, HELLO);
        core.turn();
    }
    core.websocket("/echo");
    core.stream();
    assert_eq!((core.engine.desk.heads.last, core.held()), (0, 0));
    core.check();
}

#[test]
fn who_was_answered_meanwhile_has_not_waited_since_then() {
    let mut core = core(8 * KIB);
    let busy = core.connect(HTTP, &half(900));
    let idle = core.connect(HTTP, &half(900));
    core.receive(busy, &[b"\r\n\r\n", half(900).as_slice()].concat());
    (0..8).for_each(|_| _ = core.connect(HTTP, &half(900)));
    assert_eq!((core.shed(), core.is_there(idle), core.is_there(busy)), (1, false, true));
    core.check();
}

/// It is known who that is, or will be when its answer is there.
#[test]
fn who_waits_for_an_answer_is_not_shed() {
    let mut core = core(4 * KIB);
    let post = "POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: \
                application/json\r\nContent-Length: 16\r\n\r\n{\"text\":\"hello\"}";
    let others: Vec<ConnKey> = (0..10).map(|_| core.connect(HTTP, b"")).collect();
    let key = core.connect(HTTP, b"");
    core.receive(key, &[post.as_bytes(), half(900).as_slice()].concat());
    core.check();
    others.iter().for_each(|other| core.receive(*other, &half(900)));
    assert!(core.shed() > 0 && core.is_there(key));
    core.turn();
    assert!(core.written(key).starts_with("HTTP/1.1 200 "));
    // What came behind its request counts from now on, as the youngest of all.
    core.check();
    core.receive(key, b"\r\n\r\n");
    core.turn();
    assert!(core.written(key).starts_with("HTTP/1.1 200 "));
}

/// Nobody knows yet whether it may come in: its head is kept, whole.
#[test]
fn who_waits_for_a_verdict_counts_with_those_whose_heads_do_not_end() {
    let forward = Forward::new("http://localhost:9000/", &Forward::HEADERS, Rights::usual());
    let forward = Arc::new(forward.expect("an address"));
    let door = Door { forward: Some(Arc::clone(&forward)), ..Door::default() };
    let forwards = [Arc::clone(&forward)].into();
    let access = Access { door: Arc::new(door), forwards, ..Access::default() };
    let limits = core(4 * KIB).engine.desk.limits.clone();
    let routes = Table::built_in();
    let access = Arc::new(access);
    let mut core = Core::of(Policy { limits, routes, access, ..Policy::default() });
    let head =
        handshake("/echo").replace("\r\n\r\n", &format!("\r\nX: {}\r\n\r\n", "x".repeat(700)));
    let keys: Vec<ConnKey> = (0..10).map(|_| core.connect(WS, head.as_bytes())).collect();
    core.check();
    assert_eq!(core.asked.len(), 10);
    assert!(core.shed() >= 5 && !core.is_there(keys[0]), "{}", core.shed());
    assert!(core.written(keys[0]).contains("\"too-many-heads\""));
    for key in &keys {
        let grant = forward.grant(b"", core.now.unix_ms).expect("an answer");
        let vetted = Vetted { verdict: Verdict::In(Arc::new(grant)), kept: false };
        core.engine.collect(Letter::Vetted(*key, Arc::clone(&forward), Box::new(vetted)), core.now);
        core.turn();
        // As a reactor does with who may be read from again.
        core.receive(*key, b"");
        core.turn();
        core.check();
    }
    assert!(core.written(keys[9]).starts_with("HTTP/1.1 101 "));
    assert_eq!(core.held(), 0);
}

#[test]
fn nothing_stays_counted_of_who_is_gone() {
    let mut core = core(64 * KIB);
    let connect = |core: &mut Core| {
        let key = core.connect(WS, &half(600));
        assert!(core.held() >= 600);
        key
    };
    let key = connect(&mut core);
    core.engine.receive_end(key, core.now);
    assert_eq!(core.held(), 0);
    let key = connect(&mut core);
    core.engine.receive_error(key, core.now);
    assert_eq!(core.held(), 0);
    let key = connect(&mut core);
    core.receive(key, b"\0\r\n\r\n");
    assert_eq!(core.held(), 0, "it has a fault");
    let key = connect(&mut core);
    set(Trap::Request);
    core.receive(key, b"\r\n\r\n");
    assert_eq!((core.held(), core.panics()), (0, 1));
    let head = handshake("/echo");
    let (begin, end) = head.split_at(30);
    let key = core.connect(WS, begin.as_bytes());
    core.receive(key, end.as_bytes());
    assert_eq!((core.held(), core.shed()), (0, 0));
}

#[test]
fn a_smaller_share_holds_at_once_and_any_has_room_for_a_head() {
    let mut core = core(64 * KIB);
    (0..60).for_each(|_| _ = core.connect(HTTP, &half(1000)));
    assert_eq!(core.shed(), 0);
    let limits = Limits { node_heads_bytes_max: 1, ..Limits::clone(&core.engine.desk.limits) };
    let policy = Policy { limits: Arc::new(limits), ..Policy::default() };
    core.engine.adopt(Arc::new(policy));
    let key = core.connect(HTTP, &half(1000));
    core.check();
    assert_eq!((core.shed(), core.is_there(key)), (59, true));
    core.receive(key, b"\r\n\r\n");
    core.turn();
    assert!(core.written(key).starts_with("HTTP/1.1 200 "));
}

#[derive(Clone, Debug)]
enum Step {
    Come,
    /// So many bytes more, which end nothing.
    More(usize, usize),
    /// The head ends, and so much of the next comes with it.
    End(usize, usize),
    Leave(usize),
    Turn,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Come),
        6 => (0..20usize, 1..400usize).prop_map(|(who, bytes)| Step::More(who, bytes)),
        3 => (0..20usize, 0..300usize).prop_map(|(who, bytes)| Step::End(who, bytes)),
        1 => (0..20usize).prop_map(Step::Leave),
        1 => Just(Step::Turn),
    ]
}

proptest! {
    #[test]
    fn what_is_counted_is_what_is_kept(steps in prop::collection::vec(step(), 1..400)) {
        let mut core = core(5 * KIB);
        let mut keys = Vec::new();
        let of = |keys: &[ConnKey], who: usize| keys.get(who % keys.len().max(1)).copied();
        for step in steps {
            match step {
                Step::Come => keys.push(core.connect(HTTP, b"GET /hello HTTP/1.1\r\nHost: a\r\nX: ")),
                Step::More(who, bytes) => {
                    of(&keys, who).into_iter().for_each(|key| core.receive(key, &vec![b'x'; bytes]));
                }
                Step::End(who, bytes) => {
                    let rest = b"\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\nX: ";
                    let rest = [rest.as_slice(), &vec![b'x'; bytes]].concat();
                    of(&keys, who).into_iter().for_each(|key| core.receive(key, &rest));
                }
                Step::Leave(who) => {
                    of(&keys, who).into_iter().for_each(|key| core.engine.receive_end(key, core.now));
                }
                Step::Turn => core.turn(),
            }
            core.check();
            keys.retain(|key| core.is_there(*key));
            prop_assert!(core.engine.desk.heads.queue.len() <= SPARSE_MIN.max(2 * keys.len()) + 1);
        }
    }
}
