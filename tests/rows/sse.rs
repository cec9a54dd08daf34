//! Event streams: what a browser makes of what clients say, and where streams begin and end.

mod corpus;
mod resume;
mod slots;
mod text;
/// What the tests of other parts read event streams with, too.
#[path = "../support/whatwg.rs"]
mod whatwg;
