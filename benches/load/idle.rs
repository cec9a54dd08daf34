//! Connections that only exist: what opening and keeping one costs.
//!
//! Knows: connections, the target's memory and time.
//! Must not know: messages.

use std::io::ErrorKind;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};

use crate::check::Faults;
use crate::conn::{Clock, Conn, Pause, SCRATCH_BYTES};
use crate::options::Options;
use crate::process;
use crate::report::{Outcome, histogram};
use crate::target::{Failure, Role, Target};

/// After the last handshake the target may finish what it has put off.
const SETTLE: Duration = Duration::from_secs(1);

/// Opens all, waits, keeps them for the duration, and closes them.
pub(crate) fn run(options: &Options, target: &Target, clock: Clock) -> Result<Outcome, Failure> {
    let usage = || {
        let pid = target.pid();
        (pid.and_then(process::cpu_time), process::cpu_time(std::process::id()).unwrap_or(0))
    };
    let before = target.pid().and_then(process::memory);
    let (target_before, own_before) = usage();
    let start = clock.now();
    let mut conns = target.open(Role::Member, &vec![0; options.connections], options.size)?;
    conns.extend(target.open(Role::Subscriber, &vec![0; options.subscribers], options.size)?);
    let nanos = clock.now() - start;
    let (_, own_after) = usage();
    let mut faults = Faults::default();
    keep(&mut conns, SETTLE, clock, &mut faults)?;
    let (target_after, _) = usage();
    let memory = target.pid().and_then(process::memory);
    keep(&mut conns, options.duration, clock, &mut faults)?;
    let deliveries = conns.len() as u64;
    let growth = |(after, before): (process::Memory, process::Memory)| {
        after.resident.saturating_sub(before.resident) as f64 / deliveries.max(1) as f64
    };
    Ok(Outcome {
        deliveries,
        nanos,
        latency: histogram(),
        target_cpu: target_after
            .zip(target_before)
            .map(|(after, before)| after.saturating_sub(before)),
        own_cpu: own_after - own_before,
        bytes_each: memory.zip(before).map(growth),
        memory,
        counts: (deliveries, deliveries - faults.broken.min(deliveries)),
        reloads: 0,
        faults,
    })
}

/// Reads what comes, answers pings, counts who goes.
fn keep(
    conns: &mut [Conn],
    time: Duration,
    clock: Clock,
    faults: &mut Faults,
) -> Result<(), Failure> {
    let failed = || Failure::io("poll");
    let mut poll = Poll::new().map_err(failed())?;
    for (index, conn) in conns.iter_mut().enumerate() {
        conn.register(poll.registry(), index, Interest::READABLE).map_err(failed())?;
    }
    let mut events = Events::with_capacity(1024);
    let mut scratch = vec![0; SCRATCH_BYTES];
    let end = clock.now() + time.as_nanos() as u64;
    while clock.now() < end {
        match poll.poll(&mut events, Some(Duration::from_millis(50))) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(failed()(error)),
            _ => {}
        }
        for event in events.iter() {
            let Token(index) = event.token();
            let mut pause = conns[index].receive(&mut scratch, clock, |_, _| {});
            // Bytes and the end may come as one edge: the end has to be read too.
            if event.is_read_closed() && matches!(pause, Pause::Drained) {
                pause = conns[index].receive(&mut scratch, clock, |_, _| {});
            }
            if let Pause::Ended(reason) = pause {
                faults.broken += 1;
                faults.note(|| format!("idle connection {index}: {reason}"));
            }
        }
    }
    conns.iter_mut().try_for_each(|conn| conn.deregister(poll.registry())).map_err(failed())
}
