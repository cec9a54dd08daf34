//! Which subprotocol is spoken, of those that a client offers (RFC 6455 §1.9, §4.2.2).
//!
//! Knows: the grammar of `Sec-WebSocket-Protocol`.
//! Must not know: what is said in a subprotocol.

use super::extension::{Malformed, is_token};

/// Behind this comes a credential, from browsers, which can set no other field. It is never
/// selected: an answer would show it to whoever may read that.
pub const CREDENTIAL_PREFIX: &str = "tidegate.bearer.";

/// What a client that has to offer a credential offers beside it: browsers want one selected.
pub const TIDEGATE: &str = "tidegate";

/// The first name in the fields `values` that is among those `spoken`. None: the client hears that
/// none is spoken by there being none in the answer.
pub fn select<'v>(
    values: impl IntoIterator<Item = &'v str>,
    spoken: &[&str],
) -> Result<Option<&'v str>, Malformed> {
    let mut selected = None;
    for value in values {
        let names = value.split(',').map(|name| name.trim_matches([' ', '\t']));
        // RFC 9110 §5.6.1: empty elements are left out.
        for name in names.filter(|name| !name.is_empty()) {
            if !name.chars().all(is_token) {
                return Err(Malformed);
            }
            let is_spoken = !name.starts_with(CREDENTIAL_PREFIX) && spoken.contains(&name);
            selected = selected.or(is_spoken.then_some(name));
        }
    }
    Ok(selected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_clients_that_is_spoken_is_selected() {
        let spoken = ["chat.v1", "chat.v2", "tidegate.bearer.x"];
        for (fields, selected) in [
            (vec!["chat.v2, chat.v1"], Ok(Some("chat.v2"))),
            (vec!["other", " ,chat.v1\t,, chat.v2"], Ok(Some("chat.v1"))),
            (vec!["Chat.v1"], Ok(None)),
            (vec!["chat"], Ok(None)),
            (vec![], Ok(None)),
            (vec!["", " , "], Ok(None)),
            (vec!["tidegate.bearer.x, chat.v2"], Ok(Some("chat.v2"))),
            (vec!["tidegate.bearer.x"], Ok(None)),
            (vec!["chat.v1", "a b"], Err(Malformed)),
            (vec!["chat.v1;q=1"], Err(Malformed)),
            (vec!["\"chat.v1\""], Err(Malformed)),
            (vec!["ü"], Err(Malformed)),
        ] {
            assert_eq!(select(fields.iter().copied(), &spoken), selected, "{fields:?}");
        }
        assert_eq!(select(["chat.v1"], &[]), Ok(None));
    }
}
