//! What `promtool check metrics` complains of (promlint), and what a server that scrapes would stumble
//! over: the same rules, so that nobody needs to install it.

use super::page::{Family, Page};
use std::collections::BTreeSet;

/// What comes before a unit that is no base unit.
const PREFIXES: [&str; 18] = [
    "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi", "mega",
    "mebi", "giga", "gibi", "tera", "tebi", "peta", "pebi",
];
const BASE_UNITS: [&str; 10] = [
    "amperes", "bytes", "celsius", "grams", "joules", "kelvin", "meters", "moles", "seconds",
    "volts",
];
const OTHER_UNITS: [&str; 7] =
    ["minutes", "hours", "days", "weeks", "bits", "percent", "fahrenheit"];
const ABBREVIATIONS: [&str; 14] =
    ["s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"];
const TYPES: [&str; 4] = ["counter", "gauge", "histogram", "summary"];
/// Prometheus puts these on every series itself.
const RESERVED_LABELS: [&str; 4] = ["job", "instance", "le", "quantile"];

/// All that is wrong.
pub(super) fn complaints(page: &Page) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut names = BTreeSet::new();
    for family in &page.families {
        let wrong = of_name(family).into_iter().chain(of_series(family));
        complaints.extend(wrong.map(|what| format!("{}: {what}", family.name)));
        if !names.insert(&family.name) {
            complaints.push(format!("{}: is there twice", family.name));
        }
        if family.kind == "histogram" {
            let what = of_histogram(page, &family.name);
            complaints.extend(what.map(|what| format!("{}: {what}", family.name)));
        }
    }
    let series: BTreeSet<_> = page.samples.iter().map(|sample| &sample.series).collect();
    if series.len() != page.samples.len() {
        complaints.push("a series is there twice".to_owned());
    }
    complaints
}

fn of_name(family: &Family) -> Vec<String> {
    let name = family.name.as_str();
    let parts: Vec<_> = name.split('_').collect();
    let has = |words: &[&str]| parts.iter().copied().find(|part| words.contains(part));
    let prefixed = |part: &&&str| {
        let units = || BASE_UNITS.iter();
        PREFIXES.iter().any(|prefix| {
            part.strip_prefix(prefix).is_some_and(|rest| units().any(|unit| *unit == rest))
        })
    };
    let mut wrong = Vec::new();
    let snake = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.bytes().all(snake) || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        wrong.push("is not in snake case".to_owned());
    }
    if (family.kind == "counter") != name.ends_with("_total") {
        wrong.push("a counter, and nothing else, ends in _total".to_owned());
    }
    if ["_bucket", "_count", "_sum", "_info"].iter().any(|end| name.ends_with(end)) {
        let is_info = name.ends_with("_info") && family.kind == "gauge";
        if !is_info {
            wrong.push("ends as only parts of a histogram may".to_owned());
        }
    }
    if let Some(part) = has(&OTHER_UNITS).or(parts.iter().find(prefixed).copied()) {
        wrong.push(format!("{part} is no base unit"));
    }
    if let Some(part) = has(&ABBREVIATIONS) {
        wrong.push(format!("{part} is an abbreviation"));
    }
    if let Some(part) = has(&TYPES) {
        wrong.push(format!("{part} is a type, and no part of a name"));
    }
    wrong
}

fn of_series(family: &Family) -> Vec<String> {
    let mut wrong = Vec::new();
    if family.help.trim().is_empty() || family.help.contains('\\') {
        wrong.push("has no help, or one that needs escapes".to_owned());
    }
    if !["counter", "gauge", "histogram"].contains(&family.kind.as_str()) {
        wrong.push(format!("{} is no type", family.kind));
    }
    let label = family.label.as_str();
    if RESERVED_LABELS.contains(&label) || label.starts_with("__") {
        wrong.push(format!("the label {label} is reserved"));
    }
    if !label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
        wrong.push(format!("the label {label} is not in snake case"));
    }
    wrong
}

/// Buckets grow, in bounds and in counts, and the last is all.
fn of_histogram<'p>(page: &'p Page, name: &str) -> impl Iterator<Item = String> + use<'p> {
    let start = format!("{name}_bucket{{le=\"");
    let own = page.samples.iter().filter(|sample| sample.family == name);
    let buckets = own.filter_map(|sample| {
        let bound = sample.series.strip_prefix(&start)?.strip_suffix("\"}")?;
        Some((bound.parse::<f64>().expect("a bound"), sample.value))
    });
    let buckets: Vec<_> = buckets.collect();
    let grow = buckets.is_sorted_by(|(bound, count), (next, more)| bound < next && count <= more);
    let last = buckets.last().copied();
    let count = page.find(&format!("{name}_count"));
    let is_whole = last.is_some_and(|(bound, all)| bound == f64::INFINITY && Some(all) == count);
    let has_sum = page.find(&format!("{name}_sum")).is_some_and(|sum| sum >= 0.0);
    [
        (!grow).then(|| "its buckets do not grow".to_owned()),
        (!is_whole).then(|| "its last bucket is not its count".to_owned()),
        (!has_sum).then(|| "it has no sum".to_owned()),
    ]
    .into_iter()
    .flatten()
}

const BAD: &str = "\
# HELP a_milliseconds Long.
# TYPE a_milliseconds gauge
a_milliseconds 1
# HELP many Many.
# TYPE many counter
many{job=\"x\"} 1
# HELP c_gauge_total  
# TYPE c_gauge_total gauge
c_gauge_total 1
c_gauge_total 1
# HELP long_ms Short.
# TYPE long_ms histogram
long_ms_bucket{le=\"2\"} 3
long_ms_bucket{le=\"1\"} 4
long_ms_count 4
";

#[test]
fn the_linter_complains() {
    let expected = [
        "a_milliseconds: milliseconds is no base unit",
        "many: a counter, and nothing else, ends in _total",
        "many: the label job is reserved",
        "c_gauge_total: a counter, and nothing else, ends in _total",
        "c_gauge_total: gauge is a type, and no part of a name",
        "c_gauge_total: has no help, or one that needs escapes",
        "long_ms: ms is an abbreviation",
        "long_ms: its buckets do not grow",
        "long_ms: its last bucket is not its count",
        "long_ms: it has no sum",
        "a series is there twice",
    ];
    assert_eq!(complaints(&Page::read(BAD)), expected);
}
