//! Saying again and again that nobody is asked who they are, where that was accepted.
//!
//! Knows: whether a configuration accepts it, how often it is said.
//! Must not know: clocks, who can reach the server.

use crate::config::Config;
use std::time::Duration;

/// From one warning to the next.
const INTERVAL: Duration = Duration::from_secs(3600);

/// Whether strangers are let in, and whoever runs this said that they may be.
pub(super) fn is_accepted(config: &Config) -> bool {
    config.insecure && !config.access.is_on()
}

/// Warns as long as strangers are let in. Times are since the process began.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    /// When it warns next. `None`: there is no reason to.
    due: Option<Duration>,
}

impl Alarm {
    /// From `now` on `config` holds. Gives whether to warn: there was no reason to before.
    #[must_use]
    pub(super) fn go_by(&mut self, config: &Config, now: Duration) -> bool {
        let was_on = self.due.is_some();
        self.due = is_accepted(config).then(|| self.due.unwrap_or(now + INTERVAL));
        !was_on && self.due.is_some()
    }

    /// How long there is nothing to be said. `None`: for ever.
    pub(super) fn silence(&self, now: Duration) -> Option<Duration> {
        self.due.map(|due| due.saturating_sub(now))
    }

    /// Gives whether it is time to warn.
    #[must_use]
    pub(super) fn rings(&mut self, now: Duration) -> bool {
        let is_due = self.due.is_some_and(|due| due <= now);
        if is_due {
            self.due = Some(now + INTERVAL);
        }
        is_due
    }
}

/// The warning.
pub(super) fn warn() {
    log::warn!(
        "INSECURE: no credentials are asked for, and --insecure accepts that: everyone who reaches \
         this server can connect, read, write and manage; give it a [[key]] in a file for --config"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Access, Keyring, Rights, Secret};

    fn config(insecure: bool, has_key: bool) -> Config {
        let mut keyring = Keyring::default();
        if has_key {
            keyring.add_static("a", &Secret::new(b"0123456789abcdef".to_vec()), Rights::usual());
        }
        let access = Access { keyring, ..Access::default() };
        Config { insecure, access, ..Config::default() }
    }

    #[test]
    fn it_warns_at_once_and_each_hour_while_strangers_are_let_in() {
        let mut alarm = Alarm::default();
        let minutes = |n: u64| Duration::from_secs(60 * n);
        assert!(!alarm.go_by(&config(false, false), minutes(0)), "only loopback is listened on");
        assert_eq!((alarm.silence(minutes(0)), alarm.rings(minutes(90))), (None, false));
        assert!(alarm.go_by(&config(true, false), minutes(100)));
        assert_eq!(alarm.silence(minutes(130)), Some(minutes(30)));
        assert!(!alarm.rings(minutes(159)));
        assert!(!alarm.go_by(&config(true, false), minutes(159)), "it was said, and will be");
        assert!(alarm.rings(minutes(160)) && !alarm.rings(minutes(160)));
        assert_eq!(alarm.silence(minutes(230)), Some(Duration::ZERO));
        assert!(alarm.rings(minutes(230)), "an hour and what it came too late");
        assert!(!alarm.go_by(&config(true, true), minutes(240)), "a key: nobody is a stranger");
        assert!(!alarm.rings(minutes(1000)));
        assert!(alarm.go_by(&config(true, false), minutes(1000)), "and then there is none");
    }
}
