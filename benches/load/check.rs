//! Who has received what: every message once, undamaged, in order, and in one order for all.
//!
//! Knows: messages, senders and receivers by number.
//! Must not know: sockets, framing, time.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use crate::message::Layout;

/// In place of the next number, where a receiver gets nothing of a sender.
const NEVER: u32 = u32::MAX;
/// So many faults are told one by one.
const NOTES_MAX: usize = 8;
/// So many missing messages are remembered, to tell late ones from doubles.
const MISSING_MAX: usize = 1 << 20;

/// Who receives a sender's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Every receiver.
    All,
    /// Every receiver but the one with the sender's number.
    Others,
    /// Only the one with the sender's number.
    Own,
}

/// What went wrong, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Messages that never came.
    pub(crate) lost: u64,
    /// Messages that came more than once.
    pub(crate) doubled: u64,
    /// Messages that came after a later one of the same sender.
    pub(crate) late: u64,
    /// What came and is not, byte for byte, a message that was sent to this receiver.
    pub(crate) damaged: u64,
    /// Receivers whose merged order differs from that of the first one.
    pub(crate) disordered: u64,
    /// Gap events: loss that the server tells of.
    pub(crate) gaps: u64,
    /// Connections that ended, frames that no server may send, errors that a sender was told.
    pub(crate) broken: u64,
    /// The first few, in words.
    pub(crate) notes: Vec<String>,
}

impl Faults {
    /// Whether all counts are zero.
    pub(crate) fn is_clean(&self) -> bool {
        self.counts().iter().all(|(_, count)| *count == 0)
    }

    /// Adds the faults of a part; `tell` says in its notes which part that was.
    pub(crate) fn absorb(&mut self, part: Faults, tell: impl Fn(String) -> String) {
        self.lost += part.lost;
        self.doubled += part.doubled;
        self.late += part.late;
        self.damaged += part.damaged;
        self.disordered += part.disordered;
        self.gaps += part.gaps;
        self.broken += part.broken;
        part.notes.into_iter().for_each(|text| self.note(|| tell(text)));
    }

    /// Tells of one fault, as long as there are not too many.
    pub(crate) fn note(&mut self, text: impl FnOnce() -> String) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(text());
        }
    }

    fn counts(&self) -> [(&'static str, u64); 7] {
        [
            ("lost", self.lost),
            ("doubled", self.doubled),
            ("late", self.late),
            ("damaged", self.damaged),
            ("disordered", self.disordered),
            ("gaps", self.gaps),
            ("broken", self.broken),
        ]
    }
}

/// `ok`, or the counts that are not zero.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return f.pad("ok");
        }
        let told = self.counts().into_iter().filter(|(_, count)| *count > 0);
        let told: Vec<String> = told.map(|(name, count)| format!("{count} {name}")).collect();
        f.pad(&told.join(", "))
    }
}

/// The books of one room, or of all that there is. Senders have numbers of their own in it.
pub(crate) struct Checker {
    layout: Layout,
    /// What its first sender calls itself.
    first: usize,
    audience: Audience,
    receivers: usize,
    /// The number that comes next, by sender and then by receiver.
    next: Vec<u32>,
    /// By sender: every receiver has all messages below this number.
    settled: Vec<u32>,
    /// By sender: how many receivers still wait for just that number.
    behind: Vec<u32>,
    /// Senders whose `settled` has moved since [`Checker::take_moved`].
    moved: Vec<u32>,
    /// By receiver: a hash over all that came, in the order in which it came.
    order: Vec<u64>,
    missing: HashSet<(usize, usize, u64)>,
    delivered: u64,
    /// What went wrong so far.
    pub(crate) faults: Faults,
}

impl Checker {
    /// Nothing is sent yet, and nobody has anything; `named` is what the senders call themselves.
    pub(crate) fn new(
        layout: Layout,
        audience: Audience,
        named: Range<usize>,
        receivers: usize,
    ) -> Checker {
        let senders = named.len();
        let rows = if audience == Audience::Own { 1 } else { receivers };
        let mut next = vec![0; senders * rows];
        let mut waiting = rows as u32;
        if audience == Audience::Others {
            (0..senders).for_each(|own| next[own * rows + own] = NEVER);
            waiting -= 1;
        }
        Checker {
            layout,
            first: named.start,
            audience,
            receivers,
            next,
            settled: vec![0; senders],
            behind: vec![waiting; senders],
            moved: Vec::new(),
            order: vec![0; receivers],
            missing: HashSet::new(),
            delivered: 0,
            faults: Faults::default(),
        }
    }

    /// Messages that arrived, over all receivers; doubles and damaged ones do not count.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// All receivers have everything of `sender` below this number.
    pub(crate) fn settled(&self, sender: usize) -> u64 {
        u64::from(self.settled[sender])
    }

    /// The senders that have more [`Checker::settled`] than at the last call.
    pub(crate) fn take_moved(&mut self, into: &mut Vec<u32>) {
        into.append(&mut self.moved);
    }

    /// Enters a message into the books; the answer is the time that it carries.
    #[inline]
    pub(crate) fn receive(&mut self, receiver: usize, message: &[u8]) -> Option<u64> {
        let Some(fields) = self.layout.read(message) else {
            self.damaged(receiver, message);
            return None;
        };
        // Whoever is of another room is nobody here.
        let number = |name: u64| (name as usize).wrapping_sub(self.first);
        let sender = fields.sender.map_or(receiver, number);
        let Some(slot) = self.slot(sender, receiver) else {
            self.damaged(receiver, message);
            return None;
        };
        let expected = self.next[slot];
        if fields.number != u64::from(expected) {
            self.out_of_line(sender, receiver, fields.number);
            return None;
        }
        self.next[slot] = expected + 1;
        let entry = (sender as u64) << 40 | fields.number;
        self.order[receiver] =
            (self.order[receiver] ^ entry).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        self.delivered += 1;
        self.step(sender, expected);
        Some(fields.at)
    }

    #[inline]
    fn slot(&self, sender: usize, receiver: usize) -> Option<usize> {
        if sender >= self.settled.len() {
            return None;
        }
        let slot = match self.audience {
            Audience::Own => sender,
            Audience::All | Audience::Others => sender * self.receivers + receiver,
        };
        (slot < self.next.len()).then_some(slot)
    }

    /// One receiver has passed the number `before`.
    #[inline]
    fn step(&mut self, sender: usize, before: u32) {
        if before == self.settled[sender] {
            self.behind[sender] -= 1;
            if self.behind[sender] == 0 {
                self.settle(sender);
            }
        }
    }

    fn settle(&mut self, sender: usize) {
        let row = match self.audience {
            Audience::Own => &self.next[sender..=sender],
            Audience::All | Audience::Others => {
                &self.next[sender * self.receivers..][..self.receivers]
            }
        };
        let lowest = row.iter().copied().min().unwrap_or(NEVER);
        self.settled[sender] = lowest;
        self.behind[sender] = row.iter().filter(|&&next| next == lowest).count() as u32;
        self.moved.push(sender as u32);
    }

    #[cold]
    fn damaged(&mut self, receiver: usize, message: &[u8]) {
        self.faults.damaged += 1;
        self.faults.note(|| {
            let shown = String::from_utf8_lossy(&message[..message.len().min(100)]);
            format!(
                "receiver {receiver}: not a message of this round ({} bytes): {shown}",
                message.len()
            )
        });
    }

    #[cold]
    fn out_of_line(&mut self, sender: usize, receiver: usize, number: u64) {
        let Some(slot) = self.slot(sender, receiver) else {
            return;
        };
        let expected = self.next[slot];
        let what = if expected == NEVER {
            self.faults.damaged += 1;
            "its own message"
        } else if number > u64::from(expected) {
            self.skip(slot, sender, receiver, number);
            "a jump"
        } else if self.missing.remove(&(sender, receiver, number)) {
            self.faults.lost -= 1;
            self.faults.late += 1;
            self.delivered += 1;
            "a late one"
        } else {
            self.faults.doubled += 1;
            "a double"
        };
        self.faults.note(|| {
            let to = format!("receiver {receiver}: {what} from sender {sender}");
            format!("{to}: expected {expected}, got {number}")
        });
    }

    /// Everything from the expected number to this one is lost, at least for now.
    fn skip(&mut self, slot: usize, sender: usize, receiver: usize, number: u64) {
        let expected = self.next[slot];
        self.faults.lost += number - u64::from(expected);
        let room = MISSING_MAX.saturating_sub(self.missing.len());
        let absent = (u64::from(expected)..number).take(room);
        self.missing.extend(absent.map(|absent| (sender, receiver, absent)));
        self.next[slot] = (number + 1) as u32;
        self.delivered += 1;
        self.step(sender, expected);
    }

    /// Closes the books: `sent` tells how many messages each sender has sent.
    pub(crate) fn finish(&mut self, sent: &[u64]) {
        for (sender, &sent) in sent.iter().enumerate() {
            for receiver in 0..self.receivers {
                if self.audience != Audience::Own || sender == receiver {
                    self.finish_one(sender, receiver, sent);
                }
            }
        }
        if self.audience != Audience::Own && self.faults.is_clean() {
            self.compare_orders(sent.len());
        }
    }

    fn finish_one(&mut self, sender: usize, receiver: usize, sent: u64) {
        let Some(next) = self.slot(sender, receiver).map(|slot| self.next[slot]) else {
            return;
        };
        if next == NEVER || u64::from(next) >= sent {
            return;
        }
        self.faults.lost += sent - u64::from(next);
        self.faults.note(|| {
            format!("receiver {receiver}: {next} to {} of sender {sender} did not come", sent - 1)
        });
    }

    /// All who get everything must get it in the same order: with `Others`, those who do not send.
    fn compare_orders(&mut self, senders: usize) {
        let first = if self.audience == Audience::Others { senders } else { 0 };
        for receiver in first..self.receivers {
            if self.order[receiver] != self.order[first] {
                self.faults.disordered += 1;
                self.faults
                    .note(|| format!("receiver {receiver}: another order than receiver {first}"));
            }
        }
    }
}
