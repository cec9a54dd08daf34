//! What no single option can get wrong.
//!
//! Knows: which options must agree.
//! Must not know: how values are written.

use std::net::SocketAddr;

use super::given::{Given, Origin};
use super::mistakes::{Mistakes, Problem};
use super::settings::{self, Takes};
use super::{Config, addresses};

/// `small` must not be more than `large`. A default gives way: whoever asks for more of the one
/// gets more of the other, unless it was given, too.
struct Relation {
    small: &'static str,
    large: &'static str,
    why: &'static str,
}

const RELATIONS: [Relation; 5] = [
    Relation {
        small: "max-message",
        large: "room-log",
        why: "a message must fit into the log of its room",
    },
    Relation {
        small: "max-body",
        large: "node-log",
        why: "what is published must fit into the log",
    },
    Relation {
        small: "max-body",
        large: "node-bodies",
        why: "one body is a part of all bodies together",
    },
    Relation {
        small: "room-log",
        large: "node-log",
        why: "a room's log is a part of all logs together",
    },
    Relation {
        small: "read-budget",
        large: "turn-budget",
        why: "what one connection sends is a part of what all send",
    },
];

/// Finds what does not go together; an option that is wrong by itself is not looked at again.
/// Whoever comes `is_asked` for a credential, or is not.
pub(super) fn check(config: &mut Config, given: &[Given], is_asked: bool, mistakes: &mut Mistakes) {
    for relation in &RELATIONS {
        if !mistakes.concern(relation.small) && !mistakes.concern(relation.large) {
            relation.check(config, given, mistakes);
        }
    }
    // A wrong --insecure was meant to be something; its own mistake is enough.
    if !is_asked && !config.insecure && !mistakes.concern("insecure") {
        check_exposure(&config.ws_addrs, "ws-addr", given, mistakes);
        check_exposure(&config.http_addrs, "http-addr", given, mistakes);
    }
}

impl Relation {
    /// Raises a default that is too small. Otherwise blames an option that was given, the smaller
    /// one if both were.
    fn check(&self, config: &mut Config, given: &[Given], mistakes: &mut Mistakes) {
        let (Some((small, small_text)), Some((large, large_text))) =
            (quantity(config, self.small), quantity(config, self.large))
        else {
            return;
        };
        if small <= large {
            return;
        }
        if find(given, self.large).is_none() {
            return raise(config, self.large, small);
        }
        let why = self.why;
        if let Some(option) = find(given, self.small) {
            let problem = Problem::Above { flag: self.large, value: large_text, why };
            mistakes.push(&option.subject, Some(&option.text()), problem);
        } else if let Some(option) = find(given, self.large) {
            let problem = Problem::Below { flag: self.small, value: small_text, why };
            mistakes.push(&option.subject, Some(&option.text()), problem);
        }
    }
}

fn raise(config: &mut Config, flag: &str, value: u64) {
    if let Some(Takes::Quantity(_, _, field)) = settings::named(flag).map(|it| &it.takes) {
        field.set(config, value);
    }
}

/// A quantity as a number and as text.
fn quantity(config: &mut Config, flag: &str) -> Option<(u64, String)> {
    match &settings::named(flag)?.takes {
        Takes::Quantity(unit, _, field) => {
            field.value(config).map(|value| (value, unit.write(value)))
        }
        Takes::Nothing(_)
        | Takes::Switch(_)
        | Takes::Addresses(_)
        | Takes::Origins(_)
        | Takes::Hosts(_)
        | Takes::File => None,
    }
}

fn check_exposure(listeners: &[SocketAddr], flag: &str, given: &[Given], mistakes: &mut Mistakes) {
    let Some(option) = find(given, flag) else {
        return; // The defaults are on loopback.
    };
    let in_file = option.origin == Origin::File;
    for address in listeners.iter().filter(|address| !addresses::is_loopback(address)) {
        mistakes.push(&option.subject, Some(&address.to_string()), Problem::Exposed { in_file });
    }
}

fn find<'a>(given: &'a [Given], flag: &str) -> Option<&'a Given> {
    given.iter().filter(|option| option.setting.flag == flag).max_by_key(|option| option.origin)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::config::{Command, Refusal};
    use crate::limits::Limits;

    fn mistakes(line: &str) -> String {
        let args = std::iter::once("tidegate").chain(line.split_whitespace()).map(OsString::from);
        match Config::from_args(args, |_| None) {
            Err(Refusal::Mistakes(mistakes)) => mistakes.to_string(),
            Err(Refusal::Told(told)) => panic!("{told}"),
            Ok(_) => String::new(),
        }
    }

    #[test]
    fn every_relation_is_of_options_and_holds_for_the_defaults() {
        let mut config = Config::default();
        for relation in &RELATIONS {
            let small = quantity(&mut config, relation.small).unwrap().0;
            assert!(small <= quantity(&mut config, relation.large).unwrap().0);
        }
    }

    #[test]
    fn the_option_that_was_given_is_blamed() {
        assert_eq!(
            mistakes("--max-message 8MiB --room-log 4MiB"),
            "--max-message: \"8MiB\" is more than --room-log (4MiB): \
             a message must fit into the log of its room"
        );
        assert_eq!(
            mistakes("--room-log 32KiB"),
            "--room-log: \"32KiB\" is less than --max-message (64KiB): \
             a message must fit into the log of its room"
        );
        assert_eq!(mistakes("--room-log 32KiB --max-message 32KiB"), "");
        let line = "--read-budget 2MiB --turn-budget 1MiB";
        assert!(mistakes(line).contains("--turn-budget (1MiB)"));
        // What the room's log was raised to does not fit, either.
        let line = "--max-message 8MiB --node-log 4MiB";
        assert!(mistakes(line).contains("--room-log (8MiB)"), "{}", mistakes(line));
        assert!(mistakes("--node-log 1MiB").contains("--room-log (4MiB)"));
    }

    #[test]
    fn a_default_gives_way_to_what_was_given() {
        let read = |line: &str| {
            let args = std::iter::once("tidegate").chain(line.split_whitespace());
            match Config::from_args(args.map(OsString::from), |_| None) {
                Ok(Command::Serve(loaded, _)) => loaded.config.limits,
                other => panic!("{line}: {other:?}"),
            }
        };
        let limits = read("--max-message 16MiB");
        assert_eq!((limits.message_bytes_max, limits.room_log_bytes_max), (16 << 20, 16 << 20));
        assert_eq!(limits.node_log_bytes_max, Limits::default().node_log_bytes_max);
        assert_eq!(read("--room-log 1GiB").node_log_bytes_max, 1 << 30);
        assert_eq!(read("--read-budget 2MiB").read_bytes_per_turn, 2 << 20);
        assert_eq!(read("--max-message 8KiB").room_log_bytes_max, 4 << 20);
    }

    #[test]
    fn a_wrong_value_does_not_bring_a_second_mistake() {
        assert_eq!(mistakes("--room-log 32KiB --max-message 8XiB").lines().count(), 1);
        assert_eq!(mistakes("--ws-addr 10.0.0.1:80,oops").lines().count(), 2);
    }
}
