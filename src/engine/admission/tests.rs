//! Who is let in where, by which way, and what the others are told.
//!
//! Knows: one core by itself.
//! Must not know: sockets.
