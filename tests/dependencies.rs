//! What Tidegate is built from: which Rust it needs, and whether a hole in it is known.
//!
//! Where the database of holes can be reached, `.ci/run` has cargo-deny look there; what is here is for
//! all other places, and as old as the copy in `.ci/advisories.json`.

use semver::{Version, VersionReq};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// What cargo says of us and of all packages that we are built from, on any system.
fn packages() -> Vec<Value> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--format-version", "1", "--locked"]);
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn is_ours(package: &Value) -> bool {
    package["source"].is_null()
}

/// A `rust-version`, which may have no last part.
fn rust_version(text: &str) -> Version {
    let parts = text.split('.').count();
    Version::parse(&format!("{text}{}", ".0".repeat(3 - parts))).expect(text)
}

#[test]
fn no_package_needs_a_newer_rust_than_is_promised() {
    let packages = packages();
    let us = packages.iter().find(|package| is_ours(package)).unwrap();
    let promised = rust_version(us["rust_version"].as_str().unwrap());
    for package in &packages {
        // Who says nothing needs nothing that we know of: `.ci/run` compiles it with that Rust.
        let Some(needed) = package["rust_version"].as_str() else { continue };
        assert!(rust_version(needed) <= promised, "{} needs Rust {needed}", package["id"]);
    }
}

/// The copy of what the database says of our packages.
fn advisories() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/advisories.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Whether it is about this version: whatever is neither mended nor was sound before.
fn concerns(advisory: &Value, version: &Version) -> bool {
    let lists = ["patched", "unaffected"].map(|key| advisory[key].as_array());
    let mut spared = lists.into_iter().flatten().flatten().map(|text| text.as_str().unwrap());
    !spared.any(|text| VersionReq::parse(text).expect(text).matches(version))
}

#[test]
fn no_advisories_concern_our_packages_as_far_as_the_copy_knows() {
    let copy = advisories();
    let known = copy["looked-up"].as_array().unwrap();
    let mut found = Vec::new();
    let mut unknown = BTreeSet::new();
    for package in packages().iter().filter(|package| !is_ours(package)) {
        let version = Version::parse(package["version"].as_str().unwrap()).unwrap();
        let about = copy["advisories"].as_array().unwrap().iter();
        let about = about.filter(|advisory| advisory["package"] == package["name"]);
        let ids = about.filter(|advisory| concerns(advisory, &version)).map(|it| &it["id"]);
        found.extend(ids.map(|id| format!("{} {version}: {id}", package["name"])));
        if !known.contains(&package["name"]) {
            unknown.insert(package["name"].as_str().unwrap().to_owned());
        }
    }
    if !unknown.is_empty() {
        println!("nobody has looked up advisories for: {unknown:?}");
    }
    assert!(found.is_empty(), "see https://rustsec.org/advisories: {found:#?}");
}

#[test]
fn a_package_with_a_hole_is_seen_in_every_way_that_advisories_tell_versions() {
    let advisory: Value = serde_json::from_str(
        r#"{"patched": [">= 1.2.3, < 1.3.0", "^1.4.1"], "unaffected": ["< 1.1.0", "=1.1.5"]}"#,
    )
    .unwrap();
    for (version, expected) in [
        ("1.0.9", false),
        ("1.1.0", true),
        ("1.1.5", false),
        ("1.2.2", true),
        ("1.2.3", false),
        ("1.3.0", true),
        ("1.4.1", false),
        ("2.0.0", true),
    ] {
        assert_eq!(concerns(&advisory, &Version::parse(version).unwrap()), expected, "{version}");
    }
    let unmended = serde_json::json!({ "id": "RUSTSEC-0000-0000" });
    assert!(concerns(&unmended, &Version::new(1, 0, 0)), "for what nobody mends nothing is sound");
}
