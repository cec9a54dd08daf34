//! Who sends and who receives in each workload, and their connections.
//!
//! Knows: options, roles, connections.
//! Must not know: pace, phases, what arrives.

use crate::check::Audience;
use crate::conn::Conn;
use crate::message::Form;
use crate::options::{Options, Workload};
use crate::sender::Pace;
use crate::target::{Failure, Role, Target};

/// One connection: sender number so-and-so if its place is below the count of senders.
pub(crate) struct Peer {
    /// The connection itself.
    pub(crate) conn: Conn,
    /// Its number among the receivers.
    pub(crate) receiver: Option<usize>,
    /// Neither side has ended it.
    pub(crate) open: bool,
}

/// What the workloads differ in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    role: Role,
    /// The text of messages.
    pub(crate) form: Form,
    /// How many send.
    pub(crate) senders: usize,
    /// How many receive.
    pub(crate) receivers: usize,
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
        Plan { role, form, senders, receivers, audience, pace }
    }

    /// Opens all connections, the senders' first.
    pub(crate) fn open(&self, target: &Target, size: usize) -> Result<Vec<Peer>, Failure> {
        let peer = |(conn, receiver)| Peer { conn, receiver, open: true };
        let numbers = (0..self.receivers).map(Some);
        if self.role != Role::Sender {
            let both = target.open(self.role, self.receivers, size)?;
            return Ok(both.into_iter().zip(numbers).map(peer).collect());
        }
        let senders = target.open(Role::Sender, self.senders, size)?;
        let streams = target.open(Role::Subscriber, self.receivers, size)?;
        let senders = senders.into_iter().map(|conn| (conn, None));
        Ok(senders.chain(streams.into_iter().zip(numbers)).map(peer).collect())
    }
}
