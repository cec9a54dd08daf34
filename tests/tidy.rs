//! The architecture, and how the code reads, as a test: a rule that nothing checks is a wish.

#[allow(dead_code, reason = "which tests are run is asked elsewhere")]
#[path = "support/sources.rs"]
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

/// What each part of `src` may use of the others; a part below it in the same folder is its own affair.
/// `hub` writes frames, compressed ones too, and the codes of closes; it needs no more of `ws`.
const MAY_USE: &[(&str, &[&str])] = &[
    ("limits", &[]),
    ("sse", &[]),
    ("metrics", &[]),
    ("bytes", &["limits"]),
    ("json", &["limits"]),
    ("auth", &["limits"]),
    ("forward", &["auth", "limits"]),
    ("routes", &["auth", "limits"]),
    ("pages", &[]),
    ("config", &["auth", "routes", "pages", "limits"]),
    ("http", &["bytes", "limits"]),
    ("ws", &["bytes", "limits"]),
    ("hub", &["sse", "json", "ws::frame", "ws::close", "ws::deflate", "bytes", "limits"]),
    (
        "engine",
        &[
            "hub", "http", "ws", "sse", "json", "auth", "routes", "pages", "metrics", "bytes",
            "limits",
        ],
    ),
    ("reactor", &["engine", "hub", "auth", "forward", "bytes", "config", "limits", "metrics"]),
    ("cli", &["config", "auth", "ws", "bytes", "limits"]),
    ("filter", &["lines"]),
    ("journal", &[]),
    ("lines", &[]),
    ("main", &["cli", "config", "reactor"]),
    ("lib", &[]),
];

/// These never touch the world: no sockets, clocks, threads, randomness, logging.
const PURE: &[&str] =
    &["http", "ws", "sse", "json", "hub", "engine", "auth", "bytes", "routes", "pages", "metrics"];
const IMPURE_WORDS: &[&str] = &[
    "mio",
    "std::net",
    "std::fs",
    "std::thread",
    "std::env",
    "Instant",
    "SystemTime",
    "rand",
    "getrandom",
    "socket2",
    "rustix",
    "log",
    "println!",
    "eprintln!",
];

/// These read what peers sent, and no byte of it may make them panic. Clippy knows most of what
/// could; a part's `mod.rs` denies that for all its files. An exception is an `#[expect]` with its
/// reason, on the smallest item.
const DECODERS: &[&str] = &["auth", "http", "json", "routes", "sse", "ws"];
const DENIED_IN_DECODERS: &[&str] = &[
    "clippy::unwrap_used",
    "clippy::expect_used",
    "clippy::panic",
    "clippy::unreachable",
    "clippy::indexing_slicing",
    "clippy::string_slice",
    "clippy::arithmetic_side_effects",
    "clippy::cast_possible_truncation",
    "clippy::allow_attributes",
    "clippy::allow_attributes_without_reason",
];
/// What panics at a place or a length that is not there, and no lint sees.
const PANICS_UNSEEN: &[&str] = &[
    ".split_at(",
    ".split_at_mut(",
    ".split_off(",
    ".drain(",
    ".remove(",
    ".swap_remove(",
    ".copy_within(",
    "assert!(",
    "assert_eq!(",
    "assert_ne!(",
];

/// How long a comparison of these takes must not depend on where they differ: one function compares
/// them, in one file, and nothing else does that looks like it.
const SECRET_WORDS: &[&str] =
    &["secret", "digest", "password", "signature", "expose", "credential", "ticket"];
const SECRETS_COMPARED_IN: &str = "auth/digest.rs";
const COMPARES_SECRETS: &str = "verify_slices_are_equal";

/// Nowhere, not even in tests.
const UNFINISHED: &[&str] =
    &["todo!", "dbg!", "unimplemented!", concat!("TO", "DO"), concat!("FIX", "ME"), "XXX"];

const FILE_LINES_MAX: usize = 350;
const FUNCTION_LINES_MAX: usize = 60;
const COLUMNS_MAX: usize = 100;

/// A file of `src`, cut where its tests begin.
struct Source {
    path: PathBuf,
    part: String,
    all: String,
    code: String,
}

impl Source {
    fn read(root: &Path, path: PathBuf) -> Source {
        let all = fs::read_to_string(&path).unwrap();
        let inside = path.strip_prefix(root.join("src")).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        let part = first.trim_end_matches(".rs").to_owned();
        let is_test_file = inside.components().any(|part| part.as_os_str() == "tests")
            || inside.file_name().is_some_and(|name| name == "tests.rs");
        let end = match is_test_file {
            true => 0,
            false => ["\n#[cfg(test)]\nmod ", "\n#[cfg(all(test"]
                .iter()
                .filter_map(|mark| all.find(mark))
                .min()
                .unwrap_or(all.len()),
        };
        Source { part, code: all[..end].to_owned(), all, path }
    }

    /// The lines of code that are no comments, with their numbers.
    fn statements(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.code.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn complain(&self, complaints: &mut Vec<String>, line: usize, what: &str) {
        complaints.push(format!("{}:{line}: {what}", self.path.display()));
    }
}

#[test]
fn the_code_keeps_its_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(&root.join("src"), &mut paths);
    assert!(paths.len() > 30, "the sources were found");
    let mut complaints = Vec::new();
    check_reachable(&root.join("src"), &paths, &mut complaints);
    for path in paths {
        let source = Source::read(root, path);
        check_arrows(&source, &mut complaints);
        check_purity(&source, &mut complaints);
        check_decoder(&source, &mut complaints);
        check_secrets(&source, &mut complaints);
        check_header(&source, &mut complaints);
        check_length(&source, &mut complaints);
        check_finished(&source, &mut complaints);
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// What the lints do not forbid, sums elsewhere than in the decoders, must not wrap either.
#[test]
fn releases_check_their_sums() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let (_, release) = manifest.split_once("[profile.release]\n").unwrap();
    let release = release.split("\n[").next().unwrap();
    assert!(release.lines().any(|line| line == "overflow-checks = true"), "{release}");
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
    into.sort();
}

/// Each use of another part must be in the table, whether in a `use` or in the middle of a line.
fn check_arrows(source: &Source, complaints: &mut Vec<String>) {
    let Some((_, allowed)) = MAY_USE.iter().find(|(part, _)| *part == source.part) else {
        return source.complain(complaints, 1, "this part is not in the table of arrows");
    };
    for (number, line) in source.statements() {
        let crates = if source.part == "main" { "tidegate::" } else { "crate::" };
        for (at, _) in line.match_indices(crates) {
            let target = &line[at + crates.len()..];
            for target in targets(target) {
                let is_own = target.split("::").next() == Some(&source.part);
                let is_in = |one: &str| target == one || target.starts_with(&format!("{one}::"));
                if !is_own && !allowed.iter().any(|one| is_in(one)) {
                    source.complain(complaints, number, &format!("must not use {target}"));
                }
            }
        }
    }
}

/// The paths in `a::b`, `{a::b, c}` or `a::{b, c}`; of the last only what stands before the brace.
fn targets(text: &str) -> Vec<String> {
    let is_path = |byte: char| byte.is_alphanumeric() || byte == '_' || byte == ':';
    let path = |text: &str| {
        let end = text.find(|byte| !is_path(byte)).unwrap_or(text.len());
        text[..end].trim_end_matches(':').to_owned()
    };
    match text.strip_prefix('{') {
        Some(list) => {
            let list = list.split('}').next().unwrap_or(list);
            list.split(',').map(|one| path(one.trim())).collect()
        }
        None => vec![path(text)],
    }
}

fn check_purity(source: &Source, complaints: &mut Vec<String>) {
    if !PURE.contains(&source.part.as_str()) {
        return;
    }
    for (number, line) in source.statements() {
        let found = IMPURE_WORDS.iter().find(|word| uses(line, word));
        if let Some(word) = found {
            source.complain(complaints, number, &format!("{word} has no place in a pure part"));
        }
    }
}

/// Lint levels go down the tree of modules: a new file of a decoder stands under them without a
/// word.
fn check_decoder(source: &Source, complaints: &mut Vec<String>) {
    if !DECODERS.contains(&source.part.as_str()) {
        return;
    }
    if source.path.ends_with(format!("{}/mod.rs", source.part)) {
        let text: String = source.code.split_whitespace().collect();
        let denied = text.split_once("#![cfg_attr(not(test),deny(").map_or("", |(_, rest)| rest);
        let denied: Vec<_> = denied.split("))]").next().unwrap_or_default().split(',').collect();
        for lint in DENIED_IN_DECODERS.iter().filter(|lint| !denied.contains(lint)) {
            source.complain(complaints, 1, &format!("a decoder that does not deny {lint}"));
        }
    }
    for (number, line) in source.statements() {
        // What only debug builds assert says what we believe, of ourselves.
        let line = line.replace("debug_assert", "").replace("const _: () = assert!", "");
        if let Some(word) = PANICS_UNSEEN.iter().find(|word| line.contains(**word)) {
            source.complain(complaints, number, &format!("{word} may panic, in a decoder"));
        }
    }
}

/// What is written by hand, and what is derived.
fn check_secrets(source: &Source, complaints: &mut Vec<String>) {
    if source.path.ends_with(SECRETS_COMPARED_IN) {
        if !source.code.contains(COMPARES_SECRETS) {
            source.complain(complaints, 1, "nothing compares secrets here any more");
        }
        return;
    }
    let mut is_comparable = false;
    for (number, line) in source.statements() {
        if line.contains(COMPARES_SECRETS) {
            source.complain(complaints, number, &format!("only {SECRETS_COMPARED_IN} does that"));
        }
        if source.part != "auth" {
            continue;
        }
        let compares = [" == ", " != ", ".eq(", ".ne(", ".cmp("].iter().any(|it| line.contains(it));
        let is_secret = SECRET_WORDS.iter().any(|word| line.contains(word));
        // How long it is, and what kind of it is wanted, is no secret.
        let is_told = line.contains(".len()") || line.contains("kind()");
        if compares && is_secret && !is_told {
            source.complain(complaints, number, "a secret is compared");
        }
        if line.contains("struct Secret") && is_comparable {
            source.complain(complaints, number, "a secret with a derived comparison");
        }
        is_comparable = line.contains("derive(") && line.contains("Eq");
    }
}

/// Whether `line` has `word` as a path or a macro, and not as a part of another word.
fn uses(line: &str, word: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line.as_bytes()[..at], &line[at + word.len()..]);
        let begins = !before.last().is_some_and(|byte| is_word(*byte) || *byte == b'.');
        let ends = word.ends_with('!')
            || after.starts_with("::")
            || after.starts_with(';')
            || (word.contains("::") || word.starts_with(char::is_uppercase))
                && !after.bytes().next().is_some_and(is_word);
        begins && ends
    })
}

/// A module says what it knows and what it must not know.
fn check_header(source: &Source, complaints: &mut Vec<String>) {
    let header: Vec<_> = source.all.lines().take_while(|line| line.starts_with("//!")).collect();
    if header.is_empty() {
        source.complain(complaints, 1, "does not begin with a doc of the module");
    }
    let is_spared = ["lib", "main"].contains(&source.part.as_str()) || source.code.is_empty();
    for promise in ["//! Knows: ", "//! Must not know: "] {
        if !is_spared && !header.iter().any(|line| line.starts_with(promise)) {
            source.complain(complaints, 1, &format!("its doc has no line \"{promise}…\""));
        }
    }
}

fn check_length(source: &Source, complaints: &mut Vec<String>) {
    for (at, line) in source.code.lines().enumerate() {
        if line.chars().count() > COLUMNS_MAX {
            source.complain(complaints, at + 1, &format!("is over {COLUMNS_MAX} columns"));
        }
    }
    let lines = source.code.lines().count();
    if lines > FILE_LINES_MAX {
        source.complain(complaints, lines, "is over 350 lines without its tests");
    }
    // rustfmt puts the end of a function under its beginning.
    let mut open: Option<(usize, usize)> = None;
    for (at, line) in source.code.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if open.is_none() && is_function(line) && !line.ends_with(['}', ';']) {
            open = Some((at, indent));
        } else if let Some((start, of_start)) = open
            && indent == of_start
            && (line.trim_start().starts_with('}') || line.ends_with(';'))
        {
            if at - start + 1 > FUNCTION_LINES_MAX {
                source.complain(complaints, start + 1, "is a function of over 60 lines");
            }
            open = None;
        }
    }
}

fn is_function(line: &str) -> bool {
    let words: Vec<_> = line.split_whitespace().take_while(|word| !word.contains('(')).collect();
    let is_modifier = |word: &&str| word.starts_with("pub") || ["const", "async"].contains(word);
    let mut words = words.iter().skip_while(|word| is_modifier(word));
    line.contains("fn ") && words.next().is_none_or(|word| *word == "fn")
}

fn check_finished(source: &Source, complaints: &mut Vec<String>) {
    for (at, line) in source.all.lines().enumerate() {
        if let Some(word) = UNFINISHED.iter().find(|word| line.contains(**word)) {
            source.complain(complaints, at + 1, &format!("has a {word}"));
        }
    }
}

/// Every file is somebody's `mod`; one that is not would be compiled by nobody.
fn check_reachable(src: &Path, paths: &[PathBuf], complaints: &mut Vec<String>) {
    let reached = sources::reached_from(&[src.join("lib.rs"), src.join("main.rs")]);
    for path in paths.iter().filter(|path| !reached.contains(*path)) {
        complaints.push(format!("{}: no `mod` leads here", path.display()));
    }
}
