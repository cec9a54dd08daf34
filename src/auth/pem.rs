//! PEM files (RFC 7468): one block of one kind.
//!
//! Knows: the lines around a block, what its label says of it.
//! Must not know: what is in the block.

use super::bad_key::BadKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// What a block says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// A public key of any kind (RFC 5280).
    Public,
    /// An RSA public key (RFC 8017).
    RsaPublic,
    /// A private key of any kind (RFC 5208).
    Private,
    /// An RSA private key (RFC 8017).
    RsaPrivate,
    /// A private key in a form that is not taken: encrypted, of OpenSSH, of a curve alone.
    OtherPrivate,
}

/// The one block of a file.
pub(super) struct Block {
    pub(super) label: Label,
    pub(super) der: Zeroizing<Vec<u8>>,
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Whether somebody took a file of this kind for a secret.
pub(super) fn is_pem(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(BEGIN.as_bytes())
}

/// Reads the block; the text before and behind it is for people.
pub(super) fn read(bytes: &[u8]) -> Result<Block, BadKey> {
    let text = str::from_utf8(bytes).map_err(|_| BadKey::NotPem)?;
    let mut blocks = blocks(text)?.into_iter();
    // OpenSSL writes the parameters of a curve before a key on it.
    let mut blocks = blocks.by_ref().filter(|(label, _)| *label != "EC PARAMETERS");
    let (label, base64) = blocks.next().ok_or(BadKey::NotPem)?;
    if blocks.next().is_some() {
        return Err(BadKey::SeveralPem);
    }
    let label = match label {
        "PUBLIC KEY" => Label::Public,
        "RSA PUBLIC KEY" => Label::RsaPublic,
        "PRIVATE KEY" => Label::Private,
        "RSA PRIVATE KEY" => Label::RsaPrivate,
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
            return Err(BadKey::Certificate);
        }
        other if other.ends_with("PRIVATE KEY") => Label::OtherPrivate,
        _ => return Err(BadKey::Unreadable),
    };
    if label == Label::OtherPrivate {
        return Ok(Block { label, der: Zeroizing::default() });
    }
    let der = STANDARD.decode(&*base64).map_err(|_| BadKey::Unreadable)?;
    Ok(Block { label, der: Zeroizing::new(der) })
}

/// Each block: its label, and its lines joined.
fn blocks(text: &str) -> Result<Vec<(&str, Zeroizing<String>)>, BadKey> {
    let mut found = Vec::new();
    let mut lines = text.lines().map(str::trim_ascii);
    while let Some(line) = lines.next() {
        let label = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(DASHES));
        let Some(label) = label else { continue };
        // Lines joined may outgrow the buffer, and what it held before is not overwritten: so it
        // is never too small.
        let mut joined = Zeroizing::new(String::with_capacity(text.len()));
        loop {
            let line = lines.next().ok_or(BadKey::NotPem)?;
            if let Some(rest) = line.strip_prefix(END) {
                let is_its = rest.strip_suffix(DASHES).is_some_and(|end| end == label);
                break if is_its { Ok(()) } else { Err(BadKey::NotPem) };
            }
            joined.push_str(line);
        }?;
        found.push((label, joined));
    }
    Ok(found)
}
