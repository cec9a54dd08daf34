"""Stopping, and SIGHUP."""

import signal

from ..cases import alone
from ..doors import ENV, KEYS
from ..http1 import ask, head_of, read_head, read_response
from ..server import Server, fresh
from ..websocket import CLOSE, close_payload, handshake_fields
from ..wire import equal, eventually, true

ROUTE = '[[route]]\npath = "/{}"\nbehaviour = "echo"\n'


def _refused(tg: Server) -> bool:
    for listener in (tg.http, tg.ws):
        try:
            with listener() as conn:
                conn.rest()
            return False
        except ConnectionRefusedError:
            continue
    return True


@alone
def test_nothing_left():
    """The process ends with status 0 as soon as nothing is left."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with Server() as tg:
            tg.signal(number)
            equal(tg.exit_status(), 0)


@alone
def test_websockets_are_closed_with_1012():
    """WebSockets are closed with 1012. Their close events ("code":1012, "by":"server") are committed."""
    room, name = fresh(), fresh("id")
    with Server() as tg, tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}?connectionId={name}") as ws:
        stream.message()
        tg.signal()
        ws.expect_end(1012, "server restarts")
        closing = stream.closing()
        equal((closing["connectionId"], closing["code"], closing["by"]), (name, 1012, "server"))
        stream.conn.ended("the stream")
        equal(tg.exit_status(), 0)


@alone
def test_streams_end_when_all_are_committed():
    """When all are committed, each event stream is given what it has not had yet, and then ends."""
    room = fresh()
    with Server() as tg, tg.events(f"?room={room}&format=full") as stream:
        sockets = [tg.connect(f"/ws/{room}?connectionId=c{number}") for number in range(20)]
        tg.signal()
        for ws in sockets:
            ws.expect_end(1012)
        kinds = [event.json()["type"] for event in stream.remaining()]
        equal((kinds.count("message"), kinds.count("close")), (20, 20))
        equal(tg.exit_status(), 0)


@alone
def test_connecting_fails():
    """Listeners close. ... then connecting fails."""
    with Server() as tg, tg.connect("/echo"):
        tg.signal()
        eventually(lambda: _refused(tg), "the end of the listeners")


@alone
def test_requests_on_open_connections():
    """answered with Connection: close: /readyz, /events, handshakes, and lists and rooms with 503 stopping"""
    with Server() as tg, tg.connect("/echo") as ws:
        targets = {"/readyz": 503, "/events": 503, "/api/rooms": 503, "/api/connections": 503, "/hello": 200, "/livez": 200}
        conns = {target: tg.http() for target in targets}
        handshake = tg.ws()
        # Each has begun a request, so that none is idle when the server stops. What stands in one segment with a request
        # that was answered has been read; of the handshake the server's own count of bytes tells it.
        for target, conn in conns.items():
            conn.send(head_of("GET", "/hello") + head_of("GET", target)[:-2])
            equal(read_response(conn).status, 200)
        received = 'tidegate_received_bytes_total{listener="ws"}'
        before = tg.metric(received)
        begun = head_of("GET", "/echo", handshake_fields())[:-2]
        handshake.send(begun)
        eventually(lambda: tg.metric(received) >= before + len(begun), "the beginning of a handshake")
        tg.signal()
        ws.expect_close(1012)
        for target, conn in conns.items():
            conn.send(b"\r\n")
            response = read_response(conn).closing()
            equal(response.status, targets[target], target)
            if response.status == 503:
                equal(response.problem(503, "stopping").get("Retry-After"), "2")
            conn.ended()
        handshake.send(b"\r\n")
        equal(read_response(handshake).problem(503, "stopping").get("Retry-After"), "2")


@alone
def test_idle_connections_are_closed():
    """Idle HTTP connections are closed."""
    with Server() as tg, tg.http() as conn, tg.connect("/echo"):
        equal(ask(conn, "GET", "/hello").status, 200)
        tg.signal()
        conn.ended()


@alone
def test_the_drain_time():
    """After 30 s (--drain) whatever is left is cut off."""
    with Server("--drain", "1s", "--closing-time", "1h") as tg, tg.connect("/echo") as ws:
        tg.signal()
        ws.expect_close(1012)
        ws.conn.ended()
        equal(tg.exit_status(), 0)


@alone
def test_a_second_signal():
    """A second SIGTERM or SIGINT ends it at once, with status 1."""
    with Server("--closing-time", "1h", "--drain", "1h") as tg, tg.connect("/echo") as ws:
        tg.signal(signal.SIGTERM)
        ws.expect_close(1012)
        tg.signal(signal.SIGINT)
        equal(tg.exit_status(), 1)


@alone
def test_a_sighup_without_a_configuration():
    """Without --config SIGHUP changes nothing."""
    with Server() as tg, tg.connect("/echo") as ws:
        tg.signal(signal.SIGHUP)
        ws.settled()
        tg.get("/readyz").ok()


@alone
def test_a_sighup_reads_the_configuration_again():
    """All of it takes effect; a WebSocket keeps the route that it came by as it was then"""
    with Server(config=ROUTE.format("old")) as tg, tg.connect("/old") as ws:
        tg.config.write_text('max-uri = "1KiB"\n' + ROUTE.format("new"))
        tg.signal(signal.SIGHUP)
        eventually(lambda: _connects(tg, "/new"), "the new route")
        tg.upgrade("/old").problem(404, "no-such-route")
        tg.get("/hello?" + "x" * 2000).problem(414)
        ws.text("still")
        equal(ws.expect_text(), "still")


def _connects(tg: Server, path: str) -> bool:
    with tg.ws() as conn:
        conn.send(head_of("GET", path, handshake_fields()))
        return read_head(conn).status == 101


@alone
def test_a_sighup_with_a_mistake():
    """or, if there is any mistake in it, nothing does, and the log says what is wrong"""
    with Server(config=ROUTE.format("old")) as tg:
        before = len(tg.log.read_bytes())
        tg.config.write_text(ROUTE.format("new") + "nonsense = 1\n")
        tg.signal(signal.SIGHUP)
        eventually(lambda: b"nonsense" in tg.log.read_bytes()[before:], "a line in the log")
        true(_connects(tg, "/old"), "the old route")
        equal(_connects(tg, "/new"), False)


@alone
def test_the_servers_limits_hold_for_everyone_at_once():
    """the server's limits hold for everyone at once"""
    with Server(config=ROUTE.format("echo")) as tg, tg.connect("/echo") as ws:
        tg.config.write_text('max-message = "1KiB"\n' + ROUTE.format("echo") + ROUTE.format("new"))
        tg.signal(signal.SIGHUP)
        eventually(lambda: _connects(tg, "/new"), "the new configuration")
        ws.text("x" * 1025)
        ws.expect_close(1009)


@alone
def test_a_killed_server_is_told_by_a_gap():
    """If the server's process is killed, no close events are published; readers learn it from the gap"""
    room = fresh()
    with Server() as tg, tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}?connectionId=x"):
        stream.message()
        tg.process.kill()
        equal(stream.conn.rest(), b"")
        last = stream.last
    with Server() as tg, tg.events(f"?room={room}", {"Last-Event-ID": last}) as stream:
        equal(stream.next().data, '{"missed":null}')


@alone
def test_clients_that_answer_late():
    """closed with 1012 ... (the server waits for the client's close frame, --closing-time)"""
    with Server() as tg, tg.connect("/echo") as ws:
        tg.signal()
        ws.expect_close(1012)
        ws.send(CLOSE, close_payload(1012))
        ws.conn.ended()
        equal(tg.exit_status(), 0)


@alone
def test_a_configuration_without_keys_is_not_taken():
    """A configuration without keys is not taken by a server that has some, unless it says insecure = true."""
    with Server(config=KEYS, env=ENV) as tg:
        before = len(tg.log.read_bytes())
        tg.config.write_text('max-uri = "1KiB"\n')
        tg.signal(signal.SIGHUP)
        eventually(lambda: len(tg.log.read_bytes()) > before, "a line in the log")
        tg.get("/page").problem(401, "credentials-missing")
        tg.config.write_text("insecure = true\n")
        tg.signal(signal.SIGHUP)
        eventually(lambda: tg.get("/api/rooms").status == 200, "a server without keys")
