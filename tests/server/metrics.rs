//! `/metrics`: the contract's table says of every family what a busy server really serves; tools of
//! Prometheus take it as it is; and what it says of the process is so.

mod linter;
mod page;

use crate::support::server::tidegate;
use crate::support::websocket::frame;
use crate::support::{EventStream, Folder, Message, Server, WebSocket, http, wait_until};
use crate::support::{foreign, foreign::root};
use page::{Family, Page};
use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

fn page(addr: SocketAddr) -> Page {
    let response = http::get(addr, "/metrics");
    let expected = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!((response.status, response.header("content-type")), (200, Some(expected)));
    Page::read(&response.body)
}

/// A server on which everything that an operator counts has happened, and its configuration.
fn busy() -> (Server, Folder) {
    let folder = Folder::new();
    let file = folder.write("tidegate.toml", "[[page]]\npath = '/about'\ntext = 'a test'\n");
    let server = Server::start(&["--config", &file, "--compression"]);
    let mut reader = EventStream::open(server.http, "/events?room=lab&room=main");
    let deflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let mut speaker = WebSocket::try_connect(server.ws, "/echo", deflate).expect("an echo");
    // RFC 7692 §7.2.3.1: Hello.
    speaker.wire.write(&frame(0x41, true, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]));
    assert_eq!(speaker.hear(), Message::Text("Hello".to_owned()));
    let mut client = WebSocket::connect(server.ws, "/ws/lab?connectionId=a");
    client.say("nonsense");
    assert_eq!(client.hear().error_code(), "not-json");
    client.say_binary(b"\0");
    client.leave(4000, "");
    assert_eq!(reader.take(3).len(), 3);
    let mut gap = EventStream::resume(server.http, "/events", "of-another-server");
    assert!(gap.next().is_some());
    assert_eq!(EventStream::open(server.http, "/events?follow=false").rest(), []);
    for path in ["/about", "/nowhere", "/api/rooms?limit=0", "/api/connections/b"] {
        http::get(server.http, path);
    }
    http::exchange(server.http, "GET / HTTP/1.1\r\n\r\n");
    for (text, said) in [("cors = 1\n", "not loaded, "), ("", "] loaded ")] {
        folder.write("tidegate.toml", text);
        server.signal(Signal::HUP);
        server.wait_for_log(said);
    }
    (server, folder)
}

#[test]
fn the_contract_says_what_a_busy_server_serves() {
    let (server, _folder) = busy();
    let served = page(server.http);
    let told = page::told();
    let names = |families: &[Family]| -> BTreeSet<String> {
        families.iter().map(|family| family.name.clone()).collect()
    };
    let mut expected = names(&told);
    assert_eq!(expected.len(), told.len(), "a family is told twice");
    if fs::metadata("/proc/self/fd").expect("a Linux machine").len() == 0 {
        expected.remove("process_open_fds");
    }
    assert_eq!(names(&served.families), expected);
    for family in &served.families {
        let told = told.iter().find(|one| one.name == family.name).expect("as many are told");
        assert_eq!((&family.kind, &family.label), (&told.kind, &told.label), "{}", family.name);
        // The version is whatever it is.
        if !told.values.is_empty() {
            assert_eq!(family.values, told.values, "{}", family.name);
        }
    }
}

#[test]
fn what_has_happened_is_counted() {
    let (server, _folder) = busy();
    let page = page(server.http);
    for (series, value) in [
        ("tidegate_events_published_total{type=\"message\"}", 1.0),
        ("tidegate_events_published_total{type=\"binary\"}", 1.0),
        ("tidegate_events_published_total{type=\"close\"}", 1.0),
        ("tidegate_messages_refused_total{code=\"not-json\"}", 1.0),
        ("tidegate_compression_messages_total{direction=\"in\"}", 1.0),
        ("tidegate_compression_plain_bytes_total{direction=\"in\"}", 5.0),
        ("tidegate_websocket_closes_total{code=\"other\"}", 1.0),
        ("tidegate_gaps_total", 1.0),
        ("tidegate_event_streams_ended_total{code=\"1000\"}", 1.0),
        ("tidegate_http_faults_total", 1.0),
        ("tidegate_http_responses_total{code=\"404\"}", 2.0),
        ("tidegate_http_responses_total{code=\"400\"}", 2.0),
        ("tidegate_http_responses_total{code=\"other\"}", 0.0),
        ("tidegate_reloads_total{outcome=\"loaded\"}", 1.0),
        ("tidegate_reloads_total{outcome=\"refused\"}", 1.0),
        ("tidegate_last_reload_successful", 1.0),
        ("tidegate_ready", 1.0),
    ] {
        assert_eq!(page.value(series), value, "{series}");
    }
    wait_until("two readers have left", || {
        self::page(server.http).value("tidegate_event_streams_ended_total{code=\"1006\"}") == 2.0
    });
}

#[test]
fn a_reload_with_a_mistake_is_seen_until_one_is_loaded() {
    let folder = Folder::new();
    let file = folder.write("tidegate.toml", "max-rooms = 7\n");
    let server = Server::start(&["--config", &file, "--max-connections", "77"]);
    let before = page(server.http);
    assert_eq!(before.value("tidegate_last_reload_successful"), 1.0);
    assert_eq!(before.value("tidegate_max_rooms"), 7.0);
    assert_eq!(before.value("tidegate_max_connections"), 77.0);
    folder.write("tidegate.toml", "max-rooms = 'many'\n");
    server.signal(Signal::HUP);
    server.wait_for_log("not loaded");
    let broken = page(server.http);
    assert_eq!(broken.value("tidegate_last_reload_successful"), 0.0);
    let loaded = "tidegate_config_timestamp_seconds";
    assert_eq!(broken.value(loaded), before.value(loaded));
    assert_eq!(broken.value("tidegate_ready"), 1.0, "what was in force still is");
    folder.write("tidegate.toml", "max-rooms = 8\n");
    server.signal(Signal::HUP);
    wait_until("it is in force", || page(server.http).value("tidegate_max_rooms") == 8.0);
    server.wait_for_log("] loaded ");
    let mended = page(server.http);
    assert_eq!(mended.value("tidegate_last_reload_successful"), 1.0);
    assert!(mended.value(loaded) > before.value(loaded));
}

#[test]
fn the_linter_of_prometheus_has_nothing_to_say() {
    let (server, _folder) = busy();
    let complaints = linter::complaints(&page(server.http));
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// The parser that Python programs use finds the same samples.
#[test]
fn pythons_parser_reads_what_is_there() {
    let (server, _folder) = busy();
    let response = http::get(server.http, "/metrics");
    let mut python = foreign::python(&root().join("tests/foreign/metrics.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    python.stdin.take().unwrap().write_all(response.body.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let families: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let families = families.as_array().expect("a list");
    let ours = Page::read(&response.body);
    assert_eq!(families.len(), ours.families.len());
    let mut samples = 0;
    for family in families {
        for sample in family["samples"].as_array().expect("a list") {
            let series = sample[0].as_str().expect("a series");
            assert_eq!(sample[1].as_f64(), Some(ours.value(series)), "{series}");
            samples += 1;
        }
    }
    assert_eq!(samples, ours.samples.len());
}

#[test]
fn the_process_is_as_old_and_as_large_as_it_says() {
    let begin = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let server = Server::start(&[]);
    let first = page(server.http);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    // It tells milliseconds.
    assert!((begin - 0.001..now).contains(&first.value("process_start_time_seconds")));
    let config = first.value("tidegate_config_timestamp_seconds");
    assert_eq!(config, first.value("process_start_time_seconds"), "as it was loaded then");
    assert!(first.value("process_cpu_seconds_total") > 0.0);
    let resident = first.value("process_resident_memory_bytes");
    assert!(resident > 1e6 && resident < first.value("process_virtual_memory_bytes"));
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid().as_raw_nonzero()));
    let limits = limits.expect("a Linux machine");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a limit");
    let soft = line.split_ascii_whitespace().nth(3).expect(line);
    assert_eq!(first.value("process_max_fds"), soft.parse::<f64>().expect(line));

    if let Some(open) = first.find("process_open_fds") {
        let clients: Vec<_> = (0..20).map(|_| WebSocket::connect(server.ws, "/")).collect();
        assert_eq!(page(server.http).value("process_open_fds"), open + clients.len() as f64);
    }
}

#[test]
fn lines_that_the_log_loses_are_counted() {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (ws, http) = (free(), free());
    // Its output takes nothing: the line with which it starts is lost.
    let mut server = tidegate()
        .args(["--ws-addr", &ws.to_string(), "--http-addr", &http.to_string()])
        .stderr(File::options().write(true).open("/dev/full").expect("a Linux machine"))
        .spawn()
        .unwrap();
    wait_until("it listens", || TcpStream::connect(http).is_ok());
    wait_until("the loss is counted", || {
        page(http).value("tidegate_log_lines_dropped_total") >= 1.0
    });
    server.kill().unwrap();
    server.wait().unwrap();
}
