//! `tidegate token`: keys and tokens, made and read.
//!
//! Knows: files, standard streams, the clock, random bytes.
//! Must not know: what tokens are made of.

mod advice;

use super::complain;
use super::escape::escape;
use crate::auth::{
    Door, Expected, Glob, Globs, Grant, Keyring, Mint, Order, Presented, Rights, Secret, claims_of,
};
use crate::config::{MintOptions, Proof, Token};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The status of a command line, or a file, that cannot be used.
const USAGE: u8 = 2;

/// The mode of a file with a secret.
const OWNER_ONLY: u32 = 0o600;

/// A larger file holds no key.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Does what is wanted.
pub fn token(wanted: &Token) -> ExitCode {
    let done = match wanted {
        Token::Key { bytes, file: None } => random(*bytes),
        Token::Key { bytes, file: Some(file) } => return write_key(*bytes, file),
        Token::Mint(options) => mint(options),
        Token::Verify(proof) => return verify(proof),
    };
    match done {
        Ok(line) => say(&line),
        Err(mistake) => refuse(mistake),
    }
}

fn refuse(mistake: impl Display) -> ExitCode {
    complain(&mistake.to_string());
    ExitCode::from(USAGE)
}

/// A line on standard output: without it nothing was done.
fn say(line: &str) -> ExitCode {
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("standard output: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// So many random bytes, as text.
fn random(bytes: usize) -> Result<String, String> {
    let mut secret = vec![0; bytes];
    getrandom::fill(&mut secret).map_err(|error| format!("the system has no chance: {error}"))?;
    Ok(URL_SAFE_NO_PAD.encode(Secret::new(secret).expose()))
}

/// A fresh secret in a file that is made for it, and that nobody else can read.
fn write_key(bytes: usize, path: &str) -> ExitCode {
    let written = random(bytes).and_then(|secret| {
        let secret = Secret::new(secret.into_bytes());
        let mut options = File::options();
        let file = options.write(true).create_new(true).mode(OWNER_ONLY).open(path);
        let written = file.and_then(|mut file| {
            file.write_all(secret.expose())?;
            file.write_all(b"\n")?;
            file.sync_all()
        });
        written.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                format!("\"{}\" is there already: nothing is written over it", escape(path))
            }
            _ => format!("\"{}\": {error}", escape(path)),
        })
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(mistake) => refuse(mistake),
    }
}

/// A file with a key, without the newline that ends it.
pub(super) fn read(path: &str) -> Result<Secret, String> {
    let quoted = |error: io::Error| format!("\"{}\": {error}", escape(path));
    let file = File::open(path).map_err(quoted)?;
    read_from(file).map_err(quoted)?.ok_or_else(|| {
        format!("\"{}\" is larger than any key: {FILE_BYTES_MAX} bytes", escape(path))
    })
}

/// All that comes; nothing if it is more than a key could be.
fn read_from(input: impl Read) -> io::Result<Option<Secret>> {
    // One buffer of the whole size: what a buffer held before it grew is not overwritten.
    let mut bytes = Vec::with_capacity(FILE_BYTES_MAX as usize + 2);
    input.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        drop(Secret::new(bytes));
        return Ok(None);
    }
    for end in [b'\n', b'\r'] {
        if bytes.last() == Some(&end) {
            bytes.pop();
        }
    }
    Ok(Some(Secret::new(bytes)))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn mint(options: &MintOptions) -> Result<String, String> {
    let (mint, expected) = signing(&options.proof)?;
    let mint = match &options.id {
        Some(id) => mint.with_id(Some(id)),
        None => mint,
    };
    if let Some(asked) = &options.rights {
        let patterns = [&asked.subscribe, &asked.publish, &asked.connection_id];
        for pattern in patterns.into_iter().flatten() {
            let is_bad = |_| format!("\"{}\" is no pattern of names", escape(pattern));
            Glob::parse(pattern).map_err(is_bad)?;
        }
    }
    if let (Some(asked), Proof::Keys(keyring, Some(name))) = (&options.rights, &options.proof) {
        let key = keyring.iter().find(|key| *key.name == **name);
        let vain = key.map(|key| advice::in_vain(asked, key)).unwrap_or_default();
        vain.iter().for_each(|what| complain(&format!("warning: {what}")));
    }
    let issued = now_ms() / 1000;
    let token_id = match &options.token_id {
        Some(id) => id.clone(),
        None => random(16)?,
    };
    let order = Order {
        issuer: options.issuer.clone().or(expected.issuer.map(String::from)),
        audience: options.audience.clone().or(expected.audience.map(String::from)),
        subject: options.subject.clone(),
        token_id: Some(token_id),
        issued: Some(issued),
        expires: Some(issued.saturating_add(options.expires_in_ms / 1000)),
        rights: options.rights.clone(),
    };
    mint.token(&order).ok_or_else(|| "the key does not sign".to_owned())
}

/// What signs, and what those want to read who verify it.
fn signing(proof: &Proof) -> Result<(Mint, Expected), String> {
    let of_file = |path: &str, made: Result<Mint, _>| {
        let named = |bad| format!("\"{}\" {bad}", escape(path));
        made.map(|mint| (mint, Expected::default())).map_err(named)
    };
    match proof {
        Proof::Keys(keyring, name) => {
            let name = name.as_deref().unwrap_or_default();
            let key = keyring.iter().find(|key| *key.name == *name);
            let key = key.ok_or_else(|| unknown(keyring, name))?;
            key.mint().ok_or_else(|| match key.is_static() {
                true => format!(
                    "key \"{}\" signs nothing: a static key is sent as it is, as in \
                     Authorization: Bearer KEY",
                    escape(name)
                ),
                false => {
                    format!("key \"{}\" has no secret that signs; use --private-key", escape(name))
                }
            })
        }
        Proof::Secret(path, algorithm) => of_file(path, Mint::of_secret(*algorithm, &read(path)?)),
        Proof::Private(path, algorithm) => of_file(path, Mint::of_pem(*algorithm, &read(path)?)),
        Proof::Public(..) | Proof::Set(..) => Err("only a private key can sign".to_owned()),
    }
}

fn unknown(keyring: &Keyring, name: &str) -> String {
    let names: Vec<&str> = keyring.iter().map(|key| &*key.name).collect();
    let known = match &*names.join(", ") {
        "" => "it has none".to_owned(),
        names => format!("it has {}", escape(names)),
    };
    format!("the configuration has no key \"{}\"; {known}", escape(name))
}

/// Reads a token from standard input, and says what it is good for.
fn verify(proof: &Proof) -> ExitCode {
    let ring = match ring(proof) {
        Ok(ring) => ring,
        Err(mistake) => return refuse(mistake),
    };
    let input = read_from(io::stdin().lock());
    let Ok(Some(input)) = input else { return refuse("standard input has no token") };
    let Some(token) = str::from_utf8(input.expose()).ok().filter(|token| !token.is_empty()) else {
        return refuse("standard input has no token");
    };
    if token.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case("bearer")) {
        return refuse("what comes begins with \"Bearer\": leave that word out");
    }
    let claims = claims_of(token);
    if let Some(claims) = claims.as_deref().and_then(shown) {
        say(&claims);
    }
    let now_ms = now_ms();
    match ring.examine(Presented::Bearer(token), &Door::default(), now_ms) {
        Ok(grant) => say(&good(&grant, now_ms)),
        Err(why) => {
            complain(&format!("not good: {why}"));
            let strange = claims.as_deref().and_then(advice::strange_members);
            strange.iter().for_each(|what| complain(what));
            ExitCode::FAILURE
        }
    }
}

fn ring(proof: &Proof) -> Result<Keyring, String> {
    let mut ring = Keyring::default();
    let (name, expected, rights) = ("key", Expected::default(), Rights::usual());
    let (path, added) = match proof {
        Proof::Keys(keyring, _) => return Ok(keyring.clone()),
        Proof::Secret(path, algorithm) => {
            let secret = read(path)?;
            (path, ring.add_hmac(name, *algorithm, None, expected, &secret, rights))
        }
        Proof::Public(path, algorithm) | Proof::Private(path, algorithm) => {
            let pem = read(path)?;
            (path, ring.add_public(name, *algorithm, None, expected, pem.expose(), rights))
        }
        Proof::Set(path, otherwise) => {
            let set = read(path)?;
            (path, ring.add_jwks(name, *otherwise, expected, set.expose(), rights))
        }
    };
    added.map_err(|bad| format!("\"{}\" {bad}", escape(path)))?;
    Ok(ring)
}

/// One of the lists of patterns.
type ListOf = fn(&Rights) -> &Globs;

/// What a grant allows: a line for each right, with the patterns of key and token.
fn rights(grant: &Grant) -> String {
    let lists: [(&str, ListOf); 3] = [
        ("subscribe", |rights| &rights.subscribe),
        ("publish", |rights| &rights.publish),
        ("connectionId", |rights| &rights.connection_id),
    ];
    let mut text = String::new();
    for (name, is_given) in [("connect", grant.may_connect()), ("manage", grant.may_manage())] {
        text.push_str(&format!("\n  {name}: {}", if is_given { "yes" } else { "no" }));
    }
    for (name, list) in lists {
        let shown = |rights: &Rights| {
            let globs: Vec<_> = list(rights).iter().map(|glob| escape(&glob.to_string())).collect();
            if globs.is_empty() { "nothing".to_owned() } else { globs.join(", ") }
        };
        // What is in all of them is allowed, and what means every name takes nothing away.
        let mut all: Vec<_> =
            grant.rights().filter(|rights| !list(rights).is_all()).map(shown).collect();
        all.dedup();
        let all = if all.is_empty() { "*".to_owned() } else { all.join("; of these only: ") };
        text.push_str(&format!("\n  {name}: {all}"));
    }
    text
}

/// Claims as a person reads them; nothing that is no JSON.
fn shown(claims: &[u8]) -> Option<String> {
    let claims: serde_json::Value = serde_json::from_slice(claims).ok()?;
    let text = serde_json::to_string_pretty(&claims).ok()?;
    Some(text.lines().map(escape).collect::<Vec<_>>().join("\n"))
}

fn good(grant: &Grant, now_ms: u64) -> String {
    let mut text = format!("good: key \"{}\"", escape(grant.key()));
    if let Some(subject) = grant.subject() {
        text.push_str(&format!(", subject \"{}\"", escape(subject)));
    }
    if let Some(expires_ms) = grant.expires_ms() {
        let seconds = expires_ms.saturating_sub(now_ms).div_ceil(1000);
        // The end of all dates is in the year 9999.
        let end = UNIX_EPOCH + Duration::from_millis(expires_ms.min(253_402_300_799_000));
        text.push_str(&format!(", for {seconds} s more: until {}", httpdate::fmt_http_date(end)));
    }
    text + &rights(grant)
}
