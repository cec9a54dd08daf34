//! A bound on how many problems are told.
//!
//! Knows: how many there were, when the next may be told.
//! Must not know: what they are.
//!
//! Whoever can cause a problem can cause a million. The first of them are told one by one; what
//! comes faster is counted, and the counts are told once a second.

use super::{Account, Level, Target};
use crate::bytes::Tick;
use crate::limits::{ACCOUNTS_BURST_MAX, ACCOUNTS_INTERVAL};
use std::mem;
use std::time::Duration;

/// How often those are told of that were only counted.
const TOLD_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Flood {
    /// When all that was told would have been, at the rate that is kept in the long run.
    even_at: Duration,
    access: Withheld,
    connection: Withheld,
    /// When the counts are told.
    due: Option<Tick>,
}

/// What was not told of one target.
#[derive(Debug, Default)]
struct Withheld {
    count: u64,
    /// What mattered most of it.
    level: Option<Level>,
}

impl Flood {
    /// Whether one more may be told; if not, it is counted.
    pub(super) fn admits(
        &mut self,
        target: Target,
        level: Level,
        now: Duration,
        tick: Tick,
    ) -> bool {
        let even_at = self.even_at.max(now) + ACCOUNTS_INTERVAL;
        if even_at <= now + ACCOUNTS_INTERVAL * ACCOUNTS_BURST_MAX {
            self.even_at = even_at;
            return true;
        }
        let withheld = match target {
            Target::Access => &mut self.access,
            Target::Connection => &mut self.connection,
        };
        withheld.count += 1;
        withheld.level = withheld.level.max(Some(level));
        self.due.get_or_insert(tick.after(TOLD_EVERY));
        false
    }

    pub(super) fn next_due(&self) -> Option<Tick> {
        self.due
    }

    /// What is to be told of those that were counted.
    pub(super) fn withheld(&mut self, now: Tick) -> impl Iterator<Item = Account> + use<> {
        let is_due = self.due.take_if(|due| *due <= now).is_some();
        let mut take = |target| {
            let place = match target {
                Target::Access => &mut self.access,
                Target::Connection => &mut self.connection,
            };
            if is_due { mem::take(place).account(target) } else { None }
        };
        [take(Target::Access), take(Target::Connection)].into_iter().flatten()
    }
}

impl Withheld {
    fn account(self, target: Target) -> Option<Account> {
        let (count, level) = (self.count, self.level?);
        let message = match (target, count) {
            (Target::Access, 1) => "1 more request was refused".to_owned(),
            (Target::Access, _) => format!("{count} more requests were refused"),
            (Target::Connection, 1) => "1 more connection ended badly".to_owned(),
            (Target::Connection, _) => format!("{count} more connections ended badly"),
        };
        Some(Account::new(target, level, message).with("count", count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(flood: &mut Flood, tries: usize, at: Duration) -> usize {
        let admits = |_: &usize| flood.admits(Target::Access, Level::Info, at, Tick::at(at));
        (0..tries).filter(admits).count()
    }

    #[test]
    fn a_burst_is_told_whole_and_then_so_many_a_second() {
        let mut flood = Flood::default();
        let second = Duration::from_secs(1);
        assert_eq!(admitted(&mut flood, 1000, 9 * second), 100);
        assert_eq!(admitted(&mut flood, 1000, 10 * second), 20);
        assert_eq!(admitted(&mut flood, 1000, 12 * second), 40);
        // What was saved is never more than a burst.
        assert_eq!(admitted(&mut flood, 1000, 1000 * second), 100);
    }

    #[test]
    fn what_is_withheld_is_counted_and_told_once_a_second() {
        let mut flood = Flood::default();
        let at = Duration::from_secs(9);
        assert_eq!(flood.next_due(), None);
        admitted(&mut flood, 412, at);
        assert!(!flood.admits(Target::Connection, Level::Info, at, Tick::at(at)));
        assert!(!flood.admits(Target::Access, Level::Warn, at, Tick::at(at)));
        assert!(!flood.admits(Target::Access, Level::Info, at, Tick::at(at)));
        let due = flood.next_due().expect("there is something to tell");
        assert!(due.start() >= at + TOLD_EVERY && due.start() < at + 2 * TOLD_EVERY);
        assert_eq!(flood.withheld(Tick(due.0 - 1)).count(), 0, "it is too early");
        let told: Vec<Account> = flood.withheld(due).collect();
        let [access, connection] = &told[..] else { panic!("{told:?}") };
        assert_eq!(access.message, "314 more requests were refused");
        assert_eq!((access.target, access.level), (Target::Access, Level::Warn));
        assert_eq!(connection.message, "1 more connection ended badly");
        assert_eq!((connection.target, connection.level), (Target::Connection, Level::Info));
        assert_eq!((flood.next_due(), flood.withheld(due).count()), (None, 0));
    }
}
