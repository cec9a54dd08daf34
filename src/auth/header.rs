//! The header of a token (RFC 7515 §4).
//!
//! Knows: the members that say who signed it, and those that would have us trust the token itself.
//! Must not know: keys, claims.

use super::bad_key::ID_BYTES_MAX;
use super::json::{Object, Read};
use serde::de::{Error, MapAccess};

/// What of a header counts.
#[derive(Default)]
pub(super) struct Header {
    /// What it says it is signed with; which key counts does not follow from it.
    pub(super) algorithm: Option<String>,
    /// Whose key it says that is.
    pub(super) key_id: Option<String>,
}

/// With one of these a token brings its key along, says where it lies, or asks for what is not
/// understood here (§4.1.2, §4.1.3, §4.1.5, §4.1.6, §4.1.11; RFC 7797). None of them is followed,
/// and a token that has one was not made for here.
const REFUSED: [&str; 6] = ["crit", "jku", "jwk", "x5u", "x5c", "b64"];

impl<'de> Object<'de> for Header {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error> {
        match name {
            "alg" => self.algorithm = Some(members.next_value()?),
            "kid" => self.key_id = Some(members.next_value()?),
            refused if REFUSED.contains(&refused) => {
                return Err(A::Error::custom("a member that is not taken"));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Header {
    /// Reads one.
    pub(super) fn parse(json: &[u8]) -> Option<Header> {
        let Read(header) = serde_json::from_slice::<Read<Header>>(json).ok()?;
        let is_short = header.key_id.as_ref().is_none_or(|id| id.len() <= ID_BYTES_MAX);
        is_short.then_some(header)
    }
}
