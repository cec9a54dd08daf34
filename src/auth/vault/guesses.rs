//! Who guesses: from where bad credentials came of late.
//!
//! Knows: addresses as keyed hashes, how often is too often.
//! Must not know: what was guessed, sockets.
//!
//! Each address has a bucket that holds so many bad credentials as one may present in a minute, and
//! fills again within one. The table has a fixed size. Where it is full, the address that guessed
//! least makes room: whoever has so many addresses has that many buckets anyway.

use super::lock;
use siphasher::sip::SipHasher13;
use std::fmt;
use std::hash::Hasher;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// An address may stand in any place of its row, and rows are a power of two.
const PLACES: usize = 8;
const ROWS: usize = 1 << 13;
const _: () = assert!(ROWS.is_power_of_two());

const MINUTE_US: u64 = 60_000_000;

/// The buckets that are not full.
pub struct Guesses {
    key: [u8; 16],
    /// Nobody has guessed so far, and nobody takes the lock.
    any: AtomicBool,
    rows: Mutex<Vec<Row>>,
}

type Row = [Bucket; PLACES];

#[derive(Clone, Copy, Default)]
struct Bucket {
    address: u64,
    /// When it will be full again, in microseconds: so little takes the whole state of a bucket.
    full_us: u64,
}

impl Guesses {
    pub(super) fn new(secret: &[u8]) -> Guesses {
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(secret) {
            *to = *from;
        }
        Guesses { key, any: AtomicBool::new(false), rows: Mutex::default() }
    }

    /// What an address of 4 or 16 bytes is called here. Whoever has an IPv6 address has all 2^64 of
    /// its network; an IPv4 address that is written as an IPv6 one is the same as itself.
    pub fn address(&self, octets: &[u8]) -> u64 {
        const MAPPED: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
        let part = match octets.strip_prefix(MAPPED) {
            Some(v4) => v4,
            None => octets.get(..8).unwrap_or(octets),
        };
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hasher.write(part);
        // 0 is nobody's.
        hasher.finish().max(1)
    }

    /// Whether a credential from `address` is looked at, where `per_minute` bad ones may come.
    ///
    /// # Errors
    ///
    /// Too many were bad; so long to wait for the next.
    pub fn may_try(&self, address: u64, now: Duration, per_minute: u32) -> Result<(), Duration> {
        if !self.any.load(Ordering::Relaxed) {
            return Ok(());
        }
        let rows = lock(&self.rows);
        let row = rows.get(row_of(address));
        let own = row.and_then(|row| row.iter().find(|bucket| bucket.address == address));
        let Some(own) = own else { return Ok(()) };
        let missing = own.full_us.saturating_sub(micros(now));
        let room = MINUTE_US.saturating_sub(each_us(per_minute));
        match missing.saturating_sub(room) {
            0 => Ok(()),
            wait => Err(Duration::from_micros(wait)),
        }
    }

    /// A credential from `address` was bad.
    pub fn note_bad(&self, address: u64, now: Duration, per_minute: u32) {
        let now = micros(now);
        let mut rows = lock(&self.rows);
        if rows.is_empty() {
            *rows = vec![Row::default(); ROWS];
            self.any.store(true, Ordering::Relaxed);
        }
        let Some(row) = rows.get_mut(row_of(address)) else { return };
        let is_own = |bucket: &&mut Bucket| bucket.address == address;
        let bucket = match row.iter_mut().find(is_own) {
            Some(own) => own,
            None => {
                let Some(fullest) = row.iter_mut().min_by_key(|it| it.full_us) else { return };
                *fullest = Bucket { address, full_us: now };
                fullest
            }
        };
        let full_us = bucket.full_us.max(now).saturating_add(each_us(per_minute));
        // Guesses that were on their way when it was empty do not count for longer than a minute.
        bucket.full_us = full_us.min(now.saturating_add(MINUTE_US));
    }
}

fn row_of(address: u64) -> usize {
    usize::try_from(address).unwrap_or(0) & (ROWS.saturating_sub(1))
}

fn each_us(per_minute: u32) -> u64 {
    MINUTE_US.checked_div(u64::from(per_minute)).unwrap_or(MINUTE_US)
}

fn micros(now: Duration) -> u64 {
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Guesses {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Guesses")
    }
}
