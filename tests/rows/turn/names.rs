//! Names that clients choose are hashed with keys that they cannot know (L14).

use std::fs;
use std::path::{Path, PathBuf};

/// What a map may be hashed by: std's own keys, those of the hub, or nothing where the keys of the
/// map are numbers of our own, or hashes with secret keys already.
const HASHERS: [(&str, &[&str]); 8] = [
    (
        "src/engine/reach.rs",
        &["HashMap<Reach, GroupNumber>", "HashMap<RoomKey, Readers, Identity>"],
    ),
    ("src/auth/vault/tickets.rs", &["HashMap<Digest, Ticket>"]),
    ("src/forward/kept.rs", &["HashMap<Digest, One>"]),
    // The names of rooms stand in a tree there: nothing is hashed.
    ("src/hub/room.rs", &["HashMap<RoomKey, Room, Identity>"]),
    ("src/hub/directory.rs", &["HashMap<Who, Registration, Identity>"]),
    ("src/hub/idempotency.rs", &["HashMap<Who, Entry, Identity>"]),
    ("src/engine/api/calls.rs", &["HashMap<u64, (CallKey, u32), Identity>"]),
    (
        "src/engine/rooms.rs",
        &[
            "HashMap<Arc<str>, u32>",
            "HashMap<RoomKey, u32, Identity>",
            "HashMap<Who, Vec<u32>, Identity>",
        ],
    ),
];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // What is in tests no client names.
        if path.file_stem().is_some_and(|name| name == "tests") {
            continue;
        }
        if path.is_dir() {
            sources(&path, into);
        } else {
            into.push(path);
        }
    }
}

/// A new map is to be judged, not found later.
#[test]
fn every_map_is_of_a_kind_that_cannot_be_flooded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    sources(&root.join("src"), &mut paths);
    let mut seen = 0;
    for path in paths {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let allowed = HASHERS.iter().find(|(file, _)| *file == name).map_or(&[][..], |row| row.1);
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for (at, _) in line.match_indices("HashMap<") {
                let is_known = allowed.iter().any(|kind| line[at..].starts_with(kind));
                assert!(is_known, "{name}: {line}: hashed by what?");
                seen += 1;
            }
            assert!(!line.contains("HashSet<"), "{name}: {line}: hashed by what?");
        }
    }
    assert!(seen >= 5, "the maps were found");
}
