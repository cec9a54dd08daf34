//! Gates before a kernel that answers as it is told, and before the real one.

use super::*;
use crate::limits::Limits;
use crate::reactor::listen::{Options, bind};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;

/// Answers to accept(2): connections are numbers.
#[derive(Clone, Debug, Default)]
struct Script {
    answers: Rc<RefCell<VecDeque<Result<u32, Errno>>>>,
    calls: Rc<Cell<usize>>,
}

impl Script {
    fn then(&self, answers: &[Result<u32, Errno>]) {
        self.answers.borrow_mut().extend(answers);
    }
}

impl Listen for Script {
    type Stream = u32;

    fn accept(&self) -> io::Result<u32> {
        self.calls.set(self.calls.get() + 1);
        let answer = self.answers.borrow_mut().pop_front().unwrap_or(Err(Errno::AGAIN));
        answer.map_err(io::Error::from)
    }
}

/// What a turn takes.
const MOST: usize = 64;

fn gates(count: usize) -> (Gates<Script>, Vec<Script>) {
    let scripts = vec![(); count].into_iter().map(|()| Script::default()).collect::<Vec<_>>();
    (Gates::new(scripts.clone()), scripts)
}

/// Who came through which gate; `None`: there was no room.
fn take(gates: &mut Gates<Script>, now: Duration) -> Vec<(usize, Option<u32>)> {
    let mut taken = Vec::new();
    gates.take(MOST, now, |gate, stream| taken.push((gate, stream.ok())));
    taken
}

const NO_ROOM: [Errno; 4] = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
const NOW: Duration = Duration::from_secs(7);

#[test]
fn an_error_about_one_connection_costs_nobody_else_a_turn() {
    for errno in ABOUT_ONE_CONNECTION {
        let (mut gates, scripts) = gates(1);
        scripts[0].then(&[Ok(1), Err(errno), Ok(2), Err(errno), Err(errno), Ok(3)]);
        let all = [(0, Some(1)), (0, Some(2)), (0, Some(3))];
        assert_eq!(take(&mut gates, NOW), all, "{errno}");
        assert_eq!(gates.next_look(), None, "{errno}: no pause");
    }
}

#[test]
fn a_gate_at_which_all_give_up_is_left_after_a_turn() {
    let (mut gates, scripts) = gates(2);
    scripts[0].then(&[Err(Errno::CONNABORTED); 1000]);
    scripts[1].then(&[Ok(1)]);
    assert_eq!(take(&mut gates, NOW), [(1, Some(1))]);
    assert_eq!(scripts[0].calls.get(), MOST);
    assert_eq!(gates.next_look(), Some(Duration::ZERO), "and looked at again in the next");
}

#[test]
fn a_burst_is_taken_over_several_turns_without_another_edge() {
    let (mut gates, scripts) = gates(1);
    scripts[0].then(&(0..2000).map(Ok).collect::<Vec<_>>());
    let mut all = Vec::new();
    while gates.next_look().is_some() {
        let taken = take(&mut gates, NOW);
        assert!(taken.len() <= MOST);
        all.extend(taken.into_iter().filter_map(|(_, stream)| stream));
    }
    assert_eq!(all, (0..2000).collect::<Vec<_>>());
}

#[test]
fn without_room_a_gate_pauses_and_turns_one_away_and_the_others_stay_open() {
    for errno in NO_ROOM {
        let (mut gates, scripts) = gates(2);
        // With the reserve the second of them is accepted, and closed.
        scripts[0].then(&[Ok(1), Err(errno), Ok(2), Ok(3)]);
        scripts[1].then(&[Ok(4)]);
        assert_eq!(take(&mut gates, NOW), [(0, Some(1)), (0, None), (1, Some(4))], "{errno}");
        assert!(gates.reserve.0.is_some(), "there is one again for the next");
        assert!(gates.want_room());
        assert_eq!(gates.next_look(), Some(NOW + PAUSE_MIN), "{errno}");
        let calls = scripts[0].calls.get();
        gates.note(0);
        assert_eq!(take(&mut gates, NOW + PAUSE_MIN / 2), [], "an edge does not end the pause");
        assert_eq!(scripts[0].calls.get(), calls, "nothing is asked");
        assert_eq!(take(&mut gates, NOW + PAUSE_MIN), [(0, Some(3))], "no edge comes for it");
        assert!(!gates.want_room());
    }
}

#[test]
fn the_pause_doubles_from_10_ms_to_1_s_and_begins_anew_with_a_connection() {
    let (mut gates, scripts) = gates(1);
    let mut now = NOW;
    for pause in [10, 20, 40, 80, 160, 320, 640, 1000, 1000] {
        scripts[0].then(&[Err(Errno::MFILE), Err(Errno::AGAIN)]);
        assert_eq!(take(&mut gates, now), [(0, None)]);
        let due = now + Duration::from_millis(pause);
        assert_eq!(gates.next_look(), Some(due));
        assert_eq!(take(&mut gates, due - Duration::from_nanos(1)), []);
        now = due;
    }
    scripts[0].then(&[Ok(1), Err(Errno::MFILE), Err(Errno::AGAIN)]);
    assert_eq!(take(&mut gates, now), [(0, Some(1)), (0, None)]);
    assert_eq!(gates.next_look(), Some(now + PAUSE_MIN));
    // The pause ends also when nobody is left.
    assert_eq!(take(&mut gates, now + PAUSE_MIN), []);
    assert_eq!(gates.next_look(), None);
}

#[test]
fn a_descriptor_that_came_free_ends_the_pause_at_once() {
    let (mut gates, scripts) = gates(2);
    scripts[0].then(&[Err(Errno::MFILE), Err(Errno::AGAIN), Ok(1)]);
    assert_eq!(take(&mut gates, NOW), [(0, None)]);
    gates.note_room();
    assert_eq!(gates.next_look(), Some(Duration::ZERO));
    assert_eq!(take(&mut gates, NOW), [(0, Some(1))]);
    // Where nobody waits, nothing is asked for.
    let calls = scripts[1].calls.get();
    gates.note_room();
    assert_eq!(take(&mut gates, NOW), []);
    assert_eq!((scripts[1].calls.get(), gates.next_look()), (calls, None));
}

#[test]
fn the_last_are_taken_whatever_goes_wrong() {
    let (mut gates, scripts) = gates(2);
    assert_eq!(take(&mut gates, NOW), []);
    scripts[0].then(&(0..200).map(Ok).collect::<Vec<_>>());
    scripts[1].then(&[Err(Errno::CONNABORTED), Ok(200), Err(Errno::MFILE)]);
    let mut taken = Vec::new();
    gates.take_last(NOW, |_, stream| taken.push(stream.ok()));
    assert_eq!(taken, (0..201).map(Some).chain([None]).collect::<Vec<_>>());
}

fn listener() -> mio::net::TcpListener {
    let addr = SocketAddr::from(([127, 0, 0, 1], 0));
    let listeners = bind(addr, 1, Options::new(None, &Limits::default()));
    listeners.expect("a free port").pop().expect("one for each core")
}

#[test]
fn a_gate_with_nobody_before_it_waits_for_an_edge() {
    let mut gates = Gates::new(vec![listener()]);
    let addr = gates.listeners().next().and_then(|one| one.local_addr().ok()).expect("bound");
    assert_eq!(gates.next_look(), Some(Duration::ZERO), "who came before we watched?");
    gates.take(MOST, NOW, |_, stream| panic!("{stream:?}"));
    assert_eq!(gates.next_look(), None);
    let _client = TcpStream::connect(addr).expect("somebody listens");
    gates.note(0);
    let mut count = 0;
    gates.take(MOST, NOW, |_, stream| count += usize::from(stream.is_ok()));
    assert_eq!((count, gates.next_look()), (1, None));
}

#[test]
fn without_a_descriptor_the_one_in_reserve_turns_a_client_away() {
    use std::io::Read;
    let listener = listener();
    let addr = listener.local_addr().expect("bound");
    let mut client = TcpStream::connect(addr).expect("somebody listens");
    let mut reserve = Reserve::new();
    reserve.turn_one_away(&listener);
    assert_eq!(client.read(&mut [0]).ok(), Some(0), "closed, not left hanging");
    assert!(reserve.0.is_some(), "and there is one again for the next");
}

#[test]
fn a_reserve_that_was_lost_is_made_up_for_before_the_next_is_taken() {
    let (mut gates, scripts) = gates(1);
    gates.reserve = Reserve(None);
    scripts[0].then(&[Ok(1), Ok(2)]);
    assert_eq!(take(&mut gates, Duration::ZERO).len(), 2);
    assert!(gates.reserve.0.is_some());
}
