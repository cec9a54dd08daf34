//! Each store beside a plain model of it.
//!
//! Knows: the stores, proptest.
//! Must not know: how they keep what they keep.

use super::super::grant::{Grant, TokenId};
use super::super::rights::Rights;
use super::*;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

fn grant() -> Grant {
    Grant::new(Arc::from("key"), 7, Arc::new(Rights::usual()))
}

fn of(subject: &str) -> Arc<Grant> {
    Arc::new(grant().of_subject(Some(subject)))
}

fn subject(name: &str) -> Whom {
    Whom::Subject(Arc::from(name))
}

#[test]
fn a_ticket_is_good_once_and_until_its_end() {
    let vault = Vault::new([1; 32]);
    let first = vault.tickets.mint(of("a"), 100, 200, 9).unwrap();
    let second = vault.tickets.mint(of("b"), 100, 200, 9).unwrap();
    assert_eq!(vault.tickets.redeem(&first, 199), Some(of("a")));
    assert_eq!(vault.tickets.redeem(&first, 199), None, "it was used");
    assert_eq!(vault.tickets.redeem(&second, 200), None, "it is over");
    assert_eq!(vault.tickets.redeem(&second, 199), None, "whoever came too late has used it");
    assert_eq!(vault.tickets.count(), 0);
}

#[test]
fn nobody_guesses_a_ticket_from_others() {
    let mint = |secret| {
        let vault = Vault::new([secret; 32]);
        let tickets: Vec<_> =
            (0..100).map(|_| vault.tickets.mint(of("a"), 0, 9, 100).unwrap()).collect();
        (vault, tickets)
    };
    let ((vault, ours), (_, others)) = (mint(1), mint(2));
    assert!(ours.iter().all(|ticket| ticket.len() == 43 && !others.contains(ticket)));
    let mut unique = ours.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), 100);
    for text in others.iter().map(String::as_str).chain(["", "=", "a", "ä", &"a".repeat(10_000)]) {
        assert_eq!(vault.tickets.redeem(text, 0), None, "{text}");
    }
    // Each has one spelling: 43 characters hold two bits more than 32 bytes.
    let ticket = &ours[0];
    for last in ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(['-', '_', '=']) {
        let other = format!("{}{last}", &ticket[..42]);
        if other != *ticket && vault.tickets.redeem(&other, 0).is_some() {
            panic!("{other} was taken for {ticket}");
        }
    }
    for other in [format!("{ticket}="), format!("{ticket}A"), format!(" {ticket}")] {
        assert_eq!(vault.tickets.redeem(&other, 0), None, "{other}");
    }
    assert!(vault.tickets.redeem(ticket, 0).is_some(), "it was none of those");
    assert!(!format!("{vault:?}").contains(&ours[1]));
}

#[test]
fn a_ticket_that_all_cores_redeem_at_once_lets_one_of_them_in() {
    const CORES: usize = 8;
    let vault = Vault::new([1; 32]);
    for _ in 0..200 {
        let ticket = vault.tickets.mint(of("a"), 0, 9, 1).unwrap();
        let barrier = Barrier::new(CORES);
        let redeem = || {
            barrier.wait();
            vault.tickets.redeem(&ticket, 0).is_some()
        };
        let let_in = thread::scope(|scope| {
            let cores: Vec<_> = (0..CORES).map(|_| scope.spawn(redeem)).collect();
            cores.into_iter().map(|core| core.join().unwrap()).filter(|won| *won).count()
        });
        assert_eq!(let_in, 1);
    }
}

#[test]
fn what_is_over_makes_room_for_tickets_and_what_is_not_does_not() {
    let vault = Vault::default();
    for _ in 0..100 {
        vault.tickets.mint(of("a"), 0, 10, 100).unwrap();
    }
    assert_eq!(vault.tickets.mint(of("a"), 9, 20, 100), Err(Full));
    for _ in 0..100 {
        vault.tickets.mint(of("a"), 10, 20, 100).unwrap();
    }
    assert_eq!(vault.tickets.mint(of("a"), 19, 30, 100), Err(Full), "none of these is over");
    vault.tidy(20);
    assert_eq!(vault.tickets.count(), 0);
}

#[test]
fn a_revoked_subject_is_good_again_with_what_is_issued_later() {
    let vault = Vault::default();
    assert!(!vault.revocations.concern(&of("a"), 0));
    vault.revocations.add(Revocation::new(subject("a"), 5_000, None), 9).unwrap();
    for (issued, is_revoked) in [(None, true), (Some(4_999), true), (Some(6_000), false)] {
        let grant = grant().of_subject(Some("a")).issued_at(issued);
        assert_eq!(vault.revocations.concern(&grant, 9_000), is_revoked, "{issued:?}");
    }
    let others = [grant(), grant().of_subject(Some("b")), grant().of_token(Some(TokenId::of("a")))];
    for grant in others {
        assert!(!vault.revocations.concern(&grant, 9_000), "{grant:?}");
    }
    assert!(vault.revocations.lift(&subject("a"), 9_000));
    assert!(!vault.revocations.concern(&of("a"), 9_000));
    assert!(!vault.revocations.lift(&subject("a"), 9_000), "it was lifted before");
}

#[test]
fn a_token_and_a_name_are_revoked_by_what_they_are_called() {
    let vault = Vault::default();
    let token = |id| grant().of_token(Some(TokenId::of(id))).issued_at(Some(9_000));
    vault.revocations.add(Revocation::new(Whom::TokenId(Arc::from("t")), 5_000, None), 9).unwrap();
    let name = Whom::ConnectionId(Arc::from("n"));
    vault.revocations.add(Revocation::new(name, 5_000, Some(6_000)), 9).unwrap();
    assert!(vault.revocations.concern(&token("t"), 7_000), "whenever it was issued");
    assert!(!vault.revocations.concern(&token("u"), 7_000));
    assert!(vault.revocations.bar("n", 5_999) && !vault.revocations.bar("n", 6_000));
    assert!(!vault.revocations.bar("t", 5_999) && !vault.revocations.concern(&of("n"), 5_999));
}

#[test]
fn no_revocation_shortens_another_and_none_goes_for_one() {
    let vault = Vault::default();
    let add =
        |name: &str, at, until| vault.revocations.add(Revocation::new(subject(name), at, until), 2);
    add("a", 1_000, None).unwrap();
    add("a", 2_000, Some(3_000)).unwrap();
    let later = grant().of_subject(Some("a")).issued_at(Some(2_000));
    assert!(vault.revocations.concern(&later, 9_000), "the later moment, and the later end");
    add("b", 1_000, Some(5_000)).unwrap();
    add("b", 1_000, Some(4_000)).unwrap();
    assert_eq!(add("c", 4_999, None), Err(Full));
    assert!(
        vault.revocations.concern(&of("a"), 4_999) && vault.revocations.concern(&of("b"), 4_999)
    );
    assert!(!vault.revocations.concern(&of("c"), 4_999));
    add("c", 5_000, None).unwrap();
    assert!(!vault.revocations.concern(&of("b"), 5_000), "it was over, and made room");
}

/// Whether a credential is looked at, for one address.
fn tries(vault: &Vault, address: u64, ms: u64) -> bool {
    vault.guesses.may_try(address, Duration::from_millis(ms), 20).is_ok()
}

#[test]
fn so_many_may_be_wrong_in_a_minute_and_no_more() {
    let vault = Vault::default();
    let now = Duration::from_millis(5);
    let (one, other) =
        (vault.guesses.address(&[127, 0, 0, 1]), vault.guesses.address(&[1, 2, 3, 4]));
    for _ in 0..20 {
        assert!(tries(&vault, one, 5));
        vault.guesses.note_bad(one, now, 20);
    }
    let wait = vault.guesses.may_try(one, now, 20).unwrap_err();
    assert_eq!(wait, Duration::from_secs(3), "as long as the next takes to come");
    assert!(tries(&vault, other, 5), "others are not concerned");
    assert!(!tries(&vault, one, 3_004) && tries(&vault, one, 3_005));
    vault.guesses.note_bad(one, Duration::from_millis(3_005), 20);
    assert!(!tries(&vault, one, 3_006));
    // Whoever was quiet for a minute begins anew.
    for _ in 0..20 {
        assert!(tries(&vault, one, 70_000));
        vault.guesses.note_bad(one, Duration::from_millis(70_000), 20);
    }
    assert!(!tries(&vault, one, 70_000));
}

#[test]
fn an_address_is_its_network() {
    let guesses = &Vault::default().guesses;
    let v6 = |first: u8, last: u8| {
        let mut octets = [0x20; 16];
        (octets[7], octets[15]) = (first, last);
        guesses.address(&octets)
    };
    assert_eq!(v6(1, 1), v6(1, 2), "a /64 has one owner");
    assert_ne!(v6(1, 1), v6(2, 1));
    let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4];
    assert_eq!(guesses.address(&mapped), guesses.address(&[1, 2, 3, 4]));
    assert_ne!(guesses.address(&[1, 2, 3, 5]), guesses.address(&[1, 2, 3, 4]));
    assert_ne!(Vault::new([9; 32]).guesses.address(&[1, 2, 3, 4]), guesses.address(&[1, 2, 3, 4]));
}

/// A table has a size, and what does not fit is not who guesses most.
#[test]
fn whoever_guesses_most_is_not_forgotten_for_crowds_that_guess_once() {
    let vault = Vault::default();
    let now = Duration::from_secs(1);
    let busy = vault.guesses.address(&[10, 0, 0, 1]);
    (0..20).for_each(|_| vault.guesses.note_bad(busy, now, 20));
    for n in 0..300_000u32 {
        let address = vault.guesses.address(&(n + 0x2000_0000).to_be_bytes());
        vault.guesses.note_bad(address, now, 20);
    }
    assert!(!tries(&vault, busy, 1_000));
}

/// What a store is told, one thing after the other, with the time that passes before.
fn steps() -> impl Strategy<Value = Vec<(u64, u8, u8, u64)>> {
    prop::collection::vec((0..30u64, 0..4u8, 0..4u8, 0..60u64), 0..120)
}

proptest! {
    #[test]
    fn tickets_are_those_of_a_model(steps in steps()) {
        const MAX: usize = 3;
        let vault = Vault::default();
        let mut model: Vec<(String, u8, u64)> = Vec::new();
        let mut used: Vec<String> = Vec::new();
        let mut now = 0;
        for (pass, what, who, span) in steps {
            now += pass;
            match what {
                0 | 1 => {
                    let name = who.to_string();
                    let minted = vault.tickets.mint(of(&name), now, now + span, MAX);
                    model.retain(|(.., until)| *until > now);
                    prop_assert_eq!(minted.is_ok(), model.len() < MAX);
                    model.extend(minted.ok().map(|ticket| (ticket, who, now + span)));
                }
                2 if !model.is_empty() => {
                    let (ticket, who, until) = model.remove(who as usize % model.len());
                    let expected = (until > now).then(|| of(&who.to_string()));
                    prop_assert_eq!(vault.tickets.redeem(&ticket, now), expected);
                    used.push(ticket);
                }
                _ => {
                    for ticket in &used {
                        prop_assert_eq!(vault.tickets.redeem(ticket, now), None);
                    }
                    vault.tidy(now);
                }
            }
        }
    }

    #[test]
    fn revocations_are_those_of_a_model(steps in steps()) {
        const MAX: usize = 3;
        let vault = Vault::default();
        let mut model: HashMap<u8, (u64, Option<u64>)> = HashMap::new();
        let mut now = 0;
        for (pass, what, who, span) in steps {
            now += pass * 1_000;
            let whom = subject(&who.to_string());
            model.retain(|_, (_, until)| until.is_none_or(|until| until > now));
            match what {
                0 | 1 => {
                    let until = (span > 0).then_some(now + span * 1_000);
                    let added = vault.revocations.add(Revocation::new(whom, now, until), MAX);
                    let before = model.get(&who).copied();
                    prop_assert_eq!(added.is_ok(), before.is_some() || model.len() < MAX);
                    if added.is_ok() {
                        let both = before.map_or(until, |(_, own)| Some(own?.max(until?)));
                        model.insert(who, (now, both));
                    }
                }
                2 => {
                    let was_there = model.remove(&who).is_some();
                    prop_assert_eq!(vault.revocations.lift(&whom, now), was_there);
                }
                _ => vault.tidy(now),
            }
            let listed = vault.revocations.page(None, 99, now);
            prop_assert_eq!(listed.len(), model.len());
            for name in 0..4u8 {
                let known = model.get(&name);
                let issued = grant().of_subject(Some(&name.to_string())).issued_at(Some(now));
                prop_assert_eq!(vault.revocations.concern(&of(&name.to_string()), now), known.is_some());
                let is_newest = known.is_some_and(|(at, _)| *at == now);
                prop_assert_eq!(vault.revocations.concern(&issued, now), is_newest);
                let whom = subject(&name.to_string());
                let own = listed.iter().find(|it| it.whom == whom).map(|it| (it.at_ms, it.until_ms));
                prop_assert_eq!(own.as_ref(), known);
            }
        }
    }

    /// A bucket, as one would draw it: so full, and filling.
    #[test]
    fn guesses_are_those_of_a_model(steps in steps(), per_minute in 1..100u32) {
        let vault = Vault::default();
        let each_ms = 60_000.0 / f64::from(per_minute);
        let mut model: HashMap<u8, (f64, u64)> = HashMap::new();
        let mut now = 0u64;
        for (pass, _, who, span) in steps {
            now += pass * span;
            let address = vault.guesses.address(&[1, 1, 1, who]);
            let bucket = model.entry(who).or_insert((f64::from(per_minute), now));
            let filled = bucket.0 + (now - bucket.1) as f64 / each_ms;
            *bucket = (filled.min(f64::from(per_minute)), now);
            let at = Duration::from_millis(now);
            let may = vault.guesses.may_try(address, at, per_minute);
            // A microsecond is not argued about.
            if (bucket.0 - 1.0).abs() > 0.001 {
                prop_assert_eq!(may.is_ok(), bucket.0 > 1.0, "{} left at {}", bucket.0, now);
            }
            if may.is_ok() {
                vault.guesses.note_bad(address, at, per_minute);
                bucket.0 -= 1.0;
            }
        }
    }

    #[test]
    fn a_page_goes_on_where_the_last_one_ended(names in prop::collection::btree_set("[a-c]{1,3}", 0..30), limit in 1..7usize) {
        let vault = Vault::default();
        for name in &names {
            let name = Arc::from(&**name);
            for whom in [Whom::Subject(Arc::clone(&name)), Whom::ConnectionId(name)] {
                vault.revocations.add(Revocation::new(whom, 0, None), 999).unwrap();
            }
        }
        let mut all: Vec<Whom> = Vec::new();
        loop {
            let page = vault.revocations.page(all.last(), limit, 0);
            all.extend(page.iter().map(|it| it.whom.clone()));
            if page.len() < limit {
                break;
            }
        }
        prop_assert_eq!(all.len(), 2 * names.len());
        prop_assert!(all.is_sorted());
    }
}
