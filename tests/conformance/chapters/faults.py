"""HTTP: Errors, and Faults."""

from ..cases import served
from ..http1 import head_of, read_response
from ..wire import equal, true

HOST = b"Host: localhost\r\n"


def _fault(tg, status: int, code: str, *requests: bytes) -> None:
    """Each is refused in this way on either listener, and the connection closes."""
    for request in requests:
        for listener in ("http", "ws"):
            tg.raw(request, listener).problem(status, code).closing()


def _line(line: bytes) -> bytes:
    return line + b"\r\n" + HOST + b"\r\n"


def _target(target: bytes) -> bytes:
    return _line(b"GET " + target + b" HTTP/1.1")


def _with(*lines: bytes) -> bytes:
    return b"GET /hello HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def test_the_bytes_of_a_problem(tg):
    """{"type":"about:blank","title":"Not Found","status":404,"code":"not-found","detail":"There is …"}"""
    response = tg.get("/nowhere").problem(404, "not-found")
    start = b'{"type":"about:blank","title":"Not Found","status":404,"code":"not-found","detail":"There is '
    equal(response.body[: len(start)], start)


def test_tls(tg):
    """400 tls-on-plain-port"""
    _fault(tg, 400, "tls-on-plain-port", bytes.fromhex("16030100c8010000c40303") + b"\x00" * 60)


def test_not_http(tg):
    """400 not-http"""
    _fault(tg, 400, "not-http", b"\x00\x01\x02\x03\r\n\r\n")


def test_bad_request_line(tg):
    """400 bad-request-line"""
    _fault(tg, 400, "bad-request-line", _line(b"GET  / HTTP/1.1"), _line(b"GET / "), _line(b"GET / HTTP/1.1 "))


def test_bare_line_ends(tg):
    """400 bad-line-end (a bare CR or LF)"""
    _fault(tg, 400, "bad-line-end", b"GET / HTTP/1.1\nHost: localhost\n\n", b"GET / HTTP/1.1\r\nHost: localhost\n\r\n\r\n")
    _fault(tg, 400, "bad-line-end", _with(b"A: b\rc"))


def test_bad_target(tg):
    """400 bad-target"""
    _fault(tg, 400, "bad-target", *(_target(target) for target in (b"hello", b"/a#b", b"*", b"ftp://localhost/")))


def test_bad_percent_escape(tg):
    """400 bad-percent-escape (%00 too)"""
    for end in (b"%", b"%1", b"%zz", b"%00", b"?a=%", b"?a=%00"):
        _fault(tg, 400, "bad-percent-escape", _target(b"/hello" + end))


def test_bad_target_utf8(tg):
    """400 bad-target-utf8"""
    _fault(tg, 400, "bad-target-utf8", _target(b"/%ff"), _target(b"/?a=%c3%28"), _target(b"/%ed%a0%80"))


def test_dot_segments(tg):
    """400 dot-segment (. and .., however spelt)"""
    _fault(tg, 400, "dot-segment", *(_target(path) for path in (b"/.", b"/a/../hello", b"/%2e", b"/.%2E/x", b"/hello/..")))


def test_bad_header(tg):
    """400 bad-header"""
    for lines in ([b"A b: c"], [b"A : c"], [b": c"], [b"A"], [b"A: b", b" folded"], [b"A: \x01"]):
        _fault(tg, 400, "bad-header", _with(*lines))


def test_duplicate_headers(tg):
    """Fields that may stand once only"""
    for line in (
        b"Authorization: x",
        b"Origin: http://localhost",
        b"Content-Type: text/plain",
        b"Sec-WebSocket-Key: x",
        b"Sec-WebSocket-Version: 13",
        b"Last-Event-ID: x",
        b"Content-Length: 0",
        b"Transfer-Encoding: chunked",
    ):
        _fault(tg, 400, "duplicate-header", _with(line, line.upper() if b"Origin" in line else line))
    _fault(tg, 400, "duplicate-header", _with(b"host: localhost"))


def test_missing_host(tg):
    """400 missing-host (HTTP/1.1)"""
    _fault(tg, 400, "missing-host", b"GET /hello HTTP/1.1\r\n\r\n", b"GET http://localhost/hello HTTP/1.1\r\n\r\n")


def test_bad_host(tg):
    """400 bad-host"""
    for value in (b"", b"a b", b"localhost:x", b"localhost:99999999", b"[::1", b"a@b", b"localhost/x"):
        tg.raw(b"GET /hello HTTP/1.1\r\nHost: " + value + b"\r\n\r\n").problem(400, "bad-host").closing()


def test_bad_content_length(tg):
    """400 bad-content-length"""
    for value in (b"", b"-1", b"+1", b"1, 1", b"0x1", b"9" * 30):
        _fault(tg, 400, "bad-content-length", _with(b"Content-Length: " + value))


def test_length_with_transfer_encoding(tg):
    """400 length-with-transfer-encoding"""
    _fault(tg, 400, "length-with-transfer-encoding", _with(b"Content-Length: 1", b"Transfer-Encoding: chunked"))


def test_transfer_encoding_on_http_1_0(tg):
    """400 transfer-encoding-on-http-1.0"""
    _fault(tg, 400, "transfer-encoding-on-http-1.0", b"GET / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")


def test_bad_transfer_encoding(tg):
    """400 bad-transfer-encoding"""
    _fault(tg, 400, "bad-transfer-encoding", _with(b"Transfer-Encoding: "), _with(b"Transfer-Encoding: chunked, chunked"))


def test_unknown_transfer_encoding(tg):
    """501 unknown-transfer-encoding"""
    _fault(tg, 501, "unknown-transfer-encoding", _with(b"Transfer-Encoding: gzip, chunked"))


def test_uri_too_long(tg):
    """414 uri-too-long"""
    tg.get("/hello?" + "x" * (4096 - 7)).ok()
    _fault(tg, 414, "uri-too-long", _target(b"/hello?" + b"x" * (4097 - 7)))


def test_head_too_large(tg):
    """431 head-too-large: request line and headers together, 16 KiB"""
    _fault(tg, 431, "head-too-large", _with(b"A: " + b"x" * 16384))


def test_too_many_headers(tg):
    """431 too-many-headers: 64"""
    tg.get("/hello", [("A", "b")] * 63).ok()
    _fault(tg, 431, "too-many-headers", _with(*[b"A: b"] * 64))


def test_unknown_expectation(tg):
    """417 unknown-expectation"""
    _fault(tg, 417, "unknown-expectation", _with(b"Expect: the-unexpected"))


def test_a_method_of_over_34_bytes(tg):
    """501 method-not-implemented (a name of over 34 bytes)"""
    _fault(tg, 501, "method-not-implemented", _line(b"A" * 35 + b" / HTTP/1.1"))
    tg.ask("A" * 34, "/hello").problem(501, "unknown-method")


def test_versions(tg):
    """505 http2-not-supported, unsupported-version"""
    _fault(tg, 505, "http2-not-supported", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    _fault(tg, 505, "unsupported-version", _line(b"GET / HTTP/1.2"), _line(b"GET / HTTP/0.9"), _line(b"GET / HTTP/3.0"))


def _api(fields: str, body: bytes) -> bytes:
    head = "POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + fields + "\r\n"
    return head.encode() + body


def test_bad_chunks(tg):
    """400 bad-chunk (in the body of an API request)"""
    for body in (b"x\r\n", b"\r\n", b"-1\r\n", b"1\r\nab", b"2\r\nab\n", b"fffffffffffffffff\r\n"):
        response = tg.raw(_api("Transfer-Encoding: chunked\r\n", body))
        true(response.status in (400, 413), "refused")
        response.problem(response.status, "bad-chunk" if response.status == 400 else "body-too-large").closing()


def test_bad_trailers(tg):
    """400 bad-trailer (in the body of an API request)"""
    tg.raw(_api("Transfer-Encoding: chunked\r\n", b"0\r\nA b\r\n\r\n")).problem(400, "bad-trailer").closing()


def test_long_chunk_extensions_and_trailers(tg):
    """400 chunk-extensions-too-long, 431 trailers-too-large (in the body of an API request)"""
    tg.raw(_api("Transfer-Encoding: chunked\r\n", b"1;" + b"x" * 65536)).problem(400, "chunk-extensions-too-long").closing()
    tg.raw(_api("Transfer-Encoding: chunked\r\n", b"0\r\n" + b"A: b\r\n" * 20000)).problem(431, "trailers-too-large").closing()


def test_a_chunked_body_that_grows_too_large(tg):
    """413 body-too-large"""
    tg.raw(_api("Transfer-Encoding: chunked\r\n", b"100001\r\n")).problem(413, "body-too-large").closing()


def test_nothing_behind_a_fault_is_answered(tg):
    """The connection closes behind each of these"""
    with tg.http() as conn:
        conn.send(head_of("GET", "/hello") + _with(b"A b: c") + head_of("GET", "/hello"))
        equal(read_response(conn).status, 200)
        equal(read_response(conn).status, 400)
        conn.ended()


@served("--head-time", "500ms")
def test_a_head_that_does_not_come(tg):
    """408 head-timeout: the head did not come in 5 s (if nothing of it came: closed without an answer)"""
    tg.raw(b"GET / HTTP/1.1\r\n").problem(408, "head-timeout").closing()
    for listener in (tg.http, tg.ws):
        with listener() as conn:
            conn.ended()


@served("--body-time", "500ms")
def test_a_body_that_does_not_come(tg):
    """408 body-timeout: the body of an API request did not come in time"""
    tg.raw(_api("Content-Length: 9\r\n", b"{")).problem(408, "body-timeout").closing()


@served("--max-connections", "2")
def test_too_many_connections(tg):
    """503 too-many-connections: with Retry-After of 1 to 10 s; sent on accept, before any request, on either listener"""
    held = []
    try:
        while len(held) < 2:
            # Those by which the start was noticed may not be forgotten yet: then this one is refused, and comes again.
            conn = tg.http()
            conn.send(head_of("GET", "/hello"))
            if read_response(conn).status == 200:
                held.append(conn)
            else:
                conn.close()
        for listener in (tg.http, tg.ws):
            with listener() as conn:
                response = read_response(conn).problem(503, "too-many-connections")
                true(1 <= int(response.get("Retry-After")) <= 10, "Retry-After")
                conn.ended()
    finally:
        for conn in held:
            conn.close()
