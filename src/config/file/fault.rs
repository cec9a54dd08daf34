//! What can be wrong in a file, in words.
//!
//! Knows: every way in which a file can be wrong beside the values of its options.
//! Must not know: how it was found out.

use std::fmt;

use super::access;
use super::what::What;
use crate::routes::BadPattern;

/// Why a file, or something in it, cannot be used.
#[derive(Debug)]
pub(in crate::config) enum Fault {
    /// In the system's words.
    Unreadable(String),
    Folder,
    /// Nothing of that name, which is not from the root.
    NotThere,
    /// `-`.
    Dash,
    /// Another language.
    Yaml,
    Json,
    /// What others call something, and what it is here.
    Habit(&'static str),
    /// A pipe gives its text only once.
    OnlyOnce,
    /// More than this many bytes.
    Endless(u64),
    NotUtf8,
    /// In the parser's words.
    Syntax(String),
    /// A key that nobody knows, and what may have been meant.
    Unknown {
        what: What,
        nearest: Option<&'static str>,
    },
    /// A table of the file that nobody knows, and which may have been meant.
    NoTable(Option<&'static str>),
    /// An option of the server in a table: TOML has no end of a table but the next one.
    Sunken,
    /// A key of a route outside of one.
    OfRoute(&'static str),
    /// A secret outside of a key.
    OfKey,
    /// What only the server's door has, in that of a route.
    OfAuth,
    /// Of keys and doors.
    Access(access::Fault),
    /// A file that names a file.
    FileInFile,
    /// `[route]` where `[[route]]` was meant.
    Single(What),
    Kind {
        is: &'static str,
        wanted: &'static str,
    },
    Choice {
        words: String,
    },
    /// A table without this key.
    Missing(&'static str),

    Pattern(BadPattern),
    /// Another route has its paths.
    Clash {
        other: String,
        line: usize,
    },
    /// A key of routes of another behaviour.
    Only(&'static str),
    RoomInPath,
    RoomForNothing,
    RoomName {
        most: usize,
    },
    RelayPublishes,
    RelayNames,
    NoDuplicates,
    /// No subprotocol.
    NoToken,
    Twice,
    MatchesAll,
    BothSaid,
    NothingSaid,
    /// In the parser's words.
    NotJson(String),
    /// Longer than this.
    LongMessage(String),

    NoSlash,
    BadPath,
    /// The server has something there itself.
    OwnPath,
    /// Something was put there in that line.
    PathTaken(usize),
    TextAndFile,
    NoText,
    NoMime,
    /// A folder as a page.
    FolderPage,
    /// A file, where only a text was given.
    Nowhere,
    /// Neither a file nor a folder.
    NoFile,
    /// A file as a folder.
    NoFolder,
    /// A link out of the folder.
    LeadsOut,
    /// A link to a folder above itself.
    Circle,
    /// A file that no request can name.
    FileName,
    /// More than may be read.
    TooMuch {
        mebibytes: u64,
    },
    TooMany {
        files: usize,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Unreadable(error) => write!(out, "cannot be read: {error}"),
            Fault::Endless(most) => write!(out, "is longer than {} MiB", most >> 20),
            Fault::Syntax(error) => write!(out, "is not TOML: {error}"),
            Fault::Unknown { what, nearest } => write_unknown(out, *what, *nearest),
            Fault::Access(fault) => fault.fmt(out),
            Fault::NoTable(Some("auth")) => {
                out.write_str("is no table of the file; did you mean [auth]?")
            }
            Fault::NoTable(Some(nearest)) => {
                write!(out, "is no table of the file; did you mean [[{nearest}]]?")
            }
            Fault::OfRoute("reply") => out.write_str("is of a route; write [[route.reply]]"),
            Fault::OfRoute("otherwise") => out.write_str("is of a route; write [route.otherwise]"),
            Fault::OfRoute(_) => out.write_str("is of a route; write it below a line [[route]]"),
            Fault::Single(what) => {
                let prefix = if *what == What::Reply { "route." } else { "" };
                let name = what.name();
                write!(out, "is not in double brackets; write [[{prefix}{name}]], even for one")
            }
            Fault::Kind { is, wanted } => write!(out, "is {is}; write {wanted}"),
            Fault::Choice { words } => write!(out, "is none of {words}"),
            Fault::Habit(said) => {
                // Here options are written without dashes.
                write!(out, "is no option; {}", said.replace("--", ""))
            }
            Fault::Missing("name") => out.write_str("has no name; write one, like name = \"app\""),
            Fault::Missing("behaviour") => {
                out.write_str("has no behaviour; write relay, broadcast, echo or reply")
            }
            Fault::Missing(key) => write!(out, "has no {key}"),
            Fault::Pattern(bad) => write!(out, "is no path of a route: {bad}"),
            Fault::Clash { other, line } => {
                write!(out, "is for the same paths as {other} in line {line}")
            }
            Fault::Only(behaviour) => write!(out, "is for behaviour = \"{behaviour}\" only"),
            Fault::RoomName { most } => write!(
                out,
                "is no name of a room: 1 to {most} bytes, no control characters, and not *"
            ),
            Fault::Twice => out.write_str("is there already"),
            Fault::NotJson(error) => write!(out, "is not JSON: {error}"),
            Fault::LongMessage(most) => write!(out, "is longer than max-message ({most})"),
            Fault::PathTaken(line) => write!(out, "is taken by what stands in line {line}"),
            Fault::TooMuch { mebibytes } => {
                write!(out, "does not fit any more: all pages may have {mebibytes} MiB together")
            }
            Fault::TooMany { files } => {
                write!(
                    out,
                    "does not fit any more: there may be {files} files and folders together"
                )
            }
            fault => out.write_str(fault.words()),
        }
    }
}

impl Fault {
    /// Of those that need no more than that.
    fn words(&self) -> &'static str {
        match self {
            Fault::Folder => "is a folder; name the file in it",
            Fault::NotThere => {
                "cannot be read: No such file or directory; its name is looked up from the folder \
                 that tidegate is started in"
            }
            Fault::Dash => "is no file; standard input is /dev/stdin",
            Fault::Yaml => "is YAML, it seems; what is read is TOML: cores = 2, not cores: 2",
            Fault::Json => "is JSON, it seems; what is read is TOML: cores = 2, not {\"cores\": 2}",
            Fault::OnlyOnce => "is no file, and cannot be read a second time",
            Fault::NotUtf8 => "is not UTF-8 text from here on",
            Fault::Sunken => {
                "is an option of the whole server; write it above the first table ([[…]])"
            }
            Fault::NoTable(_) => {
                "is no table of the file; options stand at the top of it, in no table"
            }
            Fault::OfKey => {
                "is no option; who may come in is said by a [[key]], \
                 as with name = \"app\" and secret = { file = \"app.key\" }"
            }
            Fault::OfAuth => "is of the whole server; write it below a line [auth]",
            Fault::FileInFile => "cannot be set in the file itself",
            Fault::RoomInPath => "is in the path already, as {room}; leave out one of them",
            Fault::RoomForNothing => "is of no use, as nothing is published; write publish = true",
            Fault::RelayPublishes => "cannot be false, as a relay does nothing else",
            Fault::RelayNames => {
                "cannot be server, as clients of a relay name themselves in what they say; \
                 envelope = \"wrap\" changes that"
            }
            Fault::NoDuplicates => {
                "is of no use, as the server names no two alike; write connection-id = \"client\""
            }
            Fault::NoToken => "is no subprotocol; write one of letters, digits and !#$%&'*+-.^_`|~",
            Fault::MatchesAll => "is empty, which is in every message; use [route.otherwise]",
            Fault::BothSaid => "is beside a text; leave out one of them",
            Fault::NothingSaid => "has neither text nor json",
            Fault::NoSlash => "is no path; it begins with a slash",
            Fault::BadPath => {
                "is no path of a page; no segment is empty, . or .., or has control characters"
            }
            Fault::OwnPath => "is an address of the server itself; choose another",
            Fault::TextAndFile => "is beside a text; leave out one of them",
            Fault::NoText => "has neither text nor file",
            Fault::NoMime => "is no media type; write it like text/html; charset=utf-8",
            Fault::FolderPage => "is a folder; serve it by [[files]]",
            Fault::Nowhere => "cannot be read, as this configuration is in no file itself",
            Fault::NoFile => "is neither a file nor a folder",
            Fault::NoFolder => "is no folder; serve a single file by [[page]]",
            Fault::LeadsOut => "is a link that leads out of the folder",
            Fault::Circle => "is a link to a folder that it is in itself",
            Fault::FileName => "has a name that is not UTF-8, or has control characters",
            _ => "cannot be used",
        }
    }
}

fn write_unknown(
    out: &mut fmt::Formatter<'_>,
    what: What,
    nearest: Option<&'static str>,
) -> fmt::Result {
    match what {
        What::Whole => out.write_str("is no option")?,
        _ => write!(out, "is no key of {}", what.name())?,
    }
    match nearest {
        Some(nearest) => write!(out, "; did you mean {nearest}?"),
        None if what == What::Whole => out.write_str("; tidegate --help lists them all"),
        None => write!(out, "; it may have {}", what.keys().join(", ")),
    }
}
