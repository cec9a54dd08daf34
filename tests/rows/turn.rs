//! Rows about the loop, sockets, signals.
