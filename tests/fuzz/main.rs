//! The fuzz targets without a fuzzer: each file of their corpora, and mutations of them from seeds.
//!
//! What a fuzzer once found stays found on a stable compiler. A failure says how to see it again:
//!
//! ```sh
//! TIDEGATE_FUZZ_INPUT=fuzz/corpus/frame/ping cargo test --test fuzz       # one file
//! TIDEGATE_FUZZ_MUTATIONS=1000000 cargo test --release --test fuzz        # more of them
//! ```
//!
//! The folder that the file lies in says which target it is for.

#[path = "../sim/dice.rs"]
mod dice;
mod mutate;
// Their own crate shows them to the binaries of the fuzzer.
#[allow(unreachable_pub)]
#[path = "../../fuzz/targets/mod.rs"]
mod targets;

use dice::Dice;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use targets::Target;

/// So many inputs come from one seed; a test with more seeds tries these first.
const INPUTS_PER_SEED: usize = 100;

const CORPUS_FILES_MAX: usize = 64;
const CORPUS_BYTES_MAX: u64 = 128 * 1024;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a corpus, in an order that does not depend on the machine.
fn corpus_of(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths = entries(&root().join("fuzz/corpus").join(target));
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("a corpus file"))).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|_| panic!("no {}", folder.display()));
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

/// The names of the files or folders of `folder`, without what is behind a dot.
fn names(folder: &str) -> BTreeSet<String> {
    let paths = entries(&root().join(folder));
    paths.iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Says it past the test harness, which keeps what a test prints.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "fuzz: {line}");
}

/// Gives `input` to `target`. `false`: it panicked, and what to do about it was said.
fn survives(target: &Target, origin: &str, input: &[u8]) -> bool {
    if catch_unwind(|| (target.run)(input)).is_ok() {
        return true;
    }
    say(&format!("{} fails on {origin}: b\"{}\"", target.name, input.escape_ascii()));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(target.name);
    let path = folder.join(origin.replace(['/', ' '], "-"));
    if fs::create_dir_all(&folder).and_then(|()| fs::write(&path, input)).is_ok() {
        say(&format!("again: TIDEGATE_FUZZ_INPUT={} cargo test --test fuzz", path.display()));
    }
    false
}

/// The corpus of `target`, then mutations of it. `false`: one of them is a finding.
fn replay(target: &Target, mutations: usize) -> bool {
    let corpus = corpus_of(target.name);
    let in_corpus = |(path, bytes): &(PathBuf, Vec<u8>)| {
        survives(target, &path.file_name().unwrap().to_string_lossy(), bytes)
    };
    if !corpus.iter().all(in_corpus) {
        return false;
    }
    let corpus: Vec<Vec<u8>> = corpus.into_iter().map(|(_, bytes)| bytes).collect();
    let mut dice = Dice::new(0);
    (0..mutations).all(|number| {
        let (seed, place) = (number / INPUTS_PER_SEED, number % INPUTS_PER_SEED);
        if place == 0 {
            dice = Dice::new(seed as u64);
        }
        let input = mutate::mutate(&corpus, &mut dice);
        survives(target, &format!("seed {seed} input {place}"), &input)
    })
}

fn mutations_wanted() -> Option<usize> {
    let value = std::env::var("TIDEGATE_FUZZ_MUTATIONS").ok()?;
    Some(value.parse().expect("TIDEGATE_FUZZ_MUTATIONS is a number"))
}

#[test]
fn no_target_finds_anything_in_its_corpus_nor_near_it() {
    if let Some(path) = std::env::var_os("TIDEGATE_FUZZ_INPUT") {
        return again(Path::new(&path));
    }
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(target) = targets::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mutations = mutations_wanted().unwrap_or(target.mutations);
                    if !replay(target, mutations) {
                        failed.lock().expect("no panic under it").push(target.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic under it");
    assert!(failed.is_empty(), "targets with a finding: {failed:?}");
}

fn again(path: &Path) {
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    let target = targets::ALL.iter().find(|target| Some(target.name) == folder);
    let target = target.unwrap_or_else(|| panic!("{folder:?} is no target"));
    let input = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    say(&format!("{} takes b\"{}\"", target.name, input.escape_ascii()));
    (target.run)(&input);
}

#[test]
fn every_target_has_a_binary_and_a_small_corpus() {
    let listed: BTreeSet<String> = targets::ALL.iter().map(|one| one.name.to_owned()).collect();
    assert_eq!(listed.len(), targets::ALL.len(), "each name stands once");
    assert_eq!(names("fuzz/corpus"), listed, "fuzz/corpus");
    assert_eq!(names("fuzz/fuzz_targets"), listed, "fuzz/fuzz_targets");
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).expect("a manifest");
    for name in &listed {
        let bin = format!("[[bin]]\nname = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\n");
        assert!(manifest.contains(&bin), "fuzz/Cargo.toml has no [[bin]] for {name}");
        let corpus = corpus_of(name);
        let bytes: u64 = corpus.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        let (files, bytes) = (corpus.len(), bytes);
        assert!(files > 0, "{name} has no corpus");
        assert!(files <= CORPUS_FILES_MAX, "{name} has {files} files: cargo fuzz cmin");
        assert!(bytes <= CORPUS_BYTES_MAX, "{name} has {bytes} bytes: cargo fuzz cmin");
    }
}
