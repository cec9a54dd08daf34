//! Each store beside a plain model of it.
//!
//! Knows: the stores, proptest.
//! Must not know: how they keep what they keep.
