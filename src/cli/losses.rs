//! What got lost on the way, although the end may be as agreed.
//!
//! Knows: what our own server says of a message that it refuses.
//! Must not know: who counts, and what follows from it.

use super::complain;
use super::failure::Failure;
use serde_json::Value;
use std::fmt;

/// How it ended, and what there is to say about that.
type End = Result<Option<String>, Failure>;

/// How much was not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Losses {
    /// Lines that could not be sent, as far as they are known; each was named when it came.
    pub(super) has_unsent: bool,
    /// Messages of which the server said so.
    pub(super) refused: u64,
}

impl Losses {
    /// Takes note of a message that came.
    pub(super) fn note(&mut self, text: &str) {
        self.refused += u64::from(is_refusal(text));
    }

    /// Of two ends that are told, the status is of the worse.
    pub(super) fn conclude(self, end: End) -> End {
        if self == Losses::default() {
            return end;
        }
        match end {
            Ok(farewell) => {
                complain(&farewell.unwrap_or_default());
                Err(Failure::Incomplete(self))
            }
            Err(failure) => {
                complain(&self.to_string());
                Err(failure)
            }
        }
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has_unsent {
            out.write_str("not all lines were sent\n")?;
        }
        match self.refused {
            0 => Ok(()),
            1 => out.write_str("the server refused a message"),
            many => write!(out, "the server refused {many} messages"),
        }
    }
}

/// `{"error":{"code":"…","message":"…"}}`, and nothing else in it.
fn is_refusal(text: &str) -> bool {
    if !text.starts_with("{\"error\":") {
        return false;
    }
    let Ok(Value::Object(said)) = serde_json::from_str(text) else { return false };
    let is_text = |name: &str| said["error"].get(name).is_some_and(Value::is_string);
    said.len() == 1 && is_text("code") && is_text("message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_our_server_says_of_a_refused_message_is_a_refusal() {
        for (text, expected) in [
            (r#"{"error":{"code":"not-json","message":"…"}}"#, true),
            (r#"{"error":{"code":"not-json","message":"…"},"connectionId":"a"}"#, false),
            (r#"{"error":{"code":"not-json"}}"#, false),
            (r#"{"error":{"code":1,"message":"…"}}"#, false),
            (r#"{"error":"no"}"#, false),
            (r#"{"error":{"code":"not-json","message":"…"}"#, false),
            (r#" {"error":{}}"#, false),
            ("", false),
        ] {
            assert_eq!(is_refusal(text), expected, "{text}");
        }
    }

    #[test]
    fn each_loss_has_a_line() {
        let losses = |has_unsent, refused| Losses { has_unsent, refused }.to_string();
        assert_eq!(losses(false, 1), "the server refused a message");
        assert_eq!(losses(true, 0), "not all lines were sent\n");
        assert_eq!(losses(true, 2), "not all lines were sent\nthe server refused 2 messages");
        assert!(matches!(Losses::default().conclude(Ok(None)), Ok(None)));
    }
}
