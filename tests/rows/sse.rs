//! Rows about event streams.
