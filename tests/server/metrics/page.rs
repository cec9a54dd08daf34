//! A page of `/metrics`, taken apart as strictly as the format is written down; and the contract's
//! table of what is on it.

use crate::support::foreign::root;
use std::collections::BTreeSet;
use std::fs;

/// A family, as it is served or as it is told.
#[derive(Debug, Default)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) help: String,
    /// The one label that its series have, but for the `le` of histograms; or none.
    pub(super) label: String,
    pub(super) values: BTreeSet<String>,
}

#[derive(Debug)]
pub(super) struct Sample {
    /// As it stands on the page, labels and all.
    pub(super) series: String,
    pub(super) value: f64,
    /// What the family is called that it stands under.
    pub(super) family: String,
}

#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) families: Vec<Family>,
    pub(super) samples: Vec<Sample>,
}

impl Page {
    /// Panics at whatever the format does not allow.
    pub(super) fn read(text: &str) -> Page {
        let mut page = Page::default();
        assert!(text.ends_with('\n'));
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let (name, help) = line.strip_prefix("# HELP ").and_then(split).expect(line);
            let line = lines.next().expect("a type");
            let (typed, kind) = line.strip_prefix("# TYPE ").and_then(split).expect(line);
            assert_eq!(name, typed);
            let mut family = Family { name, kind, help, ..Family::default() };
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                page.samples.push(family.take(line));
            }
            page.families.push(family);
        }
        page
    }

    /// The value of a series, if it is there; panics if it is there twice.
    pub(super) fn find(&self, series: &str) -> Option<f64> {
        let mut found = self.samples.iter().filter(|sample| sample.series == series);
        let value = found.next().map(|sample| sample.value);
        assert!(found.next().is_none(), "{series} is there twice");
        value
    }

    pub(super) fn value(&self, series: &str) -> f64 {
        self.find(series).unwrap_or_else(|| panic!("no {series}"))
    }
}

fn split(text: &str) -> Option<(String, String)> {
    let (one, other) = text.split_once(' ')?;
    Some((one.to_owned(), other.to_owned()))
}

impl Family {
    /// One more line of it.
    fn take(&mut self, line: &str) -> Sample {
        let (series, value) = line.rsplit_once(' ').expect(line);
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect(line)),
            None => (series, ""),
        };
        let suffixes: &[&str] = match self.kind.as_str() {
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        let is_own = |suffix: &&str| name.strip_suffix(*suffix) == Some(&self.name);
        assert!(suffixes.iter().any(is_own), "{line} stands under {}", self.name);
        if let Some((label, value)) = labels.split_once('=')
            && self.kind != "histogram"
        {
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            let value = value.filter(|value| !value.contains(['"', '\\'])).expect(line);
            assert!(self.label.is_empty() || self.label == label, "{line}");
            self.label = label.to_owned();
            assert!(self.values.insert(value.to_owned()), "{line} is there twice");
        }
        let value = value.parse().expect(line);
        Sample { series: series.to_owned(), value, family: self.name.clone() }
    }
}

/// The table of PROTOCOL.md, "Metrics": `| name | type | labels | what |`.
pub(super) fn told() -> Vec<Family> {
    let text = fs::read_to_string(root().join("PROTOCOL.md")).expect("the contract");
    let (_, section) = text.split_once("\n## Metrics\n").expect("a section");
    let section = section.split("\n## ").next().unwrap_or(section);
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let families: Vec<_> = rows.map(family).collect();
    assert!(families.len() > 20, "the table was found");
    families
}

fn family(row: &str) -> Family {
    let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
    let [name, kind, labels, what] = cells[..] else { panic!("a row of four cells: {row}") };
    assert!(!what.is_empty(), "{row}");
    let bare = |text: &str| {
        let inside = text.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
        inside.unwrap_or_else(|| panic!("{text} in {row}")).to_owned()
    };
    let (label, values) = match labels.split_once(": ") {
        Some((label, values)) => (bare(label), values.split(", ").map(bare).collect()),
        None if labels.is_empty() => Default::default(),
        None => (bare(labels), BTreeSet::new()),
    };
    Family { name: bare(name), kind: kind.to_owned(), help: String::new(), label, values }
}
