//! Who owns which `connectionId`.
//!
//! Knows: places of connections, sessions.
//! Must not know: names as text, protocols.
//!
//! A name has one owner, and it changes hands only where commits happen: the core that commits the
//! owner's close event releases the name in the same visit, and the claimant, if there is one, owns
//! it from then on. So whatever the new owner publishes comes after that close.

use super::census::Owner;
use super::name::{Identity, Who};
use crate::bytes::Place;
use std::collections::HashMap;

/// The answer to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The name is the claimant's from now on.
    Granted {
        /// The number of this registration.
        session: u64,
    },
    /// Somebody has it and keeps it: we gave it to them ourselves, or nobody was to be replaced.
    Refused,
    /// Somebody owns it. The claimant will own it when that one is gone: a [`Handed`] tells.
    Waiting {
        /// Who has to go first.
        owner: Place,
        /// Who waited for the name until now, and no longer does.
        displaced: Option<Place>,
    },
}

/// A name that changed hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handed {
    /// The new owner.
    pub to: Place,
    /// The number of its registration.
    pub session: u64,
}

/// How somebody came to a name, and so by whom it can be taken: by nobody who stands lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nobody vouches for it.
    Stranger,
    /// It was let in, by a credential that allows the name.
    Vouched,
    /// The name is of our making: its owner cannot be replaced.
    Given,
}

#[derive(Clone, Copy, Debug)]
struct Registration {
    owner: Place,
    session: u64,
    standing: Standing,
    claimant: Option<(Place, Standing)>,
}

#[derive(Debug)]
pub(super) struct Directory {
    owners: HashMap<Who, Registration, Identity>,
    last_session: u64,
}

/// Registrations a millisecond that keep sessions growing over a restart; the number stays below
/// 2^53, so that JavaScript reads it exactly.
const SESSIONS_PER_MS: u64 = 1000;

impl Directory {
    pub(super) fn new(unix_ms: u64) -> Directory {
        Directory {
            owners: HashMap::default(),
            last_session: unix_ms.saturating_mul(SESSIONS_PER_MS),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.owners.len()
    }

    /// It is `unix_ms` by now. Later sessions show when they began, and not how many there were:
    /// whoever may not read everything is not to count what it may not read.
    pub(super) fn note_time(&mut self, unix_ms: u64) {
        self.last_session = self.last_session.max(unix_ms.saturating_mul(SESSIONS_PER_MS));
    }

    fn session(&mut self) -> u64 {
        self.last_session += 1;
        self.last_session
    }

    /// `place` wants to be `who`.
    pub(super) fn claim(&mut self, who: Who, place: Place, standing: Standing) -> Claim {
        if let Some(registration) = self.owners.get_mut(&who) {
            let claimant = registration.claimant.map_or(Standing::Stranger, |claimant| claimant.1);
            let highest = registration.standing.max(claimant);
            if highest == Standing::Given || standing < highest {
                return Claim::Refused;
            }
            let displaced = registration.claimant.replace((place, standing));
            let displaced = displaced.map(|(place, _)| place);
            return Claim::Waiting { owner: registration.owner, displaced };
        }
        let session = self.session();
        let registration = Registration { owner: place, session, standing, claimant: None };
        self.owners.insert(who, registration);
        Claim::Granted { session }
    }

    /// Who is `who` now.
    pub(super) fn owner(&self, who: Who) -> Option<Owner> {
        let registration = self.owners.get(&who)?;
        Some(Owner { place: registration.owner, session: registration.session })
    }

    /// `place` wants to be `who`, but not in anybody's stead.
    pub(super) fn claim_unowned(&mut self, who: Who, place: Place, standing: Standing) -> Claim {
        match self.owners.contains_key(&who) {
            true => Claim::Refused,
            false => self.claim(who, place, standing),
        }
    }

    /// `place` is, or wanted to be, `who` no more.
    pub(super) fn release(&mut self, who: Who, place: Place) -> Option<Handed> {
        let registration = self.owners.get_mut(&who)?;
        if registration.claimant.is_some_and(|(claimant, _)| claimant == place) {
            registration.claimant = None;
        }
        if registration.owner != place {
            return None;
        }
        let Some((to, standing)) = registration.claimant.take() else {
            self.owners.remove(&who);
            return None;
        };
        self.last_session += 1;
        let session = self.last_session;
        (registration.owner, registration.session) = (to, session);
        registration.standing = standing;
        Some(Handed { to, session })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Keyed;

    #[test]
    fn a_name_has_one_owner_and_passes_to_the_last_claimant() {
        let mut keyed = Keyed::default();
        let mut place = |core| Place { core, key: keyed.insert(()) };
        let (first, second, third) = (place(0), place(1), place(0));
        let (mut directory, who) = (Directory::new(0), Who(9));
        assert_eq!(directory.claim(who, first, Standing::Stranger), Claim::Granted { session: 1 });
        assert_eq!(
            directory.claim(who, second, Standing::Stranger),
            Claim::Waiting { owner: first, displaced: None }
        );
        let claim = directory.claim(who, third, Standing::Stranger);
        assert_eq!(claim, Claim::Waiting { owner: first, displaced: Some(second) });
        assert_eq!(directory.release(who, second), None, "neither owner nor claimant");
        assert_eq!(directory.owner(who), Some(Owner { place: first, session: 1 }));
        assert_eq!(directory.release(who, first), Some(Handed { to: third, session: 2 }));
        assert_eq!(directory.owner(who), Some(Owner { place: third, session: 2 }));
        assert_eq!(directory.release(who, first), None, "it is not theirs any more");
        assert_eq!(directory.release(who, third), None);
        assert_eq!((directory.owner(who), directory.len()), (None, 0));
    }

    #[test]
    fn a_name_that_we_gave_cannot_be_taken() {
        let mut keyed = Keyed::default();
        let mut place = |core| Place { core, key: keyed.insert(()) };
        let (member, thief) = (place(0), place(1));
        let (mut directory, who) = (Directory::new(0), Who(9));
        directory.claim(who, member, Standing::Given);
        assert_eq!(directory.claim(who, thief, Standing::Stranger), Claim::Refused);
        assert_eq!(directory.release(who, member), None);
        assert_eq!(directory.claim(who, thief, Standing::Stranger), Claim::Granted { session: 2 });
    }

    #[test]
    fn a_name_can_be_asked_for_without_replacing_anybody() {
        let mut keyed = Keyed::default();
        let mut place = |core| Place { core, key: keyed.insert(()) };
        let (first, second, third) = (place(0), place(1), place(2));
        let (mut directory, who) = (Directory::new(0), Who(9));
        assert_eq!(
            directory.claim_unowned(who, first, Standing::Stranger),
            Claim::Granted { session: 1 }
        );
        assert_eq!(directory.claim_unowned(who, second, Standing::Stranger), Claim::Refused);
        assert_eq!(
            directory.claim(who, third, Standing::Stranger),
            Claim::Waiting { owner: first, displaced: None },
            "nobody was displaced by asking"
        );
        directory.release(who, first);
        assert_eq!(
            directory.claim_unowned(who, second, Standing::Stranger),
            Claim::Refused,
            "it was handed on"
        );
        directory.release(who, third);
        assert_eq!(
            directory.claim_unowned(who, second, Standing::Stranger),
            Claim::Granted { session: 3 }
        );
    }

    #[test]
    fn a_claimant_that_leaves_waits_no_more() {
        let mut keyed = Keyed::default();
        let mut place = |core| Place { core, key: keyed.insert(()) };
        let (first, second) = (place(0), place(1));
        let (mut directory, who) = (Directory::new(0), Who(9));
        directory.claim(who, first, Standing::Stranger);
        directory.claim(who, second, Standing::Stranger);
        assert_eq!(directory.release(who, second), None);
        assert_eq!(directory.release(who, first), None);
        assert_eq!(directory.len(), 0);
    }

    #[test]
    fn a_session_tells_when_it_began_and_not_how_many_there_were() {
        let mut keyed = Keyed::default();
        let mut place = || Place { core: 0, key: keyed.insert(()) };
        let mut session_after = |others: u64| {
            let mut directory = Directory::new(5);
            (0..others).for_each(|who| _ = directory.claim(Who(who), place(), Standing::Stranger));
            directory.note_time(6);
            directory.note_time(4);
            directory.claim(Who(99), place(), Standing::Stranger)
        };
        assert_eq!(session_after(0), Claim::Granted { session: 6001 });
        assert_eq!(session_after(50), Claim::Granted { session: 6001 });
        let mut directory = Directory::new(7);
        (0..2000).for_each(|who| _ = directory.claim(Who(who), place(), Standing::Stranger));
        directory.note_time(8);
        let claim = directory.claim(Who(5000), place(), Standing::Stranger);
        assert_eq!(claim, Claim::Granted { session: 9001 }, "it grows all the same");
    }

    #[test]
    fn nobody_is_replaced_by_who_stands_lower() {
        let mut keyed = Keyed::default();
        let mut place = || Place { core: 0, key: keyed.insert(()) };
        let [guest, alice, again, thief] = [place(), place(), place(), place()];
        let (mut directory, who) = (Directory::new(0), Who(1));
        directory.claim(who, guest, Standing::Stranger);
        let waiting = |owner, displaced| Claim::Waiting { owner, displaced };
        assert_eq!(directory.claim(who, alice, Standing::Vouched), waiting(guest, None));
        assert_eq!(directory.claim(who, thief, Standing::Stranger), Claim::Refused, "she waits");
        assert_eq!(directory.release(who, guest).map(|handed| handed.to), Some(alice));
        assert_eq!(directory.claim(who, thief, Standing::Stranger), Claim::Refused, "it is hers");
        assert_eq!(directory.claim(who, again, Standing::Vouched), waiting(alice, None));
        assert_eq!(directory.release(who, alice).map(|handed| handed.to), Some(again));
        directory.release(who, again);
        assert!(matches!(directory.claim(who, thief, Standing::Stranger), Claim::Granted { .. }));
    }
}
