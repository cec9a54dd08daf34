"""HTTP: Requests."""

import re

from ..cases import served
from ..http1 import head_of, read_head, read_response
from ..server import fresh
from ..wire import equal, true

IMF_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


def test_the_status_line_always_says_1_1(tg):
    """HTTP/1.1 and HTTP/1.0. The status line always says HTTP/1.1."""
    response = tg.get("/hello", version="1.0")
    equal(response.head.split(b"\r\n")[0], b"HTTP/1.1 200 OK")


def test_every_response_has_a_date(tg):
    """Every response has Date."""
    for target in ("/hello", "/nowhere", "/hello?%zz", "/api/rooms/none"):
        true(IMF_DATE.fullmatch(tg.get(target).get("Date") or ""), f"Date of {target}")
    with tg.events() as stream:
        true(IMF_DATE.fullmatch(stream.response.get("Date")), "Date of a stream")


def test_connections_stay_open(tg):
    """HTTP/1.1 connections stay open unless the request says Connection: close"""
    with tg.http() as conn:
        for _ in range(3):
            conn.send(head_of("GET", "/hello"))
            equal(read_response(conn).get("Connection"), None)
        conn.send(head_of("GET", "/hello", {"Connection": "close"}))
        read_response(conn).closing()
        conn.ended()


def test_connection_options_in_lists_and_any_case(tg):
    """unless the request says Connection: close (RFC 9110 section 7.6.1: a list, case-insensitive)"""
    with tg.http() as conn:
        conn.send(head_of("GET", "/hello", {"Connection": "x-y, CLOSE"}))
        read_response(conn).closing()
        conn.ended()


def test_http_1_0_closes(tg):
    """HTTP/1.0 ones close unless it says Connection: keep-alive"""
    with tg.http() as conn:
        conn.send(head_of("GET", "/hello", version="1.0"))
        read_response(conn).ok().closing()
        conn.ended()


def test_http_1_0_keep_alive(tg):
    """unless it says Connection: keep-alive, and then the response says so too"""
    with tg.http() as conn:
        for _ in range(2):
            conn.send(head_of("GET", "/hello", {"Connection": "keep-alive"}, version="1.0"))
            equal(read_response(conn).ok().get("Connection").lower(), "keep-alive")


def test_http_1_0_needs_no_host(tg):
    """A request without a host (HTTP/1.0) passes."""
    tg.get("/hello", host=None, version="1.0").ok()


def test_pipelining(tg):
    """Requests may be pipelined and are answered in order."""
    with tg.http() as conn:
        targets = ["/hello", "/nowhere", "/livez", "/hello"] * 10
        conn.send(b"".join(head_of("GET", target) for target in targets))
        for target in targets:
            equal(read_response(conn).status, 404 if target == "/nowhere" else 200)


def test_pipelining_of_api_requests(tg):
    """Requests may be pipelined and are answered in order (also those that other cores answer)."""
    room = fresh()
    with tg.http() as conn:
        for number in range(20):
            body = b'{"text":"%d"}' % number
            fields = {"Content-Type": "application/json", "Content-Length": str(len(body))}
            conn.send(head_of("POST", f"/api/rooms/{room}/messages", fields) + body)
            conn.send(head_of("GET", f"/api/rooms/{room}"))
        for number in range(20):
            read_response(conn).ok()
            equal(read_response(conn).ok().json()["events"], number + 1)


@served("--keep-alive", "1s")
def test_silence_closes(tg):
    """Kept-alive connections are closed after 15 s of silence."""
    with tg.http() as conn:
        conn.send(head_of("GET", "/hello"))
        read_response(conn).ok()
        conn.ended()


def test_a_half_closed_client_is_answered(tg):
    """A client that closes its half after a whole request is still answered"""
    with tg.http() as conn:
        conn.send(head_of("GET", "/hello"))
        conn.half_close()
        read_response(conn).ok()
        conn.ended()


def test_a_half_closed_stream_has_left(tg):
    """except on an event stream: there it has left"""
    with tg.events() as stream:
        stream.conn.half_close()
        stream.conn.ended("an event stream")


def test_a_body_that_nobody_needs_is_thrown_away(tg):
    """No other request needs one: there it is read and thrown away, so that the next request is found"""
    with tg.http() as conn:
        conn.send(head_of("GET", "/hello", {"Content-Length": "5"}) + b"GET /" + head_of("GET", "/livez"))
        equal(read_response(conn).json(), {"response": "world"})
        equal(read_response(conn).body, b"ok\n")
        chunked = b"3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n"
        conn.send(head_of("POST", "/hello", {"Transfer-Encoding": "chunked"}) + chunked + head_of("GET", "/livez"))
        equal(read_response(conn).status, 405)
        equal(read_response(conn).body, b"ok\n")


def test_expect_where_no_body_is_needed(tg):
    """with Expect: 100-continue the answer comes at once, without a 100, and the connection closes"""
    with tg.http() as conn:
        conn.send(head_of("GET", "/hello", {"Content-Length": "5", "Expect": "100-continue"}))
        read_response(conn).ok().closing()
        conn.ended()


def test_a_body_that_is_too_large(tg):
    """A body that is announced with more than 1 MiB is answered 413 instead."""
    for method, target in (("GET", "/hello"), ("POST", "/api/messages")):
        fields = {"Content-Type": "application/json", "Content-Length": str((1 << 20) + 1)}
        tg.raw(head_of(method, target, fields)).problem(413, "body-too-large").closing()


def test_a_chunked_body_that_turns_out_malformed(tg):
    """a chunked body of a request that was answered before its body came ... just ends the connection"""
    with tg.http() as conn:
        conn.send(head_of("GET", "/hello", {"Transfer-Encoding": "chunked"}))
        conn.send(b"zz\r\n")
        response = read_head(conn)
        equal(response.status, 200)
        equal(conn.rest(), b'{"response":"world"}')


def test_an_absolute_target(tg):
    """A request target is a path or an absolute http(s) URL."""
    for target in ("http://localhost/hello", "HTTPS://127.0.0.1:1/hello"):
        tg.get(target).ok()
    tg.get("http://localhost/nowhere?x").problem(404, "not-found")


def test_the_host_of_an_absolute_target_counts(tg):
    """The host of the request (of an absolute request target, otherwise of the Host field)"""
    tg.get("http://evil.example/hello", host="localhost").problem(421, "host-not-allowed")
    tg.get("http://localhost/hello", host="evil.example").ok()


def test_paths_are_compared_after_decoding(tg):
    """Paths are compared after percent-decoding, segment by segment."""
    tg.get("/%68ell%6f").ok()
    tg.get("/hello%2F").problem(404)
    tg.get("/api%2Frooms").problem(404)


def test_a_plus_is_a_space(tg):
    """In a query + is a space."""
    room = fresh("a") + " b"
    tg.publish(room.replace(" ", "%20"), "x")
    with tg.events(f"?room={room.replace(' ', '+')}&since=earliest") as stream:
        equal(stream.message(), {"message": "x"})


def test_two_empty_lines_are_ignored(tg):
    """Up to two empty lines before a request are ignored."""
    tg.raw(b"\r\n\r\n" + head_of("GET", "/hello", {"Connection": "close"})).ok()
    tg.raw(b"\r\n\r\n\r\n" + head_of("GET", "/hello")).problem(400).closing()


def test_100_continue_for_the_api(tg):
    """a client that sends Expect: 100-continue is sent the 100"""
    body = b'{"text":"x"}'
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Expect": "100-continue"}
    with tg.http() as conn:
        conn.send(head_of("POST", "/api/messages", fields))
        equal(conn.until(b"\r\n\r\n"), b"HTTP/1.1 100 Continue\r\n\r\n")
        conn.send(body)
        read_response(conn).ok()
