//! Tickets: credentials that are good once, and soon.
//!
//! Knows: what each lets its holder do, until when it waits for that.
//! Must not know: who asked for it, how it travels.
//!
//! A ticket is a keyed digest of a number, and kept as a digest of itself: neither who has seen
//! others, nor who reads this store, can present one.

use super::super::grant::Grant;
use super::{Full, TIDIED_MAX, lock};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Bytes of a ticket, before they are written as text.
const BYTES: usize = 32;

type Digest = [u8; BYTES];

/// The tickets that wait for their holders.
pub struct Tickets {
    key: hmac::Key,
    next: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    tickets: HashMap<Digest, Ticket>,
    /// By when they are over; their numbers tell those of one moment apart.
    ends: BTreeMap<(u64, u64), Digest>,
}

struct Ticket {
    until_ms: u64,
    number: u64,
    grant: Arc<Grant>,
}

impl Tickets {
    pub(super) fn new(key: hmac::Key) -> Tickets {
        Tickets { key, next: AtomicU64::new(0), waiting: Mutex::default() }
    }

    /// A ticket for `grant`, good from `now_ms` until before `until_ms`. At most `tickets_max` wait
    /// at once.
    ///
    /// # Errors
    ///
    /// So many do already.
    pub fn mint(
        &self,
        grant: Arc<Grant>,
        now_ms: u64,
        until_ms: u64,
        tickets_max: usize,
    ) -> Result<String, Full> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"ticket");
        context.update(&number.to_le_bytes());
        let bytes = context.sign();
        let print = print_of(bytes.as_ref());
        let ticket = Ticket { until_ms, number, grant };
        let mut waiting = lock(&self.waiting);
        let over = waiting.take_over(now_ms);
        if waiting.tickets.len() >= tickets_max {
            return Err(Full);
        }
        waiting.ends.insert((until_ms, number), print);
        waiting.tickets.insert(print, ticket);
        drop(waiting);
        drop(over);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What `text` lets its holder do, if it is a ticket that waits: it does so no more, whatever
    /// comes of it. Whether its key is still there, counts where it is presented, and was not
    /// revoked, is for the asker to look at: the grant has its name.
    pub fn redeem(&self, text: &str, now_ms: u64) -> Option<Arc<Grant>> {
        let mut bytes = [0; BYTES];
        let read = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        if read != BYTES {
            return None;
        }
        let ticket = lock(&self.waiting).take(&print_of(&bytes))?;
        (now_ms < ticket.until_ms).then_some(ticket.grant)
    }

    /// How many wait; some may be over.
    pub fn count(&self) -> usize {
        lock(&self.waiting).tickets.len()
    }

    /// Forgets some that are over; whether there may be more.
    pub(super) fn tidy(&self, now_ms: u64) -> bool {
        let over = lock(&self.waiting).take_over(now_ms);
        over.iter().all(Option::is_some)
    }
}

impl Waiting {
    fn take(&mut self, print: &Digest) -> Option<Ticket> {
        let (_, ticket) = self.tickets.remove_entry(print)?;
        self.ends.remove_entry(&(ticket.until_ms, ticket.number));
        Some(ticket)
    }

    /// Some that are over, the oldest first, to be dropped when nobody waits for that.
    fn take_over(&mut self, now_ms: u64) -> [Option<Ticket>; TIDIED_MAX] {
        std::array::from_fn(|_| {
            let print = *self.ends.first_entry().filter(|end| end.key().0 <= now_ms)?.get();
            self.take(&print)
        })
    }
}

fn print_of(bytes: &[u8]) -> Digest {
    let mut print = [0; BYTES];
    for (to, from) in print.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    print
}

impl fmt::Debug for Tickets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Tickets({})", self.count())
    }
}
