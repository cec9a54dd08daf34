//! What stands on the page of `/metrics`.
//!
//! Knows: the names that operators build on.
//! Must not know: how a page is written, HTTP, who asks.
//!
//! A name that is here stays: dashboards and alerts are made of them.

use super::counters::Counters;
use super::page::Page;
use super::vitals::{Reloads, Vitals};

/// What is true of the whole server at the moment of asking, and not counted by any core.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Threads that serve.
    pub cores: u64,
    /// New connections are welcome.
    pub ready: bool,
    /// The server is on its way out.
    pub draining: bool,
    /// Nobody is asked who they are, and whoever runs the server accepts that.
    pub insecure: bool,
    /// Rooms that exist.
    pub rooms: u64,
    /// `connectionId`s that have an owner.
    pub connection_ids: u64,
    /// Events in all logs.
    pub log_events: u64,
    /// What all logs hold.
    pub log_bytes: u64,
    /// What is in no log any more, and kept for a reader in the middle of it.
    pub pinned_bytes: u64,
    /// Tickets that wait to be used.
    pub tickets: u64,
    /// What is revoked.
    pub revocations: u64,
    /// Connections that there may be.
    pub connections_max: u64,
    /// Rooms that there may be.
    pub rooms_max: u64,
    /// What all logs may hold.
    pub log_bytes_max: u64,
    /// What no core counts.
    pub vitals: Vitals,
}

/// Appends the page.
pub fn render(cores: &[&Counters], gauges: &Gauges, out: &mut Vec<u8>) {
    let mut page = Page::new(cores, out);
    page.process(&gauges.vitals);
    page.server(gauges);
    page.holdings(gauges);
    page.reloads(&gauges.vitals.reloads);
    page.connections();
    page.messages();
    page.compression();
    page.answers();
    page.credentials();
    page.turns();
}

const MILLISECONDS_PER_SECOND: f64 = 1e3;

impl Page<'_> {
    /// By the names that every client library of Prometheus gives them. What the system does not
    /// tell is not there.
    fn process(&mut self, vitals: &Vitals) {
        let started = vitals.started_ms.map(|ms| ms as f64 / MILLISECONDS_PER_SECOND);
        let help = "When the process started, since the Unix epoch.";
        self.known("process_start_time_seconds", "gauge", help, started);
        let cpu = vitals.cpu.map(|cpu| cpu.as_secs_f64());
        self.known("process_cpu_seconds_total", "counter", "Processor time spent.", cpu);
        let help = "Memory that the process has.";
        self.known("process_resident_memory_bytes", "gauge", help, vitals.resident_bytes);
        let help = "Addresses that the process has taken.";
        self.known("process_virtual_memory_bytes", "gauge", help, vitals.virtual_bytes);
        self.known("process_open_fds", "gauge", "Descriptors that are open.", vitals.open_fds);
        let help = "Descriptors that may be open.";
        self.known("process_max_fds", "gauge", help, vitals.max_fds);
        let name = "tidegate_log_lines_dropped_total";
        let help = "Lines of the server's own log that its output did not take.";
        self.number(name, "counter", help, vitals.log_lines_dropped);
    }

    fn server(&mut self, gauges: &Gauges) {
        self.head("tidegate_build_info", "gauge", "The version that runs.");
        self.labelled("tidegate_build_info", "version", env!("CARGO_PKG_VERSION"), 1);
        self.gauge("tidegate_cores", "Threads that serve.", gauges.cores);
        let help = "1 while new connections are welcome, as /readyz says.";
        self.gauge("tidegate_ready", help, u64::from(gauges.ready));
        let draining = u64::from(gauges.draining);
        self.gauge("tidegate_draining", "1 while the server is on its way out.", draining);
        let help = "1 while no credentials are asked for and --insecure accepts that.";
        self.gauge("tidegate_insecure_mode", help, u64::from(gauges.insecure));
        let help = "Connections that there may be.";
        self.gauge("tidegate_max_connections", help, gauges.connections_max);
    }

    fn holdings(&mut self, gauges: &Gauges) {
        self.gauge("tidegate_rooms", "Rooms that exist.", gauges.rooms);
        self.gauge("tidegate_max_rooms", "Rooms that there may be.", gauges.rooms_max);
        let help = "Connection ids that have an owner.";
        self.gauge("tidegate_connection_ids", help, gauges.connection_ids);
        self.gauge("tidegate_log_events", "Events in all logs.", gauges.log_events);
        self.gauge("tidegate_log_bytes", "Size of all logs.", gauges.log_bytes);
        let help = "Size that all logs may have.";
        self.gauge("tidegate_max_log_bytes", help, gauges.log_bytes_max);
        let help = "Size of what left the log and is kept for readers in the middle of it.";
        self.gauge("tidegate_log_pinned_bytes", help, gauges.pinned_bytes);
        self.gauge("tidegate_tickets", "Tickets that wait to be used.", gauges.tickets);
        let help = "Subjects, token ids and connection ids that are revoked.";
        self.gauge("tidegate_revocations", help, gauges.revocations);
    }

    fn reloads(&mut self, reloads: &Reloads) {
        let name = "tidegate_reloads_total";
        let help = "Times that the configuration was read again, by what came of it.";
        self.head(name, "counter", help);
        self.labelled(name, "outcome", "loaded", reloads.loaded);
        self.labelled(name, "outcome", "refused", reloads.refused);
        let help = "1 unless the last time had a mistake.";
        let successful = u64::from(!reloads.last_was_refused);
        self.gauge("tidegate_last_reload_successful", help, successful);
        let help = "When the configuration in force was loaded, since the Unix epoch.";
        let loaded = reloads.loaded_ms as f64 / MILLISECONDS_PER_SECOND;
        self.number("tidegate_config_timestamp_seconds", "gauge", help, loaded);
    }

    fn connections(&mut self) {
        let name = "tidegate_connections_opened_total";
        self.by_listener(name, "Connections accepted.", |core| &core.opened);
        let name = "tidegate_connections_closed_total";
        self.by_listener(name, "Connections closed.", |core| &core.closed);

        let name = "tidegate_connections";
        self.head(name, "gauge", "Connections open now, by what they are.");
        self.level(name, "http", |core| &core.open.http);
        self.level(name, "websocket", |core| &core.open.websocket);
        self.level(name, "event_stream", |core| &core.open.event_stream);

        let name = "tidegate_connections_refused_total";
        self.head(name, "counter", "Connections closed as soon as accepted.");
        self.count(name, ("reason", "limit"), |core| &core.refused.limit);
        self.count(name, ("reason", "descriptors"), |core| &core.refused.descriptors);

        let name = "tidegate_accept_errors_total";
        self.counter(name, "Failures of accept.", |core| &core.accept_errors);
        let name = "tidegate_received_bytes_total";
        self.by_listener(name, "Bytes read from sockets.", |core| &core.bytes_in);
        let name = "tidegate_sent_bytes_total";
        self.by_listener(name, "Bytes written to sockets.", |core| &core.bytes_out);
        let name = "tidegate_writes_total";
        self.counter(name, "System calls that wrote to sockets.", |core| &core.writes);
    }

    fn messages(&mut self) {
        let name = "tidegate_messages_received_total";
        self.counter(name, "Messages from WebSocket clients.", |core| &core.messages_in);
        let name = "tidegate_messages_received_bytes_total";
        self.counter(name, "Their payloads.", |core| &core.message_bytes_in);
        let name = "tidegate_messages_refused_total";
        let help = "Messages refused, by the code that their sender was told.";
        self.family(name, "code", help, |core| &core.refusals);

        let name = "tidegate_events_published_total";
        self.head(name, "counter", "Events committed to the log.");
        self.count(name, ("type", "message"), |core| &core.published.message);
        self.count(name, ("type", "binary"), |core| &core.published.binary);
        self.count(name, ("type", "close"), |core| &core.published.close);
        self.count(name, ("type", "join"), |core| &core.published.join);
        self.count(name, ("type", "leave"), |core| &core.published.leave);

        let name = "tidegate_gaps_total";
        self.counter(name, "Times that a reader was told of a gap.", |core| &core.gaps);
        let name = "tidegate_gap_missed_events_total";
        self.counter(name, "Events that those gaps are known to hold.", |core| &core.gap_missed);
    }

    fn compression(&mut self) {
        let name = "tidegate_compression_messages_total";
        let help = "Messages decompressed (in) and compressed (out, once for all who get it).";
        self.head(name, "counter", help);
        self.count(name, ("direction", "in"), |core| &core.inflated.messages);
        self.count(name, ("direction", "out"), |core| &core.deflated.messages);
        let name = "tidegate_compression_plain_bytes_total";
        self.head(name, "counter", "Those messages' bytes in full.");
        self.count(name, ("direction", "in"), |core| &core.inflated.bytes);
        self.count(name, ("direction", "out"), |core| &core.deflated.bytes);
        let name = "tidegate_compression_compressed_bytes_total";
        self.head(name, "counter", "Those messages' bytes compressed.");
        self.count(name, ("direction", "in"), |core| &core.inflated.compressed_bytes);
        self.count(name, ("direction", "out"), |core| &core.deflated.compressed_bytes);
    }

    fn answers(&mut self) {
        let name = "tidegate_websocket_closes_total";
        self.family(name, "code", "WebSockets closed, by close code.", |core| &core.closes);
        let name = "tidegate_event_streams_ended_total";
        let help = "Event streams ended, by the close code that a WebSocket would have had.";
        self.family(name, "code", help, |core| &core.streams_ended);
        let name = "tidegate_http_responses_total";
        self.family(name, "code", "Responses, by status.", |core| &core.responses);
        let name = "tidegate_http_faults_total";
        self.counter(name, "Requests that could not be understood.", |core| &core.http_faults);
        let name = "tidegate_heads_shed_total";
        let help = "Requests refused before their heads had ended, as too much of such waited.";
        self.counter(name, help, |core| &core.heads_shed);
        let name = "tidegate_bodies_shed_total";
        let help = "Requests refused in the middle of their bodies, as too much of such came.";
        self.counter(name, help, |core| &core.bodies_shed);
    }

    fn credentials(&mut self) {
        let name = "tidegate_credentials_total";
        let help = "Credentials asked for, by what came of it.";
        self.family(name, "outcome", help, |core| &core.credentials);
        let name = "tidegate_admitted_total";
        let help = "Requests let in with a credential, by where it stood.";
        self.family(name, "way", help, |core| &core.admitted);
        let name = "tidegate_forward_requests_total";
        let help = "Questions to a service who may come in, by what came of it.";
        self.family(name, "outcome", help, |core| &core.forwarded);
        let help = "From such a question to its answer, where it was asked.";
        self.histogram("tidegate_forward_seconds", help, |core| &core.forward_seconds);
    }

    fn turns(&mut self) {
        self.counter("tidegate_turns_total", "Turns of the loop.", |core| &core.turns);
        self.counter("tidegate_panics_total", "Panics that were caught.", |core| &core.panics);
        let name = "tidegate_turn_seconds";
        self.histogram(name, "How long a turn took, sleep excluded.", |core| &core.turn_seconds);
        let name = "tidegate_relay_seconds";
        let help = "From the start of the turn that read a message to the write of its event.";
        self.histogram(name, help, |core| &core.relay_seconds);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::time::Duration;

    use super::*;

    /// A page, taken apart as strictly as the format is written down.
    #[derive(Default)]
    struct Parsed {
        types: HashMap<String, String>,
        /// In order: name, label pairs as they stand, value.
        samples: Vec<(String, String, f64)>,
    }

    fn parse(page: &str) -> Parsed {
        let mut parsed = Parsed::default();
        let mut helped = HashSet::new();
        let mut current = String::new();
        assert!(page.ends_with('\n'));
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect(line);
                assert!(helped.insert(name.to_string()), "{line}");
                assert!(help.ends_with('.') && !help.contains('\\'), "{line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect(line);
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert!(helped.contains(name), "{line}");
                assert!(parsed.types.insert(name.into(), kind.into()).is_none(), "{line}");
                current = name.to_string();
            } else {
                let sample = parse_sample(line);
                assert_eq!(base(&sample.0, &parsed.types), current, "{line}");
                parsed.samples.push(sample);
            }
        }
        assert_eq!(helped.len(), parsed.types.len());
        parsed
    }

    fn parse_sample(line: &str) -> (String, String, f64) {
        let (series, value) = line.rsplit_once(' ').expect(line);
        let (name, labels) = match series.split_once('{') {
            Some((name, rest)) => (name, rest.strip_suffix('}').expect(line)),
            None => (series, ""),
        };
        let is_name = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        assert!(is_name(name), "{line}");
        if !labels.is_empty() {
            let (label, value) = labels.split_once('=').expect(line);
            assert!(is_name(label), "{line}");
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            assert!(!value.expect(line).contains(['"', '\\']), "{line}");
        }
        (name.to_string(), labels.to_string(), value.parse().expect(line))
    }

    /// The family that a sample belongs to.
    fn base(name: &str, types: &HashMap<String, String>) -> String {
        for suffix in ["_bucket", "_sum", "_count"] {
            if let Some(base) = name.strip_suffix(suffix)
                && types.get(base).is_some_and(|kind| kind == "histogram")
            {
                return base.to_string();
            }
        }
        name.to_string()
    }

    fn page(cores: &[&Counters]) -> Parsed {
        let mut out = b"before\n".to_vec();
        let reloads = Reloads { last_was_refused: true, ..Reloads::default() };
        let vitals = Vitals { started_ms: Some(1_500), reloads, ..Vitals::default() };
        let known = Gauges { vitals, ..Gauges::default() };
        let gauges = Gauges { cores: 2, draining: true, log_bytes: 7, ..known };
        render(cores, &gauges, &mut out);
        let text = String::from_utf8(out).unwrap();
        parse(text.strip_prefix("before\n").unwrap())
    }

    impl Parsed {
        fn value(&self, name: &str, labels: &str) -> f64 {
            let mut found = self.samples.iter().filter(|(n, l, _)| n == name && l == labels);
            let value = found.next().unwrap_or_else(|| panic!("{name}{{{labels}}}")).2;
            assert!(found.next().is_none(), "{name}{{{labels}}} is there twice");
            value
        }
    }

    #[test]
    fn every_series_is_there_from_the_start() {
        let (one, other) = (Counters::default(), Counters::default());
        let parsed = page(&[&one, &other]);
        let series: HashSet<_> = parsed.samples.iter().map(|(n, l, _)| (n, l)).collect();
        assert_eq!(series.len(), parsed.samples.len());
        for (name, kind) in &parsed.types {
            assert!(name.starts_with("tidegate_") || name.starts_with("process_"), "{name}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
            assert!(parsed.samples.iter().any(|(n, ..)| base(n, &parsed.types) == *name));
        }
        assert!(parsed.samples.iter().filter(|(_, _, value)| *value != 0.0).count() == 5);

        one.closes.count(3999);
        one.turn_seconds.record(Duration::from_millis(1));
        assert_eq!(page(&[&one, &other]).samples.len(), series.len());
    }

    #[test]
    fn the_cores_are_added_up() {
        let (one, other) = (Counters::default(), Counters::default());
        one.messages_in.add(3);
        other.messages_in.add(4);
        one.closes.count(1000);
        other.closes.count(1000);
        other.closes.count(3000);
        other.refusals.count("too-deep");
        one.open.event_stream.rise();
        other.bytes_out.both.add(9);
        let page = page(&[&one, &other]);
        for (name, labels, value) in [
            ("tidegate_messages_received_total", "", 7.0),
            ("tidegate_websocket_closes_total", "code=\"1000\"", 2.0),
            ("tidegate_websocket_closes_total", "code=\"other\"", 1.0),
            ("tidegate_messages_refused_total", "code=\"too-deep\"", 1.0),
            ("tidegate_connections", "kind=\"event_stream\"", 1.0),
            ("tidegate_sent_bytes_total", "listener=\"both\"", 9.0),
            ("tidegate_draining", "", 1.0),
            ("tidegate_log_bytes", "", 7.0),
            ("process_start_time_seconds", "", 1.5),
        ] {
            assert_eq!(page.value(name, labels), value, "{name}{{{labels}}}");
        }
    }

    #[test]
    fn buckets_are_cumulative_and_end_with_the_count() {
        let (one, other) = (Counters::default(), Counters::default());
        for microseconds in [0, 1, 2, 2, 700, 5_000, 20_000_000] {
            one.relay_seconds.record(Duration::from_micros(microseconds));
            other.relay_seconds.record_many(Duration::from_micros(microseconds), 2);
        }
        let page = page(&[&one, &other]);
        let mut bounds = Vec::new();
        let mut counts = Vec::new();
        for (name, labels, value) in &page.samples {
            if name == "tidegate_relay_seconds_bucket" {
                let bound = labels.trim_start_matches("le=\"").trim_end_matches('"');
                bounds.push(bound.parse::<f64>().unwrap());
                counts.push(*value);
            }
        }
        assert!(bounds.is_sorted_by(|a, b| a < b));
        assert_eq!((bounds[1], bounds.last()), (0.0000015, Some(&f64::INFINITY)));
        assert!(counts.is_sorted());
        assert_eq!((counts[0], counts.last()), (6.0, Some(&21.0)));
        assert_eq!(page.value("tidegate_relay_seconds_count", ""), 21.0);
        let sum = page.value("tidegate_relay_seconds_sum", "");
        assert!((sum - 60.017115).abs() < 1e-9, "{sum}");
    }
}
