#!/usr/bin/env python3
"""Renews .ci/advisories.json from a clone of https://github.com/rustsec/advisory-db.

    git clone --depth 1 https://github.com/rustsec/advisory-db target/advisory-db
    .ci/advisories.py target/advisory-db >.ci/advisories.json

It takes what concerns the packages of Cargo.lock. tests/dependencies.rs compares their versions with it.
"""

import json
import pathlib
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
ABOUT = "What https://github.com/rustsec/advisory-db says of our packages; https://rustsec.org/advisories/ID.html says more."


def packages():
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return sorted({package["name"] for package in lock["package"] if "source" in package})


def read(path):
    """What an advisory says to programs: that stands in a fence before the words for people."""
    return tomllib.loads(path.read_text().split("```toml\n", 1)[1].split("\n```", 1)[0])


def shorten(entry):
    advisory, versions = entry["advisory"], entry.get("versions", {})
    short = {"id": advisory["id"], "package": advisory["package"], "kind": advisory.get("informational")}
    short |= {key: versions.get(key) for key in ["patched", "unaffected"]}
    return {key: value for key, value in short.items() if value}


def main():
    database = [read(path) for path in pathlib.Path(sys.argv[1]).glob("crates/*/RUSTSEC-*.md")]
    names = packages()
    ours = [
        shorten(entry)
        for entry in database
        if entry["advisory"]["package"] in names and "withdrawn" not in entry["advisory"]
    ]
    ours.sort(key=lambda entry: (entry["package"], entry["id"]))
    newest = max(str(entry["advisory"]["date"]) for entry in database)
    # A line for each: whoever renews it sees what has changed.
    print(f'{{"about": {json.dumps(ABOUT)},\n "newest": "{newest}",\n "looked-up": {json.dumps(names)},\n "advisories": [')
    print(",\n".join(f"  {json.dumps(entry)}" for entry in ours))
    print("]}")


if __name__ == "__main__":
    main()
