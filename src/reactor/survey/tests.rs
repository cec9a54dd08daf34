//! Systems that are good, and those that are not, and what is said of them.
//!
//! Knows: limits and settings as systems have them.
//! Must not know: the system that this runs on, but for its loopback.

use super::*;
use std::net::TcpListener;

fn limit(current: u64, maximum: u64) -> Rlimit {
    Rlimit { current: Some(current), maximum: Some(maximum) }
}

fn config(connections_max: usize) -> Config {
    let limits = Limits { connections_max, ..Limits::default() };
    Config { limits, cores: 2, ..Config::default() }
}

fn assert_is(finding: &Finding, weight: Weight, parts: &[&str]) {
    assert_eq!(finding.weight, weight, "{finding}");
    let line = finding.to_string();
    assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    assert!(!line.contains('\n') && !line.contains("  "), "{line}");
}

#[test]
fn descriptors_must_be_enough_for_what_was_asked_for() {
    let usual = config(Limits::default().connections_max);
    let is = |config: &Config, limit, weight, parts: &[&str]| {
        assert_is(&descriptors(config, limit), weight, parts);
    };
    is(&usual, limit(1024, 1_048_576), Weight::Ok, &["100000", "1024 is raised to 1048576"]);
    is(&usual, limit(200_000, 200_000), Weight::Ok, &["the limit is 200000"]);
    let none = Rlimit { current: None, maximum: None };
    is(&usual, none, Weight::Ok, &["the limit is none"]);
    let parts = ["hard limit of 4096", "3952 connections", "`ulimit -n 100144`", "LimitNOFILE"];
    is(&usual, limit(1024, 4096), Weight::Warning, &parts);
    let parts = ["5000 connections", "5144 descriptors", "4096", "ulimit -n 5144"];
    is(&config(5000), limit(1024, 4096), Weight::Error, &parts);
    is(&config(3952), limit(1024, 4096), Weight::Ok, &["3952"]);
    is(&usual, limit(100, 100), Weight::Error, &["may have 100"]);
}

#[test]
fn queues_of_the_kernel_must_hold_a_herd() {
    assert_is(&backlog(Some(4096)), Weight::Ok, &["is 4096"]);
    assert_is(&backlog(None), Weight::Ok, &["does not tell"]);
    assert_is(&backlog(Some(128)), Weight::Warning, &["sysctl -w net.core.somaxconn=4096"]);
    assert_is(&half_open(Some(512), Some(1)), Weight::Ok, &["is 512", "cookies"]);
    assert_is(&half_open(Some(4096), Some(0)), Weight::Ok, &["is 4096"]);
    let parts = ["net.ipv4.tcp_syncookies=1", "net.ipv4.tcp_max_syn_backlog=4096"];
    assert_is(&half_open(Some(512), Some(0)), Weight::Warning, &parts);
    assert_is(&half_open(None, None), Weight::Ok, &["does not tell"]);
}

#[test]
fn processors_and_memory_must_be_there() {
    assert_is(&cores(2, 4), Weight::Ok, &["2 of 4"]);
    assert_is(&cores(8, 2), Weight::Warning, &["8 threads share 2", "--cores 2"]);
    let config = config(100_000);
    assert_is(&memory(&config, 100_000, 8 << 30), Weight::Ok, &["742MiB", "of 8192MiB"]);
    let parts = ["742MiB", "may have 512MiB", "--node-log"];
    assert_is(&memory(&config, 100_000, 512 << 20), Weight::Warning, &parts);
}

#[test]
fn every_address_is_tried() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().map(|addr| (taken, addr)).expect("bound");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    // A network for documentation (RFC 5737): no machine has it.
    let nowhere = SocketAddr::from(([192, 0, 2, 1], 1234));
    let ws_addrs = vec![any, taken.1, nowhere];
    let config = Config { ws_addrs, http_addrs: vec![any], ..config(100) };
    let findings = listeners(&config);
    assert_is(&findings[0], Weight::Ok, &["127.0.0.1:0 is free for WebSockets"]);
    let parts = [&*taken.1.to_string(), "in use already", "leave it if that is the server"];
    assert_is(&findings[1], Weight::Warning, &parts);
    assert_is(&findings[2], Weight::Error, &["192.0.2.1:1234 is no address of this machine"]);
    assert_is(&findings[3], Weight::Ok, &["is free for events, HTTP"]);
    assert_eq!(findings.len(), 4);
    drop(taken.0);
}

#[test]
fn one_address_in_another_is_a_mistake() {
    let free = TcpListener::bind("0.0.0.0:0").and_then(|one| one.local_addr()).expect("a port");
    let part = SocketAddr::from(([127, 0, 0, 1], free.port()));
    let config = Config { ws_addrs: vec![free], http_addrs: vec![part], ..config(100) };
    let findings = listeners(&config);
    assert_is(&findings[1], Weight::Error, &["is a part of 0.0.0.0", "leave one"]);
    // All of IPv6 is none of IPv4.
    let six = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 0], free.port()));
    let both = Config { ws_addrs: vec![free, six], ..config.clone() };
    assert!(!listeners(&both)[1].text.contains("is a part of"));
    // One address for both is none in the other.
    let config = Config { ws_addrs: vec![part], http_addrs: vec![part], ..config };
    let findings = listeners(&config);
    assert_eq!(findings.len(), 1);
    assert_is(&findings[0], Weight::Ok, &["is free for WebSockets, events, HTTP"]);
}

#[test]
fn a_machine_without_ipv6_needs_none() {
    let six = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 8080));
    let four = SocketAddr::from(([127, 0, 0, 1], 8080));
    let both = [(four, Serves::Http), (six, Serves::Http)];
    let alone = [(six, Serves::Http)];
    let finding = |all: &[_]| unavailable(six, Serves::Http, all, Obstacle::NoIpv6);
    assert_is(&finding(&both), Weight::Warning, &["does not speak IPv6"]);
    assert_is(&finding(&alone), Weight::Error, &["does not speak IPv6"]);
}
