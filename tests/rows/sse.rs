//! Event streams: what a browser makes of what clients say, and where streams begin and end.

mod corpus;
mod parser;
mod resume;
mod slots;
mod text;
