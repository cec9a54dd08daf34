//! What a server counts, and the page that tells it.
//!
//! Knows: numbers, fixed sets of labels, the Prometheus text format.
//! Must not know: who counts what and when, sockets, clocks.
//!
//! Each core owns one [`Counters`] and is the only one that writes it; whoever answers `/metrics`
//! reads those of all cores and adds them up. What no core counts, of the process and of its log,
//! a [`Watch`] tells. Every series is there from the start, at 0, and no label ever comes from a
//! client: the number of series is a constant.

mod counters;
mod histogram;
mod page;
mod render;
mod vitals;

pub use counters::{
    ByEventType, ByKind, ByListener, ByReason, Count, Counters, Family, Level, Mark,
};
pub use histogram::Histogram;
pub use render::{Gauges, render};
pub use vitals::{Reloads, Vitals, Watch};
