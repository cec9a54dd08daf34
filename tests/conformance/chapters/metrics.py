"""Metrics, and Compatibility."""

import re

from ..cases import served
from ..http1 import head_of
from ..server import fresh
from ..wire import equal, eventually, true

GAUGES = """build_info cores draining rooms connection_ids log_events log_bytes log_pinned_bytes connections insecure_mode tickets
revocations"""
COUNTERS = """connections_opened_total connections_closed_total received_bytes_total sent_bytes_total connections_refused_total
accept_errors_total http_faults_total panics_total messages_received_total messages_received_bytes_total writes_total turns_total
compression_messages_total compression_plain_bytes_total compression_compressed_bytes_total messages_refused_total
events_published_total credentials_total admitted_total forward_requests_total heads_shed_total gaps_total
gap_missed_events_total websocket_closes_total http_responses_total"""
OUTCOMES = "accepted missing invalid expired not_yet revoked several not_allowed throttled unavailable other"
WAYS = "bearer basic header cookie query path subprotocol ticket forward other"
HISTOGRAMS = "forward_seconds turn_seconds relay_seconds"
SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? (\+Inf|-?[0-9.e+-]+)')


def _text(tg) -> str:
    return tg.get("/metrics").ok().body.decode()


def test_the_media_type(tg):
    """text/plain; version=0.0.4; charset=utf-8"""
    equal(tg.get("/metrics").get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8")


def test_families_and_types(tg):
    """Names, types and labels are stable"""
    types = dict(re.findall(r"^# TYPE tidegate_(\S+) (\S+)$", _text(tg), re.M))
    for names, kind in ((GAUGES, "gauge"), (COUNTERS, "counter"), (HISTOGRAMS, "histogram")):
        for name in names.split():
            equal(types.get(name), kind, name)


def test_prometheus_text_format(tg):
    """Prometheus text format."""
    for line in _text(tg).splitlines():
        true(line.startswith(("# HELP ", "# TYPE ")) or SAMPLE.fullmatch(line), f"a line of that format: {line}")


def _labels(text: str, family: str) -> set[str]:
    return set(re.findall(rf'^tidegate_{family}\{{[a-z]+="([^"]+)"\}}', text, re.M))


def test_labels(tg):
    """labels: kind, listener, reason, direction, type, outcome, way"""
    text = _text(tg)
    for family, values in {
        "connections": {"http", "websocket", "event_stream"},
        "connections_opened_total": {"ws", "http", "both"},
        "received_bytes_total": {"ws", "http", "both"},
        "connections_refused_total": {"limit", "descriptors"},
        "compression_messages_total": {"in", "out"},
        "events_published_total": {"message", "binary", "close", "join", "leave"},
        "credentials_total": set(OUTCOMES.split()),
        "admitted_total": set(WAYS.split()),
        "forward_requests_total": {"in", "refused", "unavailable", "cached", "other"},
    }.items():
        seen = _labels(text, family)
        # A listener that is not there may have no sample; no other value may be.
        true(seen <= values and (seen == values or "both" in values), f"{family}: {seen}")
    for family in ("messages_refused_total", "websocket_closes_total", "http_responses_total"):
        true(re.search(rf'^tidegate_{family}\{{code="[^"]+"\}} ', text, re.M), f"{family} has the label code")


@served("--cores", "2")
def test_values(tg):
    """tidegate_cores, tidegate_rooms, tidegate_connection_ids, tidegate_connections, tidegate_draining"""
    room = fresh()
    with tg.connect(f"/ws/{room}?connectionId=x"), tg.connect(f"/chat/{room}"), tg.events(f"?room={room}"):
        for name, value in {
            "tidegate_cores": 2,
            "tidegate_draining": 0,
            "tidegate_rooms": 1,
            "tidegate_connection_ids": 2,
            'tidegate_connections{kind="websocket"}': 2,
            'tidegate_connections{kind="event_stream"}': 1,
            "tidegate_log_events": 1,
            "tidegate_insecure_mode": 0,
        }.items():
            equal(tg.metric(name), value, name)


def _grows(tg, name: str, act, by: float = 1) -> None:
    before = tg.metric(name)
    act()
    eventually(lambda: tg.metric(name) == before + by, f"{name} grown by {by}")


@served("--room-log", "1MiB")
def test_counters(tg):
    """tidegate_messages_refused_total, tidegate_events_published_total, tidegate_websocket_closes_total, ..."""

    def refuse():
        with tg.connect("/") as ws:
            ws.text("x")
            ws.expect_error("not-json")

    _grows(tg, 'tidegate_messages_refused_total{code="not-json"}', refuse)
    _grows(tg, 'tidegate_events_published_total{type="message"}', lambda: tg.publish("a", "x"))
    _grows(tg, 'tidegate_websocket_closes_total{code="1000"}', lambda: tg.connect("/echo").close(1000))
    _grows(tg, "tidegate_http_faults_total", lambda: tg.get("/%zz"))
    _grows(tg, 'tidegate_http_responses_total{code="404"}', lambda: tg.get("/nowhere"))
    _grows(tg, 'tidegate_connections_opened_total{listener="ws"}', lambda: tg.connect("/echo").close())
    _grows(tg, "tidegate_gaps_total", lambda: tg.events("?room=a&lastEventId=unknown&follow=false").remaining())


@served("--insecure")
def test_insecure_mode(tg):
    """tidegate_insecure_mode (1 while --insecure is set and nobody is asked for credentials)"""
    equal(tg.metric("tidegate_insecure_mode"), 1)


def test_unknown_header_fields_are_ignored(tg):
    """(a server ignores header fields that it does not know, RFC 9110 section 5.1)"""
    tg.get("/hello", {"X-Unknown": "x", "TE": "trailers", "Accept-Encoding": "gzip"}).ok()
    with tg.http() as conn:
        conn.send(head_of("GET", "/hello", {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "x"}))
        equal(conn.until(b"\r\n"), b"HTTP/1.1 200 OK\r\n")
