//! Hands what engines have to tell to the log.
//!
//! Knows: the log, targets, levels, fields.
//! Must not know: what any of them means.

use crate::engine::{Account, Level, Target, Value, Wanted};
use log::kv::{self, Key, Source, VisitSource};
use log::{Metadata, Record};
use std::net::SocketAddr;

/// Which accounts the log takes.
pub(super) fn wanted() -> Wanted {
    let levels = [Level::Debug, Level::Info, Level::Warn];
    let least = |target: Target| {
        let is_taken = |level: &Level| {
            let metadata = Metadata::builder().target(target.name()).level(of(*level)).build();
            of(*level) <= log::max_level() && log::logger().enabled(&metadata)
        };
        levels.into_iter().find(is_taken)
    };
    Wanted { access: least(Target::Access), connection: least(Target::Connection) }
}

/// Logs it; `peer` is at the other end of the connection that it is about.
pub(super) fn tell(account: &Account, peer: Option<SocketAddr>) {
    let peer = peer.map(|peer| SocketAddr::new(peer.ip().to_canonical(), peer.port()).to_string());
    let fields = Fields { peer, account };
    let mut record = Record::builder();
    record.target(account.target.name()).level(of(account.level)).key_values(&fields);
    log::logger().log(&record.args(format_args!("{}", account.message)).build());
}

fn of(level: Level) -> log::Level {
    match level {
        Level::Debug => log::Level::Debug,
        Level::Info => log::Level::Info,
        Level::Warn => log::Level::Warn,
    }
}

/// What is known of one account.
struct Fields<'a> {
    peer: Option<String>,
    account: &'a Account,
}

impl Source for Fields<'_> {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), kv::Error> {
        if let Some(peer) = &self.peer {
            visitor.visit_pair(Key::from_str("peer"), kv::Value::from(peer.as_str()))?;
        }
        for (name, value) in &self.account.fields {
            let value = match value {
                Value::Text(text) => kv::Value::from(&**text),
                Value::Number(number) => kv::Value::from(*number),
                Value::Span(span) => kv::Value::from(span.as_micros() as f64 / 1e6),
            };
            visitor.visit_pair(Key::from_str(name), value)?;
        }
        Ok(())
    }
}
