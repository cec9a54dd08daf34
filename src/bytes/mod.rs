//! What everything else is made of: keys with generations, queues of bytes, deadlines.
//!
//! Knows: bytes, numbers.
//! Must not know: protocols, sockets, clocks.

mod deadlines;
mod key;
mod now;
mod outbox;
mod slices;

pub use deadlines::Deadlines;
pub use key::{ConnKey, Keyed, Place};
pub use now::{Now, TICK, Tick};
pub use outbox::{Outbox, Pool};
pub use slices::{SLICES_MAX, Slices};
