//! The command line of `tidegate token`.
//!
//! Knows: its options, clap, which file of keys is meant.
//! Must not know: what a token is, what is done with it.
//!
//! A secret is in a file or comes from standard input: on a command line everybody on the machine
//! could read it, and a shell would remember it.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, value_parser};

use super::environment::Environment;
use super::source::Source;
use super::units::Unit;
use super::{Refusal, flags};
use crate::auth::{Algorithm, Asked, Keyring};

/// The word for it on the command line.
pub(super) const NAME: &str = "token";

const ABOUT: &str = "Make and read what lets clients in: keys and tokens";

const KEY: &str = "key";
const MINT: &str = "mint";
const VERIFY: &str = "verify";

const MINT_NOTES: &str = "\
What signs it is one of: a key of tokens with a secret in a configuration (--config and --key), a
secret (--secret-file), a private key in PEM (--private-key). With no right given, the token has
all that its key gives; with one, those alone, and no name but those of --connection-id.
A time is like 30s, 15m, 1h, 7d.";

const VERIFY_NOTES: &str = "\
The token is read from standard input. What it claims is printed, and who vouches for it; if nobody
does, why, and the status is 1.";

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Token {
    /// A secret for a file.
    Key {
        /// How many bytes of it are random.
        bytes: usize,
        /// The file that is made for it; otherwise it is printed.
        file: Option<String>,
    },
    /// A token.
    Mint(Box<MintOptions>),
    /// Somebody wants to know what a token is good for.
    Verify(Proof),
}

/// What signs a token, or vouches for it.
#[derive(Clone, Debug)]
pub enum Proof {
    /// The keys of a configuration; which one, if that was said.
    Keys(Keyring, Option<String>),
    /// A file with a secret.
    Secret(String, Algorithm),
    /// A file with a private key in PEM.
    Private(String, Algorithm),
    /// A file with a public key in PEM.
    Public(String, Algorithm),
    /// A file with a JWK set, and how those of its keys sign that do not say it.
    Set(String, Option<Algorithm>),
}

/// A token, as it is wanted.
#[derive(Clone, Debug)]
pub struct MintOptions {
    /// What signs it.
    pub proof: Proof,
    /// `sub`.
    pub subject: Option<String>,
    /// How long it is good, in milliseconds.
    pub expires_in_ms: u64,
    /// `jti`, if not a random one.
    pub token_id: Option<String>,
    /// The rights, if any is given.
    pub rights: Option<Asked>,
    /// `kid`.
    pub id: Option<String>,
    /// `iss`.
    pub issuer: Option<String>,
    /// `aud`.
    pub audience: Option<String>,
}

fn text(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help).allow_hyphen_values(true)
}

fn algorithm() -> Arg {
    let names = Algorithm::ALL.map(Algorithm::name);
    text("algorithm", "ALG", "How tokens are signed [default with a secret: HS256]")
        .value_parser(clap::builder::PossibleValuesParser::new(names))
}

pub(super) fn command() -> clap::Command {
    let key = clap::Command::new(KEY).about("Make a fresh secret").args([
        text("bytes", "N", "How many random bytes are in it [default: 32]")
            .value_parser(value_parser!(u16).range(16..=1024)),
        Arg::new("file")
            .value_name("FILE")
            .help("A new file that only you can read; without it the secret is printed"),
    ]);
    let each = |arg: Arg| arg.action(ArgAction::Append);
    let mint = clap::Command::new(MINT).about("Print a token").after_help(MINT_NOTES).args([
        text("config", "FILE", "Sign with a key of this configuration").requires("key"),
        text("key", "NAME", "Which key").requires("config"),
        text("secret-file", "FILE", "Sign with the secret in FILE"),
        text("private-key", "FILE", "Sign with the private key in FILE").requires("algorithm"),
        algorithm().conflicts_with("config"),
        text("subject", "S", "Whom it is for"),
        text("expires-in", "TIME", "How long it is good [default: 1h]"),
        text("token-id", "X", "What it is called [default: something random]"),
        Arg::new("connect").long("connect").action(ArgAction::SetTrue).help("May connect"),
        each(text("subscribe", "GLOB", "May read these rooms; repeatable")),
        each(text("publish", "GLOB", "May publish to these rooms; repeatable")),
        Arg::new("manage").long("manage").action(ArgAction::SetTrue).help("May use the API"),
        each(text("connection-id", "GLOB", "May be called so, and nothing else; repeatable")),
        text("id", "KID", "The id of the key [default: the one in FILE of --config]"),
        text("issuer", "ISS", "Who issues it [default: as the key in --config wants]"),
        text("audience", "AUD", "Whom it is addressed to [default: as the key in --config wants]"),
    ]);
    let mint = mint.group(
        clap::ArgGroup::new("signs").args(["config", "secret-file", "private-key"]).required(true),
    );
    let verify = clap::Command::new(VERIFY).about("Say what a token is good for");
    let verify = verify.after_help(VERIFY_NOTES).args([
        text("config", "FILE", "By the keys of this configuration"),
        text("secret-file", "FILE", "By the secret in FILE"),
        text("public-key", "FILE", "By the public key in FILE").requires("algorithm"),
        text("jwks", "FILE", "By the keys in FILE, a JWK set"),
        algorithm().conflicts_with("config"),
        Arg::new("input").help("-: standard input, which it is anyway"),
    ]);
    let proofs = ["config", "secret-file", "public-key", "jwks"];
    let verify = verify.group(clap::ArgGroup::new("proves").args(proofs).required(true));
    let whole = clap::Command::new(NAME).about(ABOUT).subcommand_required(true);
    whole.subcommands([key, mint, verify])
}

/// What is wanted, with the keys of the configuration if they are.
pub(super) fn read(options: &ArgMatches, environment: Environment) -> Result<Token, Refusal> {
    match options.subcommand() {
        Some((MINT, options)) => Ok(Token::Mint(Box::new(read_mint(options, environment)?))),
        // It is not repeated: on a command line it was public enough.
        Some((VERIFY, options)) if given(options, "input").is_some_and(|input| input != "-") => {
            let text = "give the token on standard input: others can read a command line\n";
            Err(Refusal::Told(clap::Error::raw(clap::error::ErrorKind::InvalidValue, text)))
        }
        Some((VERIFY, options)) => Ok(Token::Verify(read_proof(options, environment)?)),
        key => {
            let bytes = key.and_then(|(_, options)| options.get_one::<u16>("bytes"));
            let file = key.and_then(|(_, options)| options.get_one("file").cloned());
            Ok(Token::Key { bytes: bytes.map_or(32, |bytes| usize::from(*bytes)), file })
        }
    }
}

fn given(options: &ArgMatches, name: &str) -> Option<String> {
    // Each of the two commands has some of the options.
    options.try_get_one::<String>(name).ok().flatten().cloned()
}

fn read_mint(options: &ArgMatches, environment: Environment) -> Result<MintOptions, Refusal> {
    let proof = read_proof(options, environment)?;
    let text = |name: &str| given(options, name);
    let all = |name: &str| options.get_many(name).into_iter().flatten().cloned().collect();
    let asked = Asked {
        connect: options.get_flag("connect"),
        subscribe: all("subscribe"),
        publish: all("publish"),
        manage: options.get_flag("manage"),
        connection_id: all("connection-id"),
    };
    let time = text("expires-in");
    let expires_in_ms = match time.as_deref().map(|time| (time, lifetime(time))) {
        None => 3_600_000,
        Some((_, Some(ms @ 1000..))) => ms,
        Some((time, _)) => {
            let why = format!("\"{time}\" is no time of a second or more; write it like 15m");
            return Err(Refusal::Told(refusal("expires-in", &why)));
        }
    };
    Ok(MintOptions {
        proof,
        expires_in_ms,
        rights: (asked != Asked::default()).then_some(asked),
        subject: text("subject"),
        token_id: text("token-id"),
        id: text("id"),
        issuer: text("issuer"),
        audience: text("audience"),
    })
}

/// A time like those of the options, and in days: nothing else here is that long.
fn lifetime(time: &str) -> Option<u64> {
    match time.strip_suffix('d') {
        Some(days) if days.bytes().all(|byte| byte.is_ascii_digit()) => {
            days.parse::<u64>().ok()?.checked_mul(24 * 60 * 60 * 1000)
        }
        _ => Unit::Time.parse(time).ok(),
    }
}

fn refusal(option: &str, why: &str) -> clap::Error {
    let text = format!("--{option}: {why}\n");
    clap::Error::raw(clap::error::ErrorKind::InvalidValue, text)
}

fn read_proof(options: &ArgMatches, environment: Environment) -> Result<Proof, Refusal> {
    let text = |name: &str| given(options, name);
    let algorithm = text("algorithm").and_then(|name| Algorithm::parse(&name));
    if let Some(file) = text("config") {
        // As a server would read it that is started with it.
        let args = ["tidegate", "serve", "--config", &file].map(OsString::from);
        let matches = flags::command().try_get_matches_from(args).map_err(Refusal::Told)?;
        let options = matches.subcommand().map_or(&matches, |(_, options)| options);
        let loaded = Source::new(options, environment).load().map_err(Refusal::Mistakes)?;
        return Ok(Proof::Keys(loaded.config.access.keyring, text("key")));
    }
    let (said, algorithm) = (algorithm, algorithm.unwrap_or(Algorithm::HS256));
    let files = [
        text("secret-file").map(|file| Proof::Secret(file, algorithm)),
        text("private-key").map(|file| Proof::Private(file, algorithm)),
        text("public-key").map(|file| Proof::Public(file, algorithm)),
        text("jwks").map(|file| Proof::Set(file, said)),
    ];
    let mut files = files.into_iter().flatten();
    let none = || refusal("config", "say which file has the key");
    files.next().ok_or_else(none).map_err(Refusal::Told)
}

#[cfg(test)]
mod tests {
    use super::super::{Command, Config};
    use super::*;

    fn from_args(args: &[&str]) -> Result<Token, Refusal> {
        let args = ["tidegate", NAME].iter().chain(args).map(OsString::from);
        match Config::from_args(args, |_| None)? {
            Command::Token(token) => Ok(*token),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_token_is_wanted_with_what_it_says() {
        let line = "mint --private-key k.pem --algorithm ES256 --subject anna --expires-in 5m \
                    --token-id t --connect --subscribe a.* --subscribe b --publish - \
                    --connection-id anna --id 1 --issuer i --audience a";
        let token = from_args(&line.split_whitespace().collect::<Vec<_>>()).unwrap();
        let Token::Mint(options) = token else { panic!("{token:?}") };
        assert!(
            matches!(&options.proof, Proof::Private(file, Algorithm::ES256) if file == "k.pem")
        );
        let texts = [&options.subject, &options.token_id, &options.id, &options.issuer];
        assert_eq!(texts.map(|it| it.as_deref().unwrap()), ["anna", "t", "1", "i"]);
        let rights = options.rights.unwrap();
        assert_eq!((rights.subscribe.len(), rights.publish.len()), (2, 1));
        assert_eq!((options.expires_in_ms, rights.connect, rights.manage), (300_000, true, false));
        let Ok(Token::Mint(plain)) = from_args(&["mint", "--secret-file", "k"]) else { panic!() };
        assert!(plain.rights.is_none() && plain.expires_in_ms == 3_600_000);
        assert!(matches!(plain.proof, Proof::Secret(_, Algorithm::HS256)));
    }

    #[test]
    fn a_token_may_be_good_for_days() {
        let wanted = |time| from_args(&["mint", "--secret-file", "k", "--expires-in", time]);
        let Ok(Token::Mint(week)) = wanted("7d") else { panic!() };
        assert_eq!(week.expires_in_ms, 7 * 86_400_000);
        for time in ["0d", "d", "-1d", "+1d", "1.5d", "99999999999999999d"] {
            assert!(matches!(wanted(time), Err(Refusal::Told(_))), "{time}");
        }
    }

    #[test]
    fn a_line_without_a_key_or_with_two_is_refused() {
        for (args, part) in [
            (&["mint"][..], "--secret-file"),
            (&["mint", "--config", "x"], "--key"),
            (&["mint", "--secret-file", "x", "--private-key", "y"], "--private-key"),
            (&["mint", "--private-key", "y"], "--algorithm"),
            (&["mint", "--secret-file", "x", "--algorithm", "none"], "none"),
            (&["mint", "--secret-file", "x", "--expires-in", "1"], "--expires-in"),
            (&["mint", "--secret-file", "x", "--expires-in", "0s"], "--expires-in"),
            (&["mint", "--secret", "x"], "--secret"),
            (&["verify"], "--jwks"),
            (&["verify", "--config", "x", "--algorithm", "ES256"], "--algorithm"),
            (&["verify", "--jwks", "x", "eyJ"], "give the token on standard input"),
            (&["key", "--bytes", "8"], "--bytes"),
            (&[], "mint"),
        ] {
            match from_args(args) {
                Err(Refusal::Told(told)) => {
                    assert!(told.to_string().contains(part), "{told}");
                    assert!(!told.to_string().contains("eyJ"), "{told}");
                }
                other => panic!("{args:?}: {other:?}"),
            }
        }
    }
}
