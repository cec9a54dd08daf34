//! Tokens of our own: for a start, for tests, for devices without an identity provider.
//!
//! Knows: what a token says, how it is signed.
//! Must not know: where the key comes from, clocks.

use super::algorithm::{Algorithm, Kind};
use super::bad_key::BadKey;
use super::pem::{self, Label};
use super::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, crypto};
use serde_json::{Map, Value};

/// What signs tokens.
#[derive(Clone, Debug)]
pub struct Mint {
    algorithm: Algorithm,
    key: EncodingKey,
    id: Option<Box<str>>,
}

/// What a token shall say. What is `None` is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// `iss`.
    pub issuer: Option<String>,
    /// `aud`.
    pub audience: Option<String>,
    /// `sub`.
    pub subject: Option<String>,
    /// `jti`.
    pub token_id: Option<String>,
    /// `iat`, in seconds since 1970.
    pub issued: Option<u64>,
    /// `exp`, in seconds since 1970.
    pub expires: Option<u64>,
    /// The rights; `None`: all that its key gives.
    pub rights: Option<Asked>,
}

/// The rights that a token asks for, as they are written in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Open WebSockets.
    pub connect: bool,
    /// Patterns of the rooms that may be read.
    pub subscribe: Vec<String>,
    /// Patterns of the rooms that may be published to.
    pub publish: Vec<String>,
    /// Use the API.
    pub manage: bool,
    /// Patterns of what its connections may be called; none: any name.
    pub connection_id: Vec<String>,
}

impl Mint {
    /// Signs with `secret`.
    ///
    /// # Errors
    ///
    /// It is no key for that.
    pub fn of_secret(algorithm: Algorithm, secret: &Secret) -> Result<Mint, BadKey> {
        // It must be good enough for whoever checks it.
        super::signer::Signer::of_secret(algorithm, None, secret.expose())?;
        Ok(Mint { algorithm, key: EncodingKey::from_secret(secret.expose()), id: None })
    }

    /// Signs with the private key in the file `pem`.
    ///
    /// # Errors
    ///
    /// It is no key for that.
    pub fn of_pem(algorithm: Algorithm, pem: &Secret) -> Result<Mint, BadKey> {
        let pem = pem.expose();
        match (pem::read(pem)?.label, algorithm.kind()) {
            (_, Kind::Secret) => return Err(BadKey::TakesSecret(algorithm)),
            (Label::Public | Label::RsaPublic, _) => return Err(BadKey::Public),
            (Label::OtherPrivate, _) => return Err(BadKey::OtherForm),
            (Label::RsaPrivate, Kind::Rsa) | (Label::Private, _) => {}
            (Label::RsaPrivate, _) => return Err(BadKey::OtherKind(algorithm)),
        }
        let key = match algorithm.kind() {
            Kind::Rsa | Kind::Secret => EncodingKey::from_rsa_pem(pem),
            Kind::Ec => EncodingKey::from_ec_pem(pem),
            Kind::Ed => EncodingKey::from_ed_pem(pem),
        };
        let key = key.map_err(|_| BadKey::OtherKind(algorithm))?;
        // A key on another curve is not noticed before.
        match crypto::sign(b"", &key, algorithm.of_library()) {
            Ok(_) => Ok(Mint { algorithm, key, id: None }),
            Err(_) => Err(BadKey::OtherKind(algorithm)),
        }
    }

    /// The same, whose tokens say that they mean the key with this id.
    pub fn with_id(mut self, id: Option<&str>) -> Mint {
        self.id = id.map(Box::from);
        self
    }

    /// A token that says what `order` wants. `None`: the key does not sign after all.
    pub fn token(&self, order: &Order) -> Option<String> {
        let mut header = Map::new();
        header.insert("alg".to_owned(), self.algorithm.name().into());
        header.insert("typ".to_owned(), "JWT".into());
        if let Some(id) = &self.id {
            header.insert("kid".to_owned(), id.to_string().into());
        }
        self.sign(&Value::Object(header).to_string(), &order.claims().to_string())
    }

    /// A token of this header and these claims, whatever they are.
    pub fn sign(&self, header: &str, claims: &str) -> Option<String> {
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let message = format!("{header}.{claims}");
        let signature = crypto::sign(message.as_bytes(), &self.key, self.algorithm.of_library());
        signature.ok().map(|signature| format!("{message}.{signature}"))
    }
}

impl Order {
    fn claims(&self) -> Value {
        let mut claims = Map::new();
        let texts = [
            ("iss", &self.issuer),
            ("aud", &self.audience),
            ("sub", &self.subject),
            ("jti", &self.token_id),
        ];
        for (name, text) in texts {
            claims.extend(text.clone().map(|text| (name.to_owned(), text.into())));
        }
        for (name, second) in [("iat", self.issued), ("exp", self.expires)] {
            claims.extend(second.map(|second| (name.to_owned(), second.into())));
        }
        claims.extend(self.rights.as_ref().map(|asked| ("tidegate".to_owned(), asked.claim())));
        Value::Object(claims)
    }
}

impl Asked {
    /// What is not given is not written: so it reads as it is meant.
    fn claim(&self) -> Value {
        let mut claim = Map::new();
        for (name, is_given) in [("connect", self.connect), ("manage", self.manage)] {
            claim.extend(is_given.then(|| (name.to_owned(), true.into())));
        }
        let lists = [
            ("subscribe", &self.subscribe),
            ("publish", &self.publish),
            ("connectionId", &self.connection_id),
        ];
        for (name, patterns) in lists {
            let is_given = !patterns.is_empty();
            claim.extend(is_given.then(|| (name.to_owned(), patterns.clone().into())));
        }
        Value::Object(claim)
    }
}
