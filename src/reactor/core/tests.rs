//! Several cores, turn by turn, with a clock that stands still: nothing happens by a timer.
//!
//! Knows: real sockets, what a process may have of descriptors.
//! Must not know: how cores tell each other of them.

use super::*;
use crate::config::Config;
use crate::engine::{Listener, Serves};
use crate::metrics::Watch;
use crate::reactor::listen::{Options, bind};
use crate::reactor::process::Process;
use crate::reactor::{nascents, setups};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs::File;
use std::net::{Shutdown, SocketAddr, TcpStream as Client};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Cores that listen at an address of their own each, so that a client can choose.
const CORES: usize = 3;

fn addresses_and_shared() -> (Vec<SocketAddr>, Vec<Nascent>, Arc<Shared>) {
    let mut addrs = Vec::new();
    let mut per_core = Vec::new();
    for _ in 0..CORES {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = Options::new(None, &Config::default().limits);
        let listeners = bind(any, 1, options).expect("a free port");
        addrs.extend(listeners.iter().map(|one| one.local_addr().expect("bound")));
        per_core.push(listeners);
    }
    let (nascents, mailboxes) = nascents(per_core).expect("polls");
    let stopping = Arc::new(AtomicBool::new(false));
    (addrs, nascents, Arc::new(Shared::new(mailboxes, stopping, Process::default())))
}

fn reactors(nascents: Vec<Nascent>, shared: &Arc<Shared>) -> Vec<Reactor<'_>> {
    let clock = Clock::standing();
    let listeners = Arc::new([Listener { serves: Serves::Http, loopback: true, port: 0 }]);
    let config = Config { cores: CORES, ..Config::default() };
    let setups = setups(&config, listeners, clock).expect("random numbers");
    let both = nascents.into_iter().zip(setups);
    both.map(|(nascent, setup)| {
        Reactor::new(nascent, setup, shared, clock, None).expect("no signals")
    })
    .collect()
}

/// From here on no descriptor can be had but those that come free.
fn use_up_descriptors() {
    let free = File::open("/dev/null").expect("there is one").as_raw_fd();
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(free as u64), maximum }).expect("lowered");
    assert!(File::open("/dev/null").is_err(), "there are none");
}

/// Has the core fall asleep as before its poll; then whether somebody wakes it while `meanwhile`.
fn is_woken(reactor: &mut Reactor<'_>, events: &mut Events, meanwhile: impl FnOnce()) -> bool {
    let bell = reactor.mailbox().bell();
    assert!(bell.may_sleep(|| reactor.is_wanted()), "nothing is there yet");
    meanwhile();
    reactor.poll.poll(events, Some(Duration::ZERO)).expect("a poll");
    bell.awake();
    events.iter().any(|event| event.token() == Token(ConnKey::reserved_token(WAKER)))
}

#[test]
fn a_descriptor_that_one_core_frees_lets_in_who_waits_at_another_at_once() {
    let part = "reactor::core::tests::in_a_process_of_its_own";
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", part, "--ignored", "--nocapture"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// What the test above starts: the limit is the whole process's.
#[test]
#[ignore = "a part of another test"]
fn in_a_process_of_its_own() {
    let (addrs, nascents, shared) = addresses_and_shared();
    let mut reactors = reactors(nascents, &shared);
    let [frees, waits, idles] = &mut reactors[..] else { panic!("three cores") };
    let mut events = Events::with_capacity(EVENTS);
    let leaves = Client::connect(addrs[0]).unwrap();
    // The first of them is turned away with the descriptor in reserve.
    let _comes = [Client::connect(addrs[1]).unwrap(), Client::connect(addrs[1]).unwrap()];
    frees.turn(&mut events).unwrap();
    assert_eq!(frees.engine.connections(), 1);
    // Without a descriptor the kernel would not even say that nobody is there.
    idles.turn(&mut events).unwrap();
    use_up_descriptors();
    waits.turn(&mut events).unwrap();
    assert_eq!((waits.engine.connections(), idles.engine.connections()), (0, 0));
    assert!(waits.gates.want_room() && !idles.gates.want_room());
    assert!(shared.lacks_descriptors(), "new connections are not welcome");

    let mut others = Events::with_capacity(EVENTS);
    let is_idle_woken = is_woken(idles, &mut others, || {
        let is_woken = is_woken(waits, &mut Events::with_capacity(EVENTS), || {
            leaves.shutdown(Shutdown::Write).unwrap();
            while frees.engine.connections() > 0 {
                frees.turn(&mut events).unwrap();
            }
        });
        assert!(is_woken, "who waits is woken");
    });
    assert!(!is_idle_woken, "who does not sleeps on");
    assert!(waits.is_wanted(), "it would not sleep over it, had it been awake");
    waits.turn(&mut events).unwrap();
    assert_eq!(waits.engine.connections(), 1, "in the next turn, by no timer");
    assert!(!waits.is_wanted(), "and sleeps until the next comes free");
    assert!(waits.setup.counters.iter().all(|core| core.in_turn.since().is_none()));
}
