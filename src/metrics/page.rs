//! How a page of `/metrics` is written: Prometheus text format, version 0.0.4.
//!
//! Knows: the text format, sums over cores.
//! Must not know: which families there are, HTTP, who asks.

use std::fmt::{self, Display};

use super::counters::{ByListener, Count, Counters, Family, Level};
use super::histogram::Histogram;

/// Seconds, as the format wants all times.
const NANOSECONDS_PER_SECOND: f64 = 1e9;

/// A page that is being written.
pub(super) struct Page<'a> {
    cores: &'a [&'a Counters],
    out: &'a mut Vec<u8>,
}

impl<'a> Page<'a> {
    /// Behind what is in `out`, of these cores together.
    pub(super) fn new(cores: &'a [&'a Counters], out: &'a mut Vec<u8>) -> Page<'a> {
        Page { cores, out }
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.number(name, "gauge", help, value);
    }

    /// What may be unknown.
    pub(super) fn known(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        value: Option<impl Display>,
    ) {
        if let Some(value) = value {
            self.number(name, kind, help, value);
        }
    }

    pub(super) fn number(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(format_args!("{name} {value}"));
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, count: impl Fn(&Counters) -> &Count) {
        self.head(name, "counter", help);
        let value = self.sum(|core| count(core).value());
        self.line(format_args!("{name} {value}"));
    }

    pub(super) fn by_listener(
        &mut self,
        name: &str,
        help: &str,
        of: impl Fn(&Counters) -> &ByListener,
    ) {
        self.head(name, "counter", help);
        self.count(name, ("listener", "ws"), |core| &of(core).ws);
        self.count(name, ("listener", "http"), |core| &of(core).http);
        self.count(name, ("listener", "both"), |core| &of(core).both);
    }

    pub(super) fn family<K: Copy + PartialEq + Display + 'static, const N: usize>(
        &mut self,
        name: &str,
        label: &str,
        help: &str,
        of: impl Fn(&Counters) -> &Family<K, N>,
    ) {
        self.head(name, "counter", help);
        let cores = self.cores;
        let Some((first, others)) = cores.split_first() else {
            return;
        };
        let mut counts: Vec<_> = of(first).iter().collect();
        for core in others {
            // All cores have the same keys in the same order.
            for (sum, (_, value)) in counts.iter_mut().zip(of(core).iter()) {
                sum.1 = sum.1.wrapping_add(value);
            }
        }
        for (key, value) in counts {
            match key {
                Some(key) => self.labelled(name, label, key, value),
                None => self.labelled(name, label, "other", value),
            }
        }
    }

    /// Counts are taken once, so that the total is that of the buckets whatever happens meanwhile.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        of: impl Fn(&Counters) -> &Histogram,
    ) {
        self.head(name, "histogram", help);
        let mut counts = vec![0_u64; Histogram::bounds().count() + 1];
        for core in self.cores {
            for (sum, value) in counts.iter_mut().zip(of(core).buckets()) {
                *sum = sum.wrapping_add(value);
            }
        }
        let mut so_far = 0_u64;
        for (bound, count) in Histogram::bounds().zip(&counts) {
            so_far = so_far.wrapping_add(*count);
            let seconds = bound as f64 / NANOSECONDS_PER_SECOND;
            self.line(format_args!("{name}_bucket{{le=\"{seconds}\"}} {so_far}"));
        }
        let total: u64 = counts.iter().sum();
        let seconds = self.sum(|core| of(core).sum()) as f64 / NANOSECONDS_PER_SECOND;
        self.line(format_args!("{name}_bucket{{le=\"+Inf\"}} {total}"));
        self.line(format_args!("{name}_sum {seconds}"));
        self.line(format_args!("{name}_count {total}"));
    }

    pub(super) fn count(
        &mut self,
        name: &str,
        label: (&str, &str),
        of: impl Fn(&Counters) -> &Count,
    ) {
        let value = self.sum(|core| of(core).value());
        self.labelled(name, label.0, label.1, value);
    }

    pub(super) fn level(&mut self, name: &str, kind: &str, of: impl Fn(&Counters) -> &Level) {
        let value = self.sum(|core| of(core).value());
        self.labelled(name, "kind", kind, value);
    }

    fn sum(&self, value: impl Fn(&Counters) -> u64) -> u64 {
        self.cores.iter().fold(0, |sum, core| sum.wrapping_add(value(core)))
    }

    pub(super) fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// No label of ours holds a quote, a backslash or a line feed, so none is escaped.
    pub(super) fn labelled(&mut self, name: &str, label: &str, value: impl Display, count: u64) {
        self.line(format_args!("{name}{{{label}=\"{value}\"}} {count}"));
    }

    fn line(&mut self, text: fmt::Arguments<'_>) {
        self.out.extend_from_slice(text.to_string().as_bytes());
        self.out.push(b'\n');
    }
}
