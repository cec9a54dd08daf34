//! Tokens: JWS in its compact form (RFC 7515 §7.1), with claims (RFC 7519).
//!
//! Knows: three parts in base64url.
//! Must not know: which key signed it.

use super::claims::Claims;
use super::header::Header;
use super::why::Why;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A token whose form is right. Nobody vouched for it yet.
pub(super) struct Token<'a> {
    pub(super) header: Header,
    /// What is signed: the header and the claims, as they came.
    pub(super) message: &'a str,
    claims: &'a str,
    pub(super) signature: &'a str,
}

/// Cuts a token into header, claims and signature; and before the signature.
fn parts(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (message, signature) = text.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    // No further dot: none of them could be base64url.
    (!claims.contains('.')).then_some((header, claims, message, signature))
}

/// Whether `text` has the form of a token, whatever is in its parts.
pub(super) fn is_token(text: &str) -> bool {
    parts(text).is_some()
}

/// The claims of a token, as they stand in it, whoever signed it.
pub fn claims_of(token: &str) -> Option<Vec<u8>> {
    let (_, claims, _, _) = parts(token)?;
    decoded(claims)
}

fn decoded(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

impl<'a> Token<'a> {
    /// Reads its header alone: the claims are nobody's until the signature is good.
    pub(super) fn parse(text: &'a str) -> Option<Token<'a>> {
        let (header, claims, message, signature) = parts(text)?;
        let header = Header::parse(&decoded(header)?)?;
        Some(Token { header, message, claims, signature })
    }

    /// Its claims.
    ///
    /// # Errors
    ///
    /// They are not what is taken.
    pub(super) fn claims(&self) -> Result<Claims, Why> {
        let claims = decoded(self.claims).ok_or(Why::Claims)?;
        Claims::parse(&claims).ok_or_else(|| Claims::blame(&claims))
    }
}
