//! Which extensions a client offers, and what is agreed on (RFC 6455 §9.1, RFC 7692 §7.1).
//!
//! Knows: the grammar of `Sec-WebSocket-Extensions`, the parameters of `permessage-deflate`.
//! Must not know: how messages are compressed, whether the server wants them to be.

use std::borrow::Cow;
use std::fmt::{self, Display};

/// The header does not follow its grammar: the handshake is to be refused (RFC 6455 §9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// `permessage-deflate` as it was agreed on; shown, it is the answer to the client.
///
/// Both sides forget each message when they have sent it (`no_context_takeover`): a server may say
/// so for both whatever was offered (RFC 7692 §7.1.1), and every client can keep to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deflate {
    /// The client looks back so far: 2^8 to 2^15 bytes.
    pub window_bits: u8,
    /// It said so, and wants to be told that we heed it.
    is_asked: bool,
}

/// The window of who does not say how wide it is.
const WINDOW_BITS_MAX: u8 = 15;

/// Reads each field of that name in `values`, and takes the first offer of `permessage-deflate`
/// that can be kept. Extensions that are not known, and offers that break the rules of this one,
/// are declined by not being answered.
pub fn negotiate<'a>(
    values: impl IntoIterator<Item = &'a str>,
) -> Result<Option<Deflate>, Malformed> {
    let mut agreed = None;
    for value in values {
        let mut scan = Scan { rest: value };
        while scan.begin_element() {
            let name = scan.token()?;
            let mut offer = Offer { is_good: name == "permessage-deflate", ..Offer::default() };
            while let Some((parameter, value)) = scan.parameter()? {
                offer.take(parameter, value.as_deref());
            }
            agreed = agreed.or_else(|| offer.agree());
            scan.end_element()?;
        }
    }
    Ok(agreed)
}

/// The parameters of one offer, as far as they have been read.
#[derive(Debug, Default)]
struct Offer {
    is_good: bool,
    server_forgets: bool,
    client_forgets: bool,
    client_window: bool,
    server_window_bits: Option<u8>,
}

impl Offer {
    /// RFC 7692 §7.1: a parameter that is not known, that is there twice, or whose value is not one
    /// of those it may have, makes the whole offer void.
    fn take(&mut self, parameter: &str, value: Option<&str>) {
        let is_good = match (parameter, value) {
            ("server_no_context_takeover", None) => set(&mut self.server_forgets),
            ("client_no_context_takeover", None) => set(&mut self.client_forgets),
            // A client that says how little it could do with: our window is wide enough for all.
            ("client_max_window_bits", None) => set(&mut self.client_window),
            ("client_max_window_bits", Some(bits)) => {
                set(&mut self.client_window) && window_bits(bits).is_some()
            }
            ("server_max_window_bits", Some(bits)) => match window_bits(bits) {
                Some(bits) => self.server_window_bits.replace(bits).is_none(),
                None => false,
            },
            _ => false,
        };
        self.is_good &= is_good;
    }

    fn agree(&self) -> Option<Deflate> {
        let is_asked = self.server_window_bits.is_some();
        let window_bits = self.server_window_bits.unwrap_or(WINDOW_BITS_MAX);
        self.is_good.then_some(Deflate { window_bits, is_asked })
    }
}

/// Sets what must not have been set.
fn set(flag: &mut bool) -> bool {
    !std::mem::replace(flag, true)
}

/// RFC 7692 §7.1.2: a decimal integer from 8 to 15 without leading zeros.
fn window_bits(value: &str) -> Option<u8> {
    let is_short = matches!(value.len(), 1 | 2) && !value.starts_with(['0', '+']);
    value.parse().ok().filter(|bits| is_short && (8..=WINDOW_BITS_MAX).contains(bits))
}

impl Display for Deflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("permessage-deflate; server_no_context_takeover; client_no_context_takeover")?;
        if self.is_asked {
            write!(f, "; server_max_window_bits={}", self.window_bits)?;
        }
        Ok(())
    }
}

/// What is left of one field's value. Blanks may stand between any two parts.
struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    /// Goes to the next element of the list; empty ones are skipped (RFC 9110 §5.6.1).
    fn begin_element(&mut self) -> bool {
        self.rest = self.rest.trim_start_matches([',', ' ', '\t']);
        !self.rest.is_empty()
    }

    /// What follows an element: another one, or nothing.
    fn end_element(&mut self) -> Result<(), Malformed> {
        if self.rest.is_empty() || self.skip(',') { Ok(()) } else { Err(Malformed) }
    }

    /// `;`, a name, and perhaps `=` and a value. `None`: there is no `;`.
    #[expect(clippy::type_complexity, reason = "a pair, in the answers of every decoder")]
    fn parameter(&mut self) -> Result<Option<(&'a str, Option<Cow<'a, str>>)>, Malformed> {
        self.skip_blanks();
        if !self.skip(';') {
            return Ok(None);
        }
        self.skip_blanks();
        let name = self.token()?;
        self.skip_blanks();
        if !self.skip('=') {
            return Ok(Some((name, None)));
        }
        self.skip_blanks();
        let value = if self.skip('"') { self.quoted()? } else { Cow::Borrowed(self.token()?) };
        Ok(Some((name, Some(value))))
    }

    fn token(&mut self) -> Result<&'a str, Malformed> {
        let end = self.rest.find(|sign| !is_token(sign)).unwrap_or(self.rest.len());
        let (token, behind) = self.rest.split_at_checked(end).ok_or(Malformed)?;
        self.rest = behind;
        if token.is_empty() { Err(Malformed) } else { Ok(token) }
    }

    /// A quoted string behind its first quote. What it says must be a token, too (RFC 6455 §9.1).
    fn quoted(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let mut said = String::new();
        let mut signs = self.rest.chars();
        loop {
            match signs.next().ok_or(Malformed)? {
                '"' => break,
                '\\' => said.push(signs.next().ok_or(Malformed)?),
                sign => said.push(sign),
            }
        }
        self.rest = signs.as_str();
        let is_token = !said.is_empty() && said.chars().all(is_token);
        if is_token { Ok(Cow::Owned(said)) } else { Err(Malformed) }
    }

    fn skip(&mut self, sign: char) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(behind) => {
                self.rest = behind;
                true
            }
            None => false,
        }
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }
}

/// RFC 9110 §5.6.2.
pub(super) fn is_token(sign: char) -> bool {
    sign.is_ascii_graphic() && !"\"(),/:;<=>?@[\\]{}".contains(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(values: &[&str]) -> Result<Option<String>, Malformed> {
        negotiate(values.iter().copied()).map(|agreed| agreed.map(|it| it.to_string()))
    }

    const PLAIN: &str =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    #[test]
    fn every_legal_offer_is_answered() {
        for value in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; client_max_window_bits=\"15\"",
            "permessage-deflate;client_no_context_takeover;server_no_context_takeover",
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=10",
            " \tpermessage-deflate\t;\t client_max_window_bits = \"1\\2\" ",
            ",, permessage-deflate ,",
            "x-webkit-deflate-frame, permessage-deflate; client_max_window_bits",
            "foo; bar=\"baz\"; qux, permessage-deflate",
            "permessage-deflate; unknown, permessage-deflate",
            "permessage-deflate; server_max_window_bits=7, permessage-deflate",
        ] {
            assert_eq!(answer(&[value]), Ok(Some(PLAIN.to_owned())), "{value}");
        }
        assert_eq!(answer(&["foo", "permessage-deflate"]), Ok(Some(PLAIN.to_owned())));
    }

    #[test]
    fn a_window_that_is_asked_for_is_kept_to() {
        for bits in 8..=15 {
            let value = format!("permessage-deflate; server_max_window_bits={bits}");
            let wanted = format!("{PLAIN}; server_max_window_bits={bits}");
            assert_eq!(answer(&[&value]), Ok(Some(wanted)));
            let agreed = negotiate([value.as_str()]).unwrap().unwrap();
            assert_eq!(agreed.window_bits, bits);
        }
    }

    #[test]
    fn the_first_offer_that_can_be_kept_is_taken() {
        let value = "permessage-deflate; server_max_window_bits=10, permessage-deflate";
        let wanted = format!("{PLAIN}; server_max_window_bits=10");
        assert_eq!(answer(&[value]), Ok(Some(wanted)));
    }

    #[test]
    fn offers_against_the_rules_are_declined() {
        for value in [
            "",
            ",",
            "foo",
            "Permessage-deflate",
            "permessage-deflate2",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=08",
            "permessage-deflate; server_max_window_bits=+9",
            "permessage-deflate; server_max_window_bits=1e9",
            "permessage-deflate; server_max_window_bits=999999999999999999999",
            "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
            "permessage-deflate; client_max_window_bits=0",
            "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
            "permessage-deflate; client_no_context_takeover=true",
            "permessage-deflate; server_no_context_takeover=\"1\"",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; constructor",
            "permessage-deflate; SERVER_NO_CONTEXT_TAKEOVER",
        ] {
            assert_eq!(answer(&[value]), Ok(None), "{value}");
        }
        assert_eq!(answer(&[]), Ok(None));
    }

    #[test]
    fn what_is_no_list_of_extensions_is_malformed() {
        for value in [
            ";",
            "=",
            "permessage-deflate;",
            "permessage-deflate; ;client_max_window_bits",
            "permessage-deflate; client_max_window_bits=",
            "permessage-deflate; client_max_window_bits=\"\"",
            "permessage-deflate; client_max_window_bits=\"15",
            "permessage-deflate; client_max_window_bits=\"15\\",
            "permessage-deflate; client_max_window_bits=\"1 5\"",
            "permessage-deflate; client_max_window_bits=15=15",
            "permessage-deflate client_max_window_bits",
            "permessage-deflate, foo bar",
            "\"permessage-deflate\"",
            "permessage-deflate; a=b\"c\"",
            "permessage-deflate\u{e9}",
            "permessage-deflate, foo/bar",
        ] {
            assert_eq!(answer(&[value]), Err(Malformed), "{value}");
        }
        // However good what came before it.
        assert_eq!(answer(&["permessage-deflate", "foo;"]), Err(Malformed));
    }

    #[test]
    fn long_values_are_read_once() {
        let offers = "permessage-deflate; a; b=1; c=\"d\", ".repeat(10_000);
        assert_eq!(answer(&[&offers]), Ok(None));
        let quotes = format!("a=\"{}", "\\\"".repeat(100_000));
        assert_eq!(answer(&[&quotes]), Err(Malformed));
    }
}
