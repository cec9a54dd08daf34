//! Second ways to the same answers: plain, slow, the whole input at hand, close to the RFCs' words.
//!
//! Knows: the standards, and which limits PROTOCOL.md promises.
//! Must not know: how Tidegate does it.

pub(super) mod frame;
pub(super) mod head;
pub(super) mod inflate;
pub(super) mod json;
pub(super) mod members;
pub(super) mod request;
pub(super) mod session;
pub(super) mod target;
