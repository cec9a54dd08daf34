//! A newer credential on a WebSocket that is open.
//!
//! Knows: one core by itself.
//! Must not know: how a credential is written.
