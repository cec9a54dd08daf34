//! Policies that come and go while everybody is there, and what each promises.
//!
//! Knows: what of a policy a client can tell, the order in which hub and cores adopt one.
//! Must not know: how a policy is read.
//!
//! What a client says may be judged by any policy that is in force before it is handled. So clients
//! mostly keep within what all policies of a run allow; now and then one says more, and either
//! outcome is right that a policy of its time explains.

use super::configured;
use super::dice::Dice;
use super::guests;
use super::reach;
use super::speaker::Speaker;
use super::world::World;
use std::sync::Arc;
use std::time::Duration;
use tidegate::auth::Access;
use tidegate::engine::Policy;
use tidegate::limits::Limits;

/// A page that some policies let in.
pub(crate) const ORIGIN: &str = "https://a.example";

/// What clients notice of a policy, beside its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Which table of routes it has.
    pub(crate) variant: usize,
    pub(crate) compression: bool,
    /// Pages of [`ORIGIN`] may connect.
    lets_in: bool,
    /// Whoever comes is asked for a key.
    pub(crate) has_keys: bool,
    /// The key that vouches for guests, if one does.
    pub(crate) guests: Option<usize>,
}

impl Facts {
    /// What the handshake of a client is answered, if nobody else is in its way.
    pub(crate) fn answer(self, speaker: &Speaker) -> u16 {
        match speaker {
            Speaker { has_origin: true, .. } if !self.lets_in => 403,
            Speaker { kind, .. } if !configured::has_route(self.variant, kind) => 404,
            _ => 101,
        }
    }
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct One {
    pub(crate) policy: Arc<Policy>,
    pub(crate) facts: Facts,
}

/// How little a client can count on, and the most that it may come to.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) least: Limits,
    pub(crate) most: Limits,
}

impl Bounds {
    /// Those of one policy.
    pub(crate) fn of(limits: &Limits) -> Bounds {
        Bounds { least: limits.clone(), most: limits.clone() }
    }

    /// Another is in force, too.
    pub(crate) fn widen(&mut self, limits: &Limits) {
        let Bounds { least, most } = self;
        macro_rules! widen {
            ($($field:ident)*) => {$(
                least.$field = least.$field.min(limits.$field);
                most.$field = most.$field.max(limits.$field);
            )*};
        }
        widen!(message_bytes_max fragments_max refusals_max outbox_bytes_max connections_max);
        widen!(ping_timeout write_stall closing head_time drain log_age);
    }
}

/// The policies of one run.
#[derive(Debug)]
pub(crate) struct Policies {
    all: Vec<One>,
    /// Some may ask for keys, and others not.
    pub(crate) flips: bool,
    /// What holds whichever of them does.
    pub(crate) bounds: Bounds,
    /// The one that cores adopt in their next turn; the one by which the logs go may be further.
    latest: usize,
    read: usize,
}

impl Policies {
    /// As many as the dice say. The first one holds at the start.
    pub(crate) fn new(dice: &mut Dice) -> Policies {
        let count = *dice.pick(&[1, 2, 2, 4]);
        let access = reach::access(dice);
        let flips = access.is_on() && dice.chance(30);
        let mut all: Vec<One> = Vec::new();
        for _ in 0..count {
            let is_off = flips && dice.chance(40);
            let access = if is_off { Arc::default() } else { Arc::clone(&access) };
            all.push(some(dice, &access));
        }
        let mut bounds = Bounds::of(&all[0].policy.limits);
        all.iter().for_each(|one| bounds.widen(&one.policy.limits));
        Policies { all, flips, bounds, latest: 0, read: 0 }
    }

    /// What cores go by, or will from their next turn on.
    pub(crate) fn latest(&self) -> &One {
        &self.all[self.latest]
    }

    /// Whether whoever comes is asked for a key, or may be.
    pub(crate) fn have_keys(&self) -> bool {
        self.flips || self.latest().facts.has_keys
    }

    /// The limits that the logs are held to.
    pub(crate) fn of_logs(&self) -> &Limits {
        &self.all[self.read].policy.limits
    }
}

impl World<'_> {
    /// A policy is read, and the logs go by it; or one that was is made known to the cores.
    pub(crate) fn change_policy(&mut self) {
        let Policies { all, latest, read, .. } = &mut self.policies;
        if latest == read {
            *read = self.dice.below(all.len());
            let (number, limits) = (*read, Arc::clone(&all[*read].policy.limits));
            self.trace(|| format!("policy {number} is read"));
            self.hub.adopt(&limits, self.now);
            if self.dice.chance(50) {
                return;
            }
        }
        let Policies { latest, read, .. } = &mut self.policies;
        *latest = *read;
        self.trace(|| format!("policy {} holds", self.policies.latest));
        self.cores.iter_mut().for_each(|core| core.is_rung = true);
    }

    /// The core goes by the latest from this turn on.
    pub(crate) fn adopt(&mut self, core: usize) {
        let latest = self.policies.latest();
        if Arc::ptr_eq(&self.cores[core].by.policy, &latest.policy) {
            return;
        }
        self.trace(|| format!("core {core} adopts {:?}", latest.facts));
        let before = std::mem::replace(&mut self.cores[core].by, latest.clone()).facts;
        self.cores[core].engine.adopt(Arc::clone(&latest.policy));
        let theirs = self.clients.iter_mut().filter(|client| client.core == core);
        theirs.for_each(|client| {
            client.bounds.widen(&latest.policy.limits);
            if latest.facts.has_keys != before.has_keys {
                client.note_flip();
            }
            if let Some(guest) = client.guest_mut() {
                guest.adopt(latest.facts);
            }
        });
    }
}

fn some(dice: &mut Dice, access: &Arc<Access>) -> One {
    let facts = Facts {
        variant: dice.below(configured::VARIANTS),
        compression: dice.chance(50),
        lets_in: dice.chance(50),
        has_keys: access.is_on(),
        guests: (access.is_on() && dice.chance(75)).then(|| dice.below(guests::KEYS)),
    };
    let policy = Arc::new(Policy {
        limits: Arc::new(limits(dice)),
        routes: configured::table(facts.variant),
        site: configured::site(),
        compression: facts.compression,
        access: guests::invited(access, facts.guests),
        allow_origins: facts.lets_in.then(|| ORIGIN.to_owned()).into_iter().collect(),
        ..Policy::default()
    });
    One { policy, facts }
}

/// Small limits: what is rare elsewhere happens all the time here.
fn limits(dice: &mut Dice) -> Limits {
    let message = *dice.pick(&[400, 1000, 6000, 20_000]);
    Limits {
        head_bytes_max: 2000,
        // However long a core may not be heard of here.
        api_time: Duration::from_secs(3600),
        head_time: Duration::from_secs(*dice.pick(&[3, 5])),
        keep_alive: Duration::from_secs(*dice.pick(&[7, 15])),
        ping_interval: Duration::from_secs(*dice.pick(&[6, 25])),
        ping_timeout: Duration::from_secs(*dice.pick(&[3, 10])),
        write_stall: Duration::from_secs(*dice.pick(&[3, 10])),
        closing: Duration::from_secs(*dice.pick(&[3, 5])),
        message_bytes_max: message,
        deflate_bytes_min: *dice.pick(&[1, 40, 512]),
        fragments_max: *dice.pick(&[2, 5, 12]),
        refusals_max: *dice.pick(&[2, 3, 16]),
        outbox_bytes_max: message * 2 + *dice.pick(&[300, 4000, 100_000]),
        read_bytes_per_connection: *dice.pick(&[50, 700, 64 * 1024, 1 << 20]),
        connections_max: *dice.pick(&[6, 15, 100]),
        room_log_bytes_max: *dice.pick(&[1500, 6000, 50_000, 1 << 20]),
        room_log_events_max: *dice.pick(&[3, 15, 1000]),
        log_age: Duration::from_secs(*dice.pick(&[3, 20, 60])),
        node_log_bytes_max: *dice.pick(&[4000, 30_000, 1 << 22]),
        rooms_max: *dice.pick(&[2, 4, 100]),
        filters_max: 4,
        drain: Duration::from_secs(*dice.pick(&[2, 30])),
        linger_bytes_max: *dice.pick(&[100, 64 * 1024]),
        ..Limits::default()
    }
}
