"""Limits: options, environment variables, configuration."""

import select

from ..cases import alone, served
from ..http1 import head_of, read_response
from ..server import Server, fresh
from ..wire import DEADLINE, Failure, equal, true


@served("--max-message", "1KiB")
def test_max_message(tg):
    """--max-message: one WebSocket message, all its frames: 1009"""
    with tg.connect("/echo") as ws:
        ws.text("x" * 1024)
        equal(len(ws.expect_text()), 1024)
        ws.text("x" * 1025)
        ws.expect_close(1009)
    tg.post("/api/messages", {"text": "x" * 1025}).problem(413, "message-too-large")


@alone
def test_environment_variables():
    """Each is an option, and an environment variable: --max-message is TIDEGATE_MAX_MESSAGE."""
    with Server(env={"TIDEGATE_MAX_MESSAGE": "1KiB", "TIDEGATE_MAX_URI": ""}) as tg, tg.connect("/echo") as ws:
        ws.text("x" * 1025)
        ws.expect_close(1009)


@alone
def test_the_command_line_goes_first():
    """--help: what is written in FILE gives way to the environment, and that to the command line"""
    config, env = 'max-message = "1KiB"\nmax-uri = "1KiB"\n', {"TIDEGATE_MAX_URI": "2KiB"}
    with Server("--max-message", "2KiB", config=config, env=env) as tg, tg.connect("/echo") as ws:
        ws.text("x" * 2048)
        equal(len(ws.expect_text()), 2048)
        tg.get("/hello?" + "x" * 2000).ok()
        tg.get("/hello?" + "x" * 2100).problem(414, "uri-too-long")


@alone
def test_values_that_are_none():
    """Sizes are written like 64KiB, times like 500ms, 25s, 5m."""
    for options in (("--max-message", "64QB"), ("--ping-interval", "25"), ("--ping-interval", "-1s"), ("--nonsense", "1")):
        try:
            Server(*options).stop()
        except Failure:
            continue  # it did not start, as it should
        raise Failure(f"started with {options}")


@served("--max-fragments", "2")
def test_max_fragments(tg):
    """--max-fragments: 1009"""
    with tg.connect("/echo") as ws:
        for opcode in (1, 0, 0):
            ws.send(opcode, b"x", fin=False)
        ws.expect_close(1009)


@served("--max-connection-id", "36B", "--max-room-name", "37B")
def test_names(tg):
    """--max-connection-id, --max-room-name: bad-connection-id, bad-room"""
    tg.connect(f"/ws/{'x' * 37}?connectionId={'x' * 36}").close()
    tg.upgrade("/ws/" + "x" * 38).problem(400, "bad-room")
    tg.upgrade("/?connectionId=" + "x" * 37).problem(400, "bad-connection-id")
    tg.get("/events?room=" + "x" * 38).problem(400, "bad-room")
    with tg.connect("/") as ws:
        ws.text({"connectionId": "x" * 37})
        ws.expect_error("bad-connection-id")


@served("--max-head", "2KiB", "--max-headers", "8", "--max-uri", "1KiB")
def test_heads(tg):
    """--max-head, --max-headers, --max-uri: 431; request target: 414"""
    tg.get("/hello", [("A", "b")] * 7).ok()
    tg.get("/hello", [("A", "b")] * 8).problem(431, "too-many-headers")
    tg.get("/hello", {"A": "x" * 2048}).problem(431, "head-too-large")
    tg.get("/hello?" + "x" * 1100).problem(414, "uri-too-long")


@served("--max-body", "128KiB")
def test_max_body(tg):
    """--max-body: request body: 413"""
    tg.raw(head_of("POST", "/api/messages", {"Content-Type": "application/json", "Content-Length": str(128 * 1024 + 1)})).problem(
        413, "body-too-large"
    )


@served("--max-filters", "2")
def test_max_filters(tg):
    """--max-filters: rooms, and connections, of one stream: 400"""
    tg.events("?room=a&room=b&connectionId=a&connectionId=b").conn.close()
    tg.get("/events?room=a&room=b&room=c").problem(400, "too-many-filters")


@served("--room-log", "64KiB")
def test_the_room_log(tg):
    """--room-log: one room's log, bookkeeping included: its oldest events go"""
    room = fresh()
    for _ in range(10):
        tg.publish(room, "x" * 16000)
    one = tg.get(f"/api/rooms/{room}").ok().json()
    equal((one["bytes"] <= 65536, one["events"] < 5), (True, True), f"the log: {one}")


@served("--room-log-events", "5")
def test_events_of_the_room_log(tg):
    """--room-log-events: its oldest events go (so less than these limits may be there)"""
    room = fresh()
    for number in range(20):
        tg.publish(room, str(number))
        equal(1 <= tg.get(f"/api/rooms/{room}").json()["events"] <= 5, True, f"after {number + 1} events")


@served("--log-age", "1h", "--max-rooms", "2")
def test_max_rooms(tg):
    """--max-rooms: 503 for a new name (also for a stream that names it)"""
    tg.publish("a", "x")
    tg.publish("b", "x")
    tg.get("/events?room=c").problem(503, "too-many-rooms")
    tg.events("?room=a").conn.close()


@served("--keep-alive", "1s")
def test_keep_alive_in_a_body(tg):
    """--keep-alive: silence between two requests, or in a body: closed"""
    with tg.http() as conn:
        fields = {"Content-Type": "application/json", "Content-Length": "9"}
        conn.send(head_of("POST", "/api/messages", fields) + b"{")
        equal(conn.until(b"\r\n"), b"HTTP/1.1 408 Request Timeout\r\n")


@served("--node-bodies", "64KiB", "--max-body", "64KiB")
def test_all_bodies_together(tg):
    """503 too-many-bodies: all API requests together send more than --node-bodies at once; Retry-After: 2, and closes"""
    fields = {"Content-Type": "application/json", "Content-Length": "60000"}
    begun = head_of("POST", "/api/messages", fields) + b" " * 50000
    conns = [tg.http() for _ in range(3)]
    try:
        for conn in conns:
            conn.send(begun)
        refused = _first_answer(conns)
        response = read_response(refused).problem(503, "too-many-bodies").closing()
        equal(response.get("Retry-After"), "2")
    finally:
        for conn in conns:
            conn.close()


def _first_answer(conns):
    """The connection on which something comes first."""
    ready, _, _ = select.select([conn.sock for conn in conns], [], [], DEADLINE)
    true(ready, "no connection was answered")
    return next(conn for conn in conns if conn.sock is ready[0])
