//! H17: a method that a client makes up leaves no trace.

use super::said::{in_words, patient};
use crate::support::Wire;
use crate::support::http::{Response, get, request};
use std::collections::BTreeSet;

/// The names and labels of a page of metrics, without the values.
fn series(page: &Response) -> BTreeSet<String> {
    let lines = page.body.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

/// A method that nobody has: letters by a simple generator (Knuth's constants), and a number.
fn method(n: u64) -> String {
    let mut state = n;
    let letters: String = (0..n % 20 + 1)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b"ABCdef-_!'*+.^`|~#$%"[(state >> 40) as usize % 20])
        })
        .collect();
    format!("{letters}{n}")
}

/// CVE-2022-21698: each had a counter of its own.
#[test]
fn ten_thousand_methods_are_counted_as_one_status() {
    let server = patient(&[]);
    let before = series(&get(server.http, "/metrics"));
    let mut wire = Wire::connect(server.http);
    for batch in 0..100 {
        let requests: String = (batch * 100..batch * 100 + 100)
            .map(|n| request(server.http, &method(n), "/hello", ""))
            .collect();
        wire.write(requests.as_bytes());
        for _ in 0..100 {
            assert_eq!(in_words(&wire.read_response().unwrap()), "501 unknown-method");
        }
    }
    for n in 0..100 {
        let mut wire = Wire::connect(server.ws);
        wire.write(request(server.ws, &method(n), "/echo", "").as_bytes());
        assert_eq!(in_words(&wire.read_response().unwrap()), "405 method-not-allowed");
        assert_eq!(wire.read_to_end(), b"");
    }
    let page = get(server.http, "/metrics");
    assert_eq!(series(&page), before);
    assert_eq!(page.sample("tidegate_http_responses_total{code=\"501\"}"), 10_000);
}
