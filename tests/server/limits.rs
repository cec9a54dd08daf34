//! Every limit at the last value that fits, at the limit, and at the first that does not.
//!
//! What input can reach of `src/limits.rs` is in [`TABLE`], with the tests that go to its edge.

mod core;
mod sizes;
mod times;

use crate::support::sources::Tests;
use crate::support::websocket::frame;
use crate::support::{Message, Server, WebSocket};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Each limit with the tests of its edge, or with the reason why input does not reach it.
const TABLE: &[(&str, &[&str], &str)] = &[
    (
        "head_bytes_max",
        &[
            "src/http/head::the_head_limit_is_exact",
            "tests/rows/http/limits::the_size_of_a_head_is_limited_to_the_byte",
        ],
        "",
    ),
    (
        "headers_max",
        &[
            "src/http/fields::the_number_of_fields_is_limited_exactly",
            "tests/rows/http/limits::a_header_too_many_is_refused_and_not_left_out",
        ],
        "",
    ),
    (
        "uri_bytes_max",
        &[
            "src/http/head::the_target_limit_is_exact_and_known_at_once",
            "tests/rows/http/limits::the_target_is_limited_to_the_byte",
        ],
        "",
    ),
    ("head_time", &["tests/server/limits/times::a_head_has_its_time"], ""),
    (
        "body_time",
        &[
            "tests/rows/http/slow::a_body_has_its_time_however_steadily_it_comes",
            "tests/server/limits/times::a_body_that_is_wanted_has_its_time",
        ],
        "",
    ),
    (
        "body_bytes_max",
        &[
            "src/http/body::the_body_limit_is_exact_and_known_when_announced",
            "tests/rows/http/limits::a_body_is_limited_to_the_byte",
            "tests/server/api/bodies::a_body_is_limited_to_the_byte",
        ],
        "",
    ),
    (
        "node_bodies_bytes_max",
        &[
            "src/engine/collected::all_bodies_together_are_counted_to_the_byte",
            "tests/server/api/bodies::all_bodies_together_are_limited",
        ],
        "",
    ),
    ("keep_alive", &["tests/server/limits/times::a_quiet_http_connection_has_its_time"], ""),
    (
        "message_bytes_max",
        &[
            "tests/server/limits::a_message_may_be_as_long_as_the_limit_and_no_longer",
            "tests/rows/frames/corpus::the_corpus_in_one_piece",
            "src/ws/session/tests::a_message_may_be_as_long_as_the_limit",
        ],
        "",
    ),
    (
        "fragments_max",
        &[
            "tests/rows/frames/corpus::the_corpus_in_one_piece",
            "src/ws/session/tests::a_message_may_have_as_many_fragments_as_the_limit",
        ],
        "",
    ),
    ("deflate_bytes_min", &["src/ws/deflate/tests::short_messages_are_left_as_they_are"], ""),
    (
        "message_time",
        &[
            "tests/server/limits/times::a_message_has_its_time",
            "tests/rows/frames/floods::\
             a_message_of_too_many_fragments_is_refused_and_one_that_never_ends_too",
        ],
        "",
    ),
    ("ping_interval", &["tests/server/limits/times::silence_is_pinged_and_then_cut_off"], ""),
    ("ping_timeout", &["tests/server/limits/times::silence_is_pinged_and_then_cut_off"], ""),
    ("closing", &["tests/server/limits/times::a_close_frame_is_waited_for_its_time"], ""),
    ("linger", &["tests/server/limits/times::the_last_bytes_have_their_time"], ""),
    ("linger_bytes_max", &["tests/server/limits/sizes::input_behind_the_end_is_thrown_away"], ""),
    ("refusals_max", &["tests/server/limits::so_many_refusals_and_no_more"], ""),
    (
        "connection_id_bytes_max",
        &[
            "tests/rows/http/names::a_connection_id_is_limited_to_the_byte",
            "tests/server/limits::a_name_may_be_as_long_as_the_limit_and_no_longer",
            "src/routes/mod::names_have_their_limits",
        ],
        "",
    ),
    ("outbox_bytes_max", &["tests/server/limits/sizes::at_half_an_outbox_reading_pauses"], ""),
    ("write_stall", &["tests/server/limits/times::a_reader_that_takes_nothing_has_its_time"], ""),
    ("heartbeat", &["tests/server/limits/times::a_quiet_stream_has_its_heartbeat"], ""),
    (
        "retry",
        &["tests/server/limits/times::the_reconnection_time_is_within_its_bounds"],
        "told, not enforced",
    ),
    (
        "read_bytes_per_connection",
        &["src/reactor/socket/tests::a_budget_that_ends_keeps_the_connection_readable"],
        "who comes to its end is read on from in the next turn: nobody sees it but by time",
    ),
    ("read_bytes_per_turn", &[], "as above, of all connections together"),
    ("accepts_per_turn", &[], "as above, of one listener"),
    ("connections_max", &["tests/server/resources::one_connection_too_many_is_told_so"], ""),
    ("room_log_bytes_max", &["src/hub/tests/steps::a_hub_agrees_with_its_shadow"], ""),
    ("room_log_events_max", &["src/hub/tests/steps::a_hub_agrees_with_its_shadow"], ""),
    ("log_age", &["src/hub/tests/steps::a_hub_agrees_with_its_shadow"], ""),
    ("node_log_bytes_max", &["src/hub/tests/steps::a_hub_agrees_with_its_shadow"], ""),
    (
        "room_name_bytes_max",
        &[
            "tests/rows/http/names::the_name_of_a_room_is_limited_to_the_byte",
            "src/routes/mod::names_have_their_limits",
        ],
        "",
    ),
    (
        "rooms_max",
        &[
            "tests/server/resources::one_room_too_many_is_told_so",
            "src/hub/tests/steps::a_hub_agrees_with_its_shadow",
        ],
        "",
    ),
    ("joined_rooms_max", &["src/engine/tests/rooms::so_many_rooms_and_no_more"], ""),
    ("filters_max", &["tests/rows/http/limits::filters_are_limited_one_by_one"], ""),
    (
        "token_bytes_max",
        &[
            "src/auth/tests/forged::a_token_that_is_too_long_is_not_looked_at",
            "tests/server/keys::a_static_key_is_no_longer_than_a_request_may_bring",
        ],
        "",
    ),
    ("token_leeway", &["src/auth/tests/claims::a_clock_may_be_half_a_minute_early"], ""),
    (
        "bad_credentials_max",
        &["src/auth/vault/tests::so_many_may_be_wrong_in_a_minute_and_no_more"],
        "",
    ),
    ("ticket_time", &["src/auth/vault/tests::a_ticket_is_good_once_and_until_its_end"], ""),
    (
        "tickets_max",
        &[
            "src/auth/vault/tests::what_is_over_makes_room_for_tickets_and_what_is_not_does_not",
            "src/engine/api/tests/credentials::tickets_are_as_many_as_may_be_and_never_repeated",
        ],
        "",
    ),
    (
        "revocations_max",
        &["src/auth/vault/tests::no_revocation_shortens_another_and_none_goes_for_one"],
        "",
    ),
    (
        "node_heads_bytes_max",
        &["src/engine/heads/tests::ten_thousand_half_heads_take_no_more_than_they_may"],
        "",
    ),
    ("forward_time", &["src/forward/tests::a_service_that_takes_too_long_lets_nobody_in"], ""),
    ("forward_cache", &["src/forward/kept::a_verdict_holds_for_its_time"], ""),
    ("forward_cache_max", &["src/forward/kept::the_oldest_goes_when_there_are_too_many"], ""),
    (
        "FORWARD_THREADS_MAX",
        &["src/forward/tests::who_comes_when_too_many_wait_is_told_so_at_once"],
        "",
    ),
    (
        "FORWARD_QUEUE_MAX",
        &["src/forward/tests::who_comes_when_too_many_wait_is_told_so_at_once"],
        "",
    ),
    (
        "FORWARD_ANSWER_BYTES_MAX",
        &["src/forward/tests::an_answer_is_as_long_as_it_may_be_and_no_longer"],
        "",
    ),
    (
        "GLOBS_MAX",
        &["src/auth/tests/rights::a_token_has_a_hundred_patterns_at_most_all_lists_together"],
        "",
    ),
    ("REVOKED_BYTES_MAX", &[], "what is longer stands in no credential that was let in"),
    ("drain", &["tests/server/limits/times::whoever_stays_is_cut_off_when_the_drain_is_over"], ""),
    ("api_time", &["src/engine/api/tests::a_core_that_does_not_answer_is_waited_for_its_time"], ""),
    (
        "idempotency_age",
        &[
            "src/hub/idempotency::an_answer_is_kept_for_its_time_and_no_longer",
            "tests/server/api/keys::an_answer_is_kept_for_its_time",
        ],
        "",
    ),
    (
        "idempotency_keys_max",
        &[
            "src/hub/idempotency::at_the_limit_the_oldest_goes",
            "tests/server/api/keys::at_the_limit_the_oldest_key_goes",
        ],
        "",
    ),
    ("IDEMPOTENCY_KEY_BYTES_MAX", &["tests/server/api/keys::a_key_is_so_long_and_printable"], ""),
    ("BATCH_MAX", &["src/engine/api/body/tests::a_batch_is_all_well_or_refused"], ""),
    ("EXCEPT_MAX", &["src/engine/api/body/tests::so_many_may_be_left_out_and_no_more"], ""),
    (
        "TURN_TIME_MAX",
        &["src/engine/tests/ready::a_core_that_does_not_get_to_the_end_of_its_turn_is_noticed"],
        "",
    ),
    ("PAGE_MAX", &["tests/server/api/errors::each_mistake_has_its_code"], ""),
    (
        "PAGE_BYTES_MAX",
        &["src/engine/api/tests/lists::a_page_ends_when_it_is_large_enough"],
        "it ends with the entry that comes to it",
    ),
    (
        "LISTED_SLOTS_MAX",
        &["src/engine/api/tests/lists::a_letter_takes_its_share_of_a_turn_and_no_more"],
        "",
    ),
    ("HEADERS_CAPACITY", &[], "the most that headers_max can be set to, which `config` checks"),
    ("CHUNK_BYTES_MAX", &["src/hub/tests::a_batch_is_full_before_a_chunk_is_too_large"], ""),
    (
        "OWNED_BYTES_MIN",
        &["tests/rows/frames/corpus::the_corpus_in_one_piece"],
        "the corpus has messages of 4095, 4096 and 4097 bytes",
    ),
    (
        "ACCOUNTS_BURST_MAX",
        &[
            "src/engine/chronicle/flood::a_burst_is_told_whole_and_then_so_many_a_second",
            "src/engine/chronicle/tests::a_flood_of_problems_is_counted_and_told_when_it_is_due",
        ],
        "",
    ),
    (
        "ACCOUNTS_INTERVAL",
        &["src/engine/chronicle/flood::a_burst_is_told_whole_and_then_so_many_a_second"],
        "",
    ),
    ("JSON_DEPTH_MAX", &["src/json/scan::the_depth_is_limited_and_the_limit_is_exact"], ""),
    (
        "CONTROL_BYTES_MAX",
        &["tests/rows/frames/corpus::the_corpus_in_one_piece"],
        "pings, pongs and closes of 124, 125 and 126 bytes",
    ),
];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// The names of the fields and constants of a file that are public.
fn named(code: &str) -> BTreeSet<&str> {
    let public = code.lines().filter_map(|line| line.trim().strip_prefix("pub "));
    let names = public.map(|item| item.strip_prefix("const ").unwrap_or(item));
    names.filter_map(|item| item.split_once(": ").map(|(name, _)| name)).collect()
}

#[test]
fn every_limit_has_a_test_of_its_edge_or_a_reason() {
    let code = read("src/limits.rs");
    let mut limits = named(&code);
    assert!(limits.len() >= 35, "{limits:?}");
    assert!(read("src/ws/frame.rs").contains("pub const CONTROL_BYTES_MAX: usize = 125;"));
    limits.insert("CONTROL_BYTES_MAX");
    assert_eq!(TABLE.iter().map(|(limit, ..)| *limit).collect::<BTreeSet<_>>(), limits);
    assert_eq!(TABLE.len(), limits.len(), "each once");
    let known = Tests::of_the_package();
    for (limit, tests, reason) in TABLE {
        assert!(!tests.is_empty() || !reason.is_empty(), "{limit}");
        for test in *tests {
            assert_eq!(known.fault(test), None, "{limit}");
        }
    }
}

#[test]
fn a_message_may_be_as_long_as_the_limit_and_no_longer() {
    const MAX: usize = 16 << 20;
    let server = Server::start(&["--max-message", "16MiB", "--room-log", "64MiB"]);
    // Masked with zeros, a payload is as it is.
    let header = |first: u8, length: usize| {
        [&[first, 0xff][..], &(length as u64).to_be_bytes(), &[0; 4]].concat()
    };
    let payload = vec![0xa5; MAX];
    let mut client = WebSocket::connect(server.ws, "/echo");
    for length in [MAX - 1, MAX] {
        client.wire.write(&header(0x82, length));
        client.wire.write(&payload[..length]);
        assert!(client.next() == Some(Message::Binary(payload[..length].to_vec())), "{length}");
    }
    // The same in two frames; control frames do not count.
    client.wire.write(&[&header(0x02, MAX - 70_000)[..], &payload[70_000..]].concat());
    client.ping(&[1; 125]);
    client.wire.write(&[&header(0x80, 70_000)[..], &payload[..70_000]].concat());
    assert_eq!(client.next(), Some(Message::Pong(vec![1; 125])));
    assert!(client.next() == Some(Message::Binary(payload)));
    // One more is known by the header.
    let two = [frame(0x2, false, b"x"), header(0x80, MAX)].concat();
    for bytes in [header(0x82, MAX + 1), header(0x81, MAX + 1), two] {
        let mut client = WebSocket::connect(server.ws, "/echo");
        client.wire.write(&bytes);
        assert!(matches!(client.next(), Some(Message::Close(Some(1009), _))));
    }
}

#[test]
fn so_many_refusals_and_no_more() {
    for max in [1_u32, 2, 5] {
        let server = Server::start(&["--max-refusals", &max.to_string()]);
        let mut client = WebSocket::connect(server.ws, "/");
        for _ in 0..max {
            client.say("nonsense");
            assert_eq!(client.hear().error_code(), "not-json");
        }
        assert_eq!(client.hear_close().0, 1008, "{max}");
        // One less, and a good one begins the count anew.
        let mut client = WebSocket::connect(server.ws, "/");
        for _ in 0..3 {
            for _ in 1..max {
                client.say("nonsense");
                assert_eq!(client.hear().error_code(), "not-json");
            }
            client.say(r#"{"connectionId":"a"}"#);
        }
        assert_eq!(client.leave(1000, ""), []);
    }
}

#[test]
fn a_name_may_be_as_long_as_the_limit_and_no_longer() {
    let server = Server::start(&["--max-connection-id", "36B"]);
    // Two bytes in UTF-8, six in a URL; six, too, in JSON's escapes: what counts is the name.
    for (sign, in_url, in_json) in [("x", "%78", r"\u0078"), ("ü", "%C3%BC", r"\u00fc")] {
        for bytes in [34, 36, 38] {
            let count = bytes / sign.len();
            for spelt in [sign.repeat(count), in_json.repeat(count)] {
                let mut client = WebSocket::connect(server.ws, "/");
                client.say(&format!(r#"{{"connectionId":"{spelt}"}}"#));
                let said = client.leave(1000, "");
                let codes: Vec<String> = said.iter().map(Message::error_code).collect();
                let expected: &[&str] = if bytes > 36 { &["bad-connection-id"] } else { &[] };
                assert_eq!(codes, expected, "{spelt}");
            }
            let target = format!("/?connectionId={}", in_url.repeat(count));
            let code = WebSocket::try_connect(server.ws, &target, "").err().map(|no| no.code());
            assert_eq!(code.as_deref(), (bytes > 36).then_some("bad-connection-id"), "{target}");
        }
    }
}
