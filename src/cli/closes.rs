//! Close codes in words, for whoever wonders why it is over.
//!
//! Knows: what the codes of RFC 6455, of its registry and of our own server mean.
//! Must not know: who closed, and what follows from it.

use super::escape::escape;
use crate::ws::close::CloseCode;
use std::fmt;

/// `1012 "server restarts" (the server restarts; connect again)`.
pub(super) struct Told<'a>(pub(super) CloseCode, pub(super) &'a str);

impl fmt::Display for Told<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told(code, reason) = self;
        write!(out, "{}", code.0)?;
        if !reason.is_empty() {
            write!(out, " \"{}\"", escape(reason))?;
        }
        write!(out, " ({})", meaning(*code))
    }
}

fn meaning(code: CloseCode) -> &'static str {
    match code {
        CloseCode::NORMAL => "all is said",
        CloseCode::GOING_AWAY => "the server goes away",
        CloseCode::PROTOCOL => "what we sent breaks the WebSocket protocol",
        CloseCode::UNSUPPORTED => "messages of this kind are not taken here",
        CloseCode::NO_STATUS => "no code was given",
        CloseCode::ABNORMAL => "lost without a close frame",
        CloseCode::INVALID_DATA => "what we sent is not what it says it is, such as UTF-8",
        CloseCode::POLICY => "what we sent is against the server's rules",
        CloseCode::TOO_BIG => "a message was too big",
        CloseCode(1010) => "an extension is missing",
        CloseCode::INTERNAL => "the server failed; connect again after a pause",
        CloseCode::SERVICE_RESTART => "the server restarts; connect again",
        CloseCode::TRY_AGAIN => "the server has too much to do; connect again later",
        CloseCode(1014) => "what stands behind the server failed",
        CloseCode(3000) => "a credential is missing or not valid",
        CloseCode(3003) => "this is not allowed",
        CloseCode(3008) => "it took too long",
        CloseCode::EXPIRED => "the credential is not valid any more",
        CloseCode::FELL_OFF => "we read too slowly; something is lost",
        CloseCode::REPLACED => "another connection has taken over the name",
        CloseCode::RATE => "we sent too much",
        CloseCode(3000..=3999) => "a registered code of some application",
        CloseCode(4000..=4999) => "the application's own code",
        CloseCode(_) => "a code that nobody has given a meaning",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_is_told_with_its_code_its_reason_and_its_meaning() {
        for (code, reason, expected) in [
            (1000, "", "1000 (all is said)"),
            (
                1012,
                "server restarts",
                "1012 \"server restarts\" (the server restarts; connect again)",
            ),
            (4409, "replaced", "4409 \"replaced\" (another connection has taken over the name)"),
            (4000, "\x1b[2J", "4000 \"\\u001b[2J\" (the application's own code)"),
            (3999, "", "3999 (a registered code of some application)"),
            (2000, "", "2000 (a code that nobody has given a meaning)"),
        ] {
            assert_eq!(Told(CloseCode(code), reason).to_string(), expected);
        }
    }
}
