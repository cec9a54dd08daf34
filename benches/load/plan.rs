//! Who sends and who receives in each workload, and their connections.
//!
//! Knows: options, roles, connections.
//! Must not know: pace, phases, what arrives.

use std::ops::Range;

use crate::books::Seat;
use crate::check::{Audience, Checker};
use crate::conn::Conn;
use crate::message::{Form, Layout};
use crate::options::{Options, Workload};
use crate::sender::Pace;
use crate::target::{Failure, Role, Target};

/// One connection: sender number so-and-so if its place is below the count of senders.
pub(crate) struct Peer {
    /// The connection itself.
    pub(crate) conn: Conn,
    /// Where it receives.
    pub(crate) seat: Option<Seat>,
    /// Neither side has ended it.
    pub(crate) open: bool,
}

/// What the workloads differ in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    role: Role,
    /// The text of messages.
    pub(crate) form: Form,
    /// How many rooms there are.
    pub(crate) rooms: usize,
    /// How many send in each.
    pub(crate) senders: usize,
    /// How many receive in each.
    receivers: usize,
    /// Who gets a message.
    pub(crate) audience: Audience,
    /// How fast they send.
    pub(crate) pace: Pace,
}

impl Plan {
    /// The plan for relay, broadcast or echo.
    pub(crate) fn of(options: &Options) -> Plan {
        let (senders, members, clients) = (options.senders, options.members, options.clients);
        let (role, form, senders, receivers, audience) = match options.workload {
            Workload::Broadcast if options.include_sender => {
                (Role::MemberToo, Form::Json, senders, members, Audience::All)
            }
            Workload::Broadcast => (Role::Member, Form::Json, senders, members, Audience::Others),
            Workload::Echo => (Role::Echo, Form::Plain, clients, clients, Audience::Own),
            _ => (Role::Sender, Form::Json, senders, options.subscribers, Audience::All),
        };
        let pace = match options.rate {
            Some(rate) => Pace::Rate { from: 0, every: 1e9 / rate },
            None if role == Role::Echo => Pace::Window(options.depth),
            None => Pace::Window(options.window),
        };
        Plan { role, form, rooms: options.rooms, senders, receivers, audience, pace }
    }

    /// Empty books for each room.
    pub(crate) fn checkers(&self, layout: &Layout) -> Vec<Checker> {
        let named = |room| room * self.senders..(room + 1) * self.senders;
        let checker =
            |room| Checker::new(layout.clone(), self.audience, named(room), self.receivers);
        (0..self.rooms).map(checker).collect()
    }

    /// Opens all connections, the senders' first, room by room; those that say nothing come last.
    pub(crate) fn open(&self, target: &Target, options: &Options) -> Result<Vec<Peer>, Failure> {
        let size = options.size;
        let peer = |(conn, seat)| Peer { conn, seat, open: true };
        let seats = |numbers: Range<usize>| {
            let seat = move |room| move |number| Seat { room, number };
            (0..self.rooms).flat_map(move |room| numbers.clone().map(seat(room)))
        };
        if self.role != Role::Sender {
            let seats: Vec<_> =
                seats(0..self.senders).chain(seats(self.senders..self.receivers)).collect();
            let rooms: Vec<_> = seats.iter().map(|seat| seat.room).collect();
            let both = target.open(self.role, &rooms, size)?;
            return Ok(both.into_iter().zip(seats.into_iter().map(Some)).map(peer).collect());
        }
        let senders = target.open(Role::Sender, &vec![0; self.senders], size)?;
        let streams = target.open(Role::Subscriber, &vec![0; self.receivers], size)?;
        let senders = senders.into_iter().map(|conn| (conn, None));
        let streams = streams.into_iter().zip(seats(0..self.receivers).map(Some));
        let silent = target.open(Role::Sender, &vec![0; options.silent], size)?;
        let silent = silent.into_iter().map(|conn| (conn, None));
        Ok(senders.chain(streams).chain(silent).map(peer).collect())
    }
}
