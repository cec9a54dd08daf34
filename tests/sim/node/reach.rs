//! Keys, in runs that ask for one: most clients may do anything, some readers read some rooms only.
//!
//! Knows: which rooms those are, how a credential is shown.
//! Must not know: how a server keeps others from showing.
//!
//! Strangers do not come where keys are asked for: of them nothing would be expected but a refusal.

use super::dice::Dice;
use std::sync::Arc;
use tidegate::auth::{Access, Glob, Globs, Keyring, Rights, Secret};
use tidegate::hub::{EVERYONE, Hub};
use tidegate::limits::Limits;
use tidegate::sse::LastEventId;

const ALL: &str = "opens-every-door-there-is";
const SOME: &str = "opens-some-rooms-for-readers";

/// Whether a reader with the lesser key may read `room`.
pub(crate) fn has(room: &str) -> bool {
    room != EVERYONE && (room.starts_with('r') || room == "ö")
}

/// What is asked for in a run, if anything is.
pub(crate) fn access(dice: &mut Dice) -> Arc<Access> {
    let mut keyring = Keyring::new(&Limits::default());
    if dice.chance(40) {
        let globs = |texts: &[&str]| {
            Globs::new(texts.iter().map(|text| Glob::parse(text).expect("a pattern")).collect())
        };
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        keyring.add_static("all", &secret(ALL), Rights { manage: true, ..Rights::usual() });
        let some = Rights { subscribe: globs(&["r*", "ö"]), ..Rights::default() };
        keyring.add_static("some", &secret(SOME), some);
    }
    Arc::new(Access { keyring, ..Access::default() })
}

/// The request `text` with the lesser key, or the one that may do anything.
pub(crate) fn with_key(text: &str, is_limited: bool) -> String {
    let key = if is_limited { SOME } else { ALL };
    text.replacen("\r\nHost: ", &format!("\r\nAuthorization: Bearer {key}\r\nHost: "), 1)
}

/// The number in a sealed id of this epoch.
pub(crate) fn sealed(id: &str, hub: &Hub) -> Option<u64> {
    match LastEventId::parse_sealed(id.as_bytes(), hub.epoch()) {
        LastEventId::At(at) => Some(at),
        LastEventId::Unknown => None,
    }
}
