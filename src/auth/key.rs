//! A key: what it takes for proof, and what it gives.
//!
//! Knows: static keys, passwords, signers of tokens; time as an argument.
//! Must not know: other keys, doors.

use super::claims::{Claims, Time};
use super::digest::Digest;
use super::grant::Grant;
use super::mint::Mint;
use super::rights::Rights;
use super::signer::Signer;
use super::token::Token;
use super::why::Why;
use std::sync::Arc;

/// A key that vouches for credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What it is called.
    pub name: Arc<str>,
    /// What it may give; of a key of tokens, with the places of the subject.
    pub rights: Arc<Rights>,
    pub(super) proof: Proof,
}

/// What is taken for proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The key itself.
    Static { digest: Digest, grant: Grant },
    /// User and password together.
    Password { digest: Digest, grant: Grant },
    /// Tokens of these signers.
    Tokens(Arc<Signers>),
}

/// Who signs tokens, and what these must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signers {
    pub(super) all: Vec<(Signer, Grant)>,
    pub(super) expected: Expected,
}

/// What a token must say beside what is signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// `iss` is this.
    pub issuer: Option<Box<str>>,
    /// `aud` is this, or has it.
    pub audience: Option<Box<str>>,
}

impl Expected {
    /// Whether no token could be for both.
    pub(super) fn excludes(&self, other: &Expected) -> bool {
        let both = self.issuer.as_ref().zip(other.issuer.as_ref());
        both.is_some_and(|(this, other)| this != other)
    }

    fn check(&self, claims: &Claims) -> Result<(), Why> {
        let is_by = |issuer: &str| claims.issuer.as_deref() == Some(issuer);
        if !self.issuer.as_deref().is_none_or(is_by) {
            return Err(Why::Issuer);
        }
        let is_for = |audience: &str| claims.is_for(audience);
        if self.audience.as_deref().is_none_or(is_for) { Ok(()) } else { Err(Why::Audience) }
    }
}

impl Key {
    /// Whether a grant with this print was given by it: another key of the same name, or the same
    /// with other rights, is another key.
    pub fn has_print(&self, print: u64) -> bool {
        let is_its = |grant: &Grant| grant.key_print() == print;
        match &self.proof {
            Proof::Static { grant, .. } | Proof::Password { grant, .. } => is_its(grant),
            Proof::Tokens(signers) => signers.all.iter().any(|(_, grant)| is_its(grant)),
        }
    }

    /// Whether it vouches for HTTP Basic: there is somebody to ask for a password.
    pub fn is_password(&self) -> bool {
        matches!(self.proof, Proof::Password { .. })
    }

    /// Whether it is itself what is sent.
    pub fn is_static(&self) -> bool {
        matches!(self.proof, Proof::Static { .. })
    }

    /// What signs tokens that it vouches for, and what they must say; `None`: it has no secret for
    /// that, or several.
    pub fn mint(&self) -> Option<(Mint, Expected)> {
        match &self.proof {
            Proof::Tokens(signers) => match &*signers.all {
                [(signer, _)] => Some((signer.mint()?, signers.expected.clone())),
                _ => None,
            },
            Proof::Static { .. } | Proof::Password { .. } => None,
        }
    }

    pub(super) fn signers(&self) -> &[(Signer, Grant)] {
        match &self.proof {
            Proof::Tokens(signers) => &signers.all,
            Proof::Static { .. } | Proof::Password { .. } => &[],
        }
    }

    /// What it gives for `token`, which one of its signers signed, who gives `grant`.
    pub(super) fn grant(
        &self,
        token: &Token<'_>,
        grant: &Grant,
        unix_ms: u64,
        leeway_ms: u64,
    ) -> Result<Grant, Why> {
        let claims = token.claims()?;
        if let Proof::Tokens(signers) = &self.proof {
            signers.expected.check(&claims)?;
        }
        match claims.time(unix_ms, leeway_ms) {
            Time::Now => {}
            Time::Over => return Err(Why::Expired),
            Time::ToCome => return Err(Why::NotYet),
        }
        let subject = claims.subject.as_deref();
        let mut grant = grant.clone();
        if self.rights.have_subject() {
            grant = grant.with_rights(self.rights.of_subject(subject));
        }
        if let Some(rights) = claims.rights() {
            grant = grant.narrowed_by(rights);
        }
        let grant = grant.of_subject(subject).of_token(claims.token_id());
        // By our clock it was not issued later than now: a revocation of now concerns it.
        let issued = claims.issued_ms().map(|issued| issued.min(unix_ms));
        Ok(grant.issued_at(issued).until(claims.expires_ms()))
    }
}
