//! The same bytes for Tidegate and for other people's servers, and what each makes of them.
//!
//! Knows: what a reader can hear of a WebSocket; the closed list of [`Difference`]s.
//! Must not know: where the bytes come from.
//!
//! `tests/differential` makes them from a seed, the fuzz targets take libFuzzer's.

mod differences;
pub(crate) mod fastwebsockets;
mod judge;
pub(crate) mod ours;
mod pieces;
pub(crate) mod tungstenite;

pub(crate) use differences::{Difference, Peer};
pub(crate) use pieces::Pieces;

use judge::{Broken, completion, judge};
use tidegate::limits::Limits;
use tidegate::ws::frame::CONTROL_BYTES_MAX;

/// What a client did, as a server understood it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Message { binary: bool, payload: Vec<u8> },
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>, String),
}

/// Where it left off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It waits for more.
    Open,
    /// The client has closed.
    Closed,
    /// It refused the client, for a reason that has this close code.
    Refused(u16),
}

/// All that a server heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) events: Vec<Seen>,
    pub(crate) end: End,
}

/// Whether our verdict follows from the RFC and our limits, read in the simplest way. The other
/// servers cannot tell: they overlook some rules.
pub(crate) fn check(input: &[u8], limits: &Limits, ours: &Heard) -> Result<(), String> {
    match (ours.end, judge(input, limits)) {
        (End::Open | End::Closed, Some(broken)) => Err(format!("overlooked: {:?}", broken.rules)),
        (End::Open | End::Closed, None) => Ok(()),
        (End::Refused(code), _) => {
            let whole = completed(input, limits);
            let broken = judge(&whole, limits).ok_or("refused what no rule forbids")?;
            match broken.has_code(code) {
                true => Ok(()),
                false => Err(format!("refused with {code}, but broken is {:?}", broken.rules)),
            }
        }
    }
}

/// Compares what we heard with what `peer` hears, which `listen` tells. `Ok`: how they differ, each
/// for a reason that is on its list. The limit on messages must not be below that on control
/// frames, as others measure those with it too.
pub(crate) fn compare(
    peer: Peer,
    input: &[u8],
    limits: &Limits,
    ours: &Heard,
    listen: impl Fn(&[u8]) -> Heard,
) -> Result<Vec<Difference>, String> {
    assert!(limits.message_bytes_max >= CONTROL_BYTES_MAX);
    let differences = differences(peer, input, limits, ours, listen)?;
    match differences.iter().find(|one| !peer.differences().contains(one)) {
        Some(other) => Err(format!("{peer:?} should not differ by {other:?}")),
        None => Ok(differences),
    }
}

fn differences(
    peer: Peer,
    input: &[u8],
    limits: &Limits,
    ours: &Heard,
    listen: impl Fn(&[u8]) -> Heard,
) -> Result<Vec<Difference>, String> {
    let mut theirs = listen(input);
    if theirs == *ours {
        return Ok(Vec::new());
    }
    let mut differences = Vec::new();
    let End::Refused(code) = ours.end else {
        return match is_bad_gateway(ours, &theirs) {
            true => Ok(vec![Difference::BadGateway]),
            false => Err(told(peer, ours, &theirs, None)),
        };
    };
    let whole = completed(input, limits);
    let broken = judge(&whole, limits).ok_or("refused what no rule forbids")?;
    if theirs.end == End::Open && theirs.events == ours.events {
        differences.push(Difference::FoundEarlier);
        theirs = listen(&whole);
    }
    if let Some(overlooked) = peer.overlooks_all(&broken) {
        if !theirs.events.starts_with(&ours.events) {
            return Err(told(peer, ours, &theirs, Some(&broken)));
        }
        differences.extend(overlooked);
        return Ok(differences);
    }
    match refusal(&theirs, &broken) {
        Some((before, their_code, how)) if before == ours.events => {
            differences.extend(how);
            if !broken.has_code(their_code) {
                return Err(told(peer, ours, &theirs, Some(&broken)));
            }
            if their_code != code {
                differences.push(Difference::AnotherFaultFirst);
            }
            Ok(differences)
        }
        _ => Err(told(peer, ours, &theirs, Some(&broken))),
    }
}

/// What was heard before a refusal, its code, and what is particular about it.
fn refusal<'a>(
    theirs: &'a Heard,
    broken: &Broken,
) -> Option<(&'a [Seen], u16, Option<Difference>)> {
    match (theirs.end, theirs.events.as_slice()) {
        (End::Refused(code), events) => Some((events, code, None)),
        (End::Closed, [before @ .., last])
            if *last == tungstenite::bad_code() && broken.has_code(1002) =>
        {
            Some((before, 1002, Some(Difference::AnswersBadCode)))
        }
        _ => None,
    }
}

/// We let the client close with 1014, and they do not.
fn is_bad_gateway(ours: &Heard, theirs: &Heard) -> bool {
    let Some((Seen::Close(Some(1014), _), before)) = ours.events.split_last() else { return false };
    match theirs.end {
        End::Refused(code) => code == 1002 && theirs.events == before,
        End::Closed => theirs.events.split_last() == Some((&tungstenite::bad_code(), before)),
        End::Open => false,
    }
}

/// `input` and what its last frame lacks.
fn completed(input: &[u8], limits: &Limits) -> Vec<u8> {
    [input, &completion(input, limits)].concat()
}

fn told(peer: Peer, ours: &Heard, theirs: &Heard, broken: Option<&Broken>) -> String {
    format!("we heard {ours:?}\n{peer:?} heard {theirs:?}\nbroken: {broken:?}")
}
