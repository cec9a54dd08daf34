//! Answers that hold for a while for the same question.
//!
//! Knows: digests of questions, verdicts, when they are too old.
//! Must not know: how a verdict came about.

use crate::auth::{Forward, Grant, Question, Verdict};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

/// What tells one question from all others.
pub(super) type Digest = [u8; 32];

/// Verdicts by their questions, not more than so many, each for its time.
#[derive(Debug, Default)]
pub(super) struct Kept {
    verdicts: HashMap<Digest, One>,
    /// In the order in which they were kept. Some are kept no more, or kept anew.
    order: VecDeque<(Digest, u64)>,
    /// How many were ever kept.
    count: u64,
}

#[derive(Debug)]
struct One {
    verdict: Verdict,
    /// Who was asked. What the digest tells apart is the question; but where the answer said
    /// nothing of rights, the verdict has those that were configured then and there.
    forward: Arc<Forward>,
    until: Instant,
    number: u64,
}

impl Kept {
    /// The verdict on `question` that holds at `now`, and for one that is let in also at the time
    /// of the question.
    pub(super) fn find(
        &self,
        digest: &Digest,
        question: &Question,
        now: Instant,
    ) -> Option<Verdict> {
        let one = self.verdicts.get(digest).filter(|one| now < one.until)?;
        let is_over = |grant: &Grant| grant.is_over(question.unix_ms);
        let is_over = matches!(&one.verdict, Verdict::In(grant) if is_over(grant));
        let is_same = one.forward == question.forward;
        (is_same && !is_over).then(|| one.verdict.clone())
    }

    /// Keeps what came of `question` at `now`, if it says anything, and lets go of what is too old
    /// or too much.
    pub(super) fn keep(
        &mut self,
        digest: Digest,
        verdict: &Verdict,
        question: &Question,
        now: Instant,
    ) {
        let says_nothing = matches!(verdict, Verdict::Unavailable);
        if !says_nothing && !question.keep.is_zero() && question.kept_max > 0 {
            self.count += 1;
            let (verdict, number) = (verdict.clone(), self.count);
            let (forward, until) = (Arc::clone(&question.forward), now + question.keep);
            self.verdicts.insert(digest, One { verdict, forward, until, number });
            self.order.push_back((digest, number));
        }
        while let Some((digest, number)) = self.order.front() {
            let one = self.verdicts.get(digest).filter(|one| one.number == *number);
            let is_good = one.is_some_and(|one| now < one.until);
            if is_good && self.order.len() <= question.kept_max {
                break;
            }
            if one.is_some() {
                self.verdicts.remove(digest);
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::question;
    use super::*;
    use crate::auth::{Refusing, Rights};
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);
    const REFUSED: Verdict = Verdict::Refused(Refusing::Unauthorized);

    /// Keeps for three seconds, two of them.
    fn asked() -> Question {
        Question { keep: 3 * SECOND, kept_max: 2, ..question("http://localhost/") }
    }

    #[test]
    fn a_verdict_holds_for_its_time() {
        let (mut kept, start) = (Kept::default(), Instant::now());
        kept.keep([1; 32], &REFUSED, &asked(), start);
        assert_eq!(kept.find(&[1; 32], &asked(), start + 2 * SECOND), Some(REFUSED));
        assert_eq!(kept.find(&[2; 32], &asked(), start + 2 * SECOND), None);
        assert_eq!(kept.find(&[1; 32], &asked(), start + 3 * SECOND), None);
    }

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let (mut kept, start) = (Kept::default(), Instant::now());
        for number in 1..=3 {
            kept.keep([number; 32], &REFUSED, &asked(), start);
        }
        let is_kept = [1, 2, 3].map(|number| kept.find(&[number; 32], &asked(), start).is_some());
        assert_eq!(is_kept, [false, true, true]);
        assert_eq!((kept.verdicts.len(), kept.order.len()), (2, 2));
    }

    #[test]
    fn what_is_kept_anew_is_as_young_as_that() {
        let (mut kept, start) = (Kept::default(), Instant::now());
        for (number, second) in [(1, 0), (2, 0), (1, 2), (2, 4)] {
            kept.keep([number; 32], &REFUSED, &asked(), start + second * SECOND);
        }
        assert!(kept.find(&[1; 32], &asked(), start + 4 * SECOND).is_some());
        kept.keep([3; 32], &REFUSED, &asked(), start + 6 * SECOND);
        assert_eq!(kept.verdicts.len(), 2, "{kept:?}");
    }

    #[test]
    fn nothing_is_kept_of_what_says_nothing_or_where_nothing_is_to_be_kept() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        kept.keep([1; 32], &Verdict::Unavailable, &asked(), now);
        kept.keep([2; 32], &REFUSED, &Question { keep: Duration::ZERO, ..asked() }, now);
        kept.keep([3; 32], &REFUSED, &Question { kept_max: 0, ..asked() }, now);
        assert!(kept.verdicts.is_empty() && kept.order.is_empty(), "{kept:?}");
    }

    #[test]
    fn whoever_is_let_in_for_less_time_than_that_is_asked_about_again() {
        let question = asked();
        let grant = question.forward.grant(br#"{"expiresIn":1}"#, 10_000).unwrap();
        let (mut kept, now) = (Kept::default(), Instant::now());
        kept.keep([1; 32], &Verdict::In(grant.into()), &question, now);
        let at = |unix_ms| Question { unix_ms, ..question.clone() };
        assert!(kept.find(&[1; 32], &at(10_999), now).is_some());
        assert_eq!(kept.find(&[1; 32], &at(11_000), now), None);
    }

    /// Two routes may ask one service and give different rights, and a reload may give others.
    #[test]
    fn what_is_kept_gives_nobody_the_rights_that_another_door_gives() {
        let (mut kept, now, wide) = (Kept::default(), Instant::now(), asked());
        let verdict = Verdict::In(wide.forward.grant(b"", 0).unwrap().into());
        let rights = Rights { connect: false, ..Rights::usual() };
        let forward = Forward::new("http://localhost/", &Forward::HEADERS, rights).unwrap();
        let narrow = Question { forward: Arc::new(forward), ..asked() };
        kept.keep(wide.digest(), &verdict, &wide, now);
        assert_eq!(kept.find(&wide.digest(), &asked(), now), Some(verdict));
        assert_eq!(kept.find(&narrow.digest(), &narrow, now), None);
    }
}
