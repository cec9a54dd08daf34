"""GET /events; event streams byte by byte; lines of JSON."""

import json
import re

from ..cases import served
from ..events import ID
from ..http1 import head_of, read_head
from ..server import fresh
from ..wire import equal, true

NDJSON = {"Accept": "application/x-ndjson"}
PRESENCE = """
[[route]]
path = "/p/{room}"
behaviour = "broadcast"
presence = true
"""


def test_the_head_is_that_of_the_example(tg):
    """< HTTP/1.1 200 OK, Date, Vary, Cache-Control, X-Accel-Buffering, Content-Type, Connection: close"""
    with tg.events(f"?room={fresh()}") as stream:
        lines = stream.response.head.decode().split("\r\n")
        equal(lines[0], "HTTP/1.1 200 OK")
        true(lines[1].startswith("Date: "), "Date")
        equal(
            lines[2:],
            [
                "Vary: Origin",
                "Cache-Control: no-store, no-transform",
                "X-Accel-Buffering: no",
                "Content-Type: text/event-stream",
                "Connection: close",
                "",
                "",
            ],
        )


def test_the_first_block(tg):
    """retry: <ms> LF id: <id> LF LF; the reconnection time (1 to 3 s)"""
    with tg.events() as stream:
        true(1000 <= stream.retry <= 3000, f"retry: {stream.retry}")


@served("--retry", "10s")
def test_retry(tg):
    """--retry: the shortest reconnection time told, the longest is 3 times that"""
    with tg.events() as stream:
        true(10000 <= stream.retry <= 30000, f"retry: {stream.retry}")


def test_messages_and_closes_byte_by_byte(tg):
    """message: id LF data LF LF; close: id LF data: {"close":{…}} LF LF; binary: event, id, data"""
    room, name = fresh(), fresh("id")
    with tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}?connectionId={name}") as ws:
        ws.binary(b"x")
        ws.close(1000)
        patterns = (
            r'id: (\S+)\ndata: \{"connectionId":"NAME"\}\n\n',
            r'event: binary\nid: (\S+)\ndata: \{"connectionId":"NAME","base64":"eA=="\}\n\n',
            r'id: (\S+)\ndata: \{"close":\{"connectionId":"NAME",.*,"session":[0-9]+\}\}\n\n',
        )
        ids = [stream.start]
        for pattern in patterns:
            match = re.fullmatch(pattern, stream.block().decode().replace(name, "NAME"))
            true(match, f"the block is {pattern}")
            true(ID.fullmatch(match[1]), "an id of at most 128 bytes of [A-Za-z0-9._~-]")
            ids.append(match[1])
        equal(len(set(ids)), 4, "different ids")


@served(config=PRESENCE)
def test_joins_byte_by_byte(tg):
    """event: join LF id: <id> LF data: {"join":{"connectionId":"…","session":…}} LF LF"""
    room = fresh()
    with tg.events(f"?room={room}") as stream:
        tg.connect(f"/p/{room}").close()
        for word in ("join", "leave"):
            block = stream.block().decode()
            true(
                re.fullmatch(
                    rf'event: {word}\nid: \S+\ndata: \{{"{word}":\{{"connectionId":"[^"]+","session":[0-9]+\}}\}}\n\n',
                    block,
                ),
                f"{word}: {block!r}",
            )


@served("--heartbeat", "1s")
def test_heartbeats(tg):
    """After 15 s in which nothing was written comes a heartbeat: `:` LF (a comment; no empty line follows)"""
    with tg.events() as stream:
        equal(stream.conn.exactly(4), b":\n:\n")
    with tg.events(f"?room={fresh()}") as stream:
        equal(stream.conn.exactly(2), b":\n")


@served("--heartbeat", "1s")
def test_positions(tg):
    """On a stream with a filter it is a position block instead whenever the position has moved since the last one (what was
    said elsewhere up to 10 s ago may not be in it yet)"""
    room = fresh()
    streams = [tg.events(f"?room={room}") for _ in range(8)]  # enough for each core to have some
    try:
        moved = tg.publish(fresh(), "x")["id"]
        for stream in streams:
            first = stream.conn.exactly(2)
            while first == b":\n":
                first = stream.conn.exactly(2)
            equal((first + stream.block()).decode(), f"id: {moved}\n\n", "instead of a heartbeat")
    finally:
        for stream in streams:
            stream.conn.close()
    with tg.events(f"?room={room}&lastEventId={moved}") as again:
        tg.publish(room, "y")
        equal(again.message(), {"message": "y"})


def test_format_full(tg):
    """{"id","room","connectionId","session","type","at","data"} without event: lines"""
    room, name = fresh(), fresh("id")
    with tg.events(f"?room={room}&format=full") as stream, tg.connect(f"/ws/{room}?connectionId={name}") as ws:
        ws.text(f'{{"connectionId":"{name}", "x" : 1.0}}')
        ws.binary(b"x")
        session = tg.get(f"/api/connections/{name}").json()["session"]
        ws.close()
        stream.next()
        event = stream.next()
        at = event.json()["at"]
        equal(
            event.raw.decode(),
            f'id: {event.id}\ndata: {{"id":"{event.id}","room":"{room}","connectionId":"{name}","session":{session},'
            f'"type":"message","at":{at},"data":{{"connectionId":"{name}", "x" : 1.0}}}}\n\n',
        )
        for kind in ("binary", "close"):
            event = stream.next()
            equal((event.name, event.json()["type"], event.json()["session"]), (None, kind, session))


def test_format_full_of_the_api(tg):
    """With format=full its connectionId and session are null."""
    room = fresh()
    with tg.events(f"?room={room}&format=full") as stream:
        tg.publish(room, '{"connectionId":"x"}')
        one = stream.message()
        equal((one["connectionId"], one["session"], one["data"]), (None, None, {"connectionId": "x"}))


def test_lines_of_json(tg):
    """Lines of JSON if Accept ranks that type above text/event-stream; the first line is a position"""
    room = fresh()
    with tg.http() as conn:
        conn.send(head_of("GET", f"/events?room={room}", NDJSON))
        equal(read_head(conn).get("Content-Type"), "application/x-ndjson")
        first = conn.until(b"\n").decode()
        start = json.loads(first)["id"]
        equal(first, f'{{"id":"{start}","type":"position"}}\n')
        identity = tg.publish(room, "x")["id"]
        line = conn.until(b"\n").decode()
        at = json.loads(line)["at"]
        equal(
            line,
            f'{{"id":"{identity}","room":"{room}","connectionId":null,"session":null,"type":"message","at":{at},'
            f'"data":{{"message":"x"}}}}\n',
        )


@served("--heartbeat", "1s")
def test_heartbeats_of_lines(tg):
    """a heartbeat is an empty line"""
    with tg.http() as conn:
        conn.send(head_of("GET", "/events", NDJSON))
        read_head(conn)
        conn.until(b"\n")
        equal(conn.exactly(2), b"\n\n")


def test_a_gap_as_a_line(tg):
    """a gap is {"id":"<id>","type":"gap","missed":<n>}"""
    with tg.http() as conn:
        conn.send(head_of("GET", f"/events?room={fresh()}&lastEventId=unknown", NDJSON))
        read_head(conn)
        gap = conn.until(b"\n").decode()
        equal(gap, f'{{"id":"{json.loads(gap)["id"]}","type":"gap","missed":null}}\n')


def test_accept(tg):
    """Accept is never a reason for an error."""
    for accept, kind in (
        ("text/html", "text/event-stream"),
        ("*/*", "text/event-stream"),
        ("application/*", "application/x-ndjson"),
        ("application/x-ndjson, text/event-stream", "text/event-stream"),
        ("application/x-ndjson, text/event-stream;q=0.9", "application/x-ndjson"),
        ("application/x-ndjson;q=0", "text/event-stream"),
        ("text/event-stream;q=0.1, */*;q=0.5", "application/x-ndjson"),
        (";;,=", "text/event-stream"),
    ):
        with tg.http() as conn:
            conn.send(head_of("GET", "/events", {"Accept": accept}))
            response = read_head(conn)
            equal((response.status, response.get("Content-Type")), (200, kind), accept)


def test_filters_by_room(tg):
    """room, repeatable: only events of these rooms"""
    one, two, three = fresh(), fresh(), fresh()
    with tg.events(f"?room={one}&room={two}&room={one}") as stream:
        tg.publish(three, "c")
        tg.publish(one, "a")
        tg.publish(two, "b")
        equal(sorted(message["message"] for message in stream.messages(2)), ["a", "b"])


def test_filters_by_connection(tg):
    """connectionId, repeatable: only events of connections of these names, their closes too"""
    room, one, two = fresh(), fresh("id"), fresh("id")
    with tg.events(f"?connectionId={one}") as stream, tg.connect(f"/ws/{room}?connectionId={two}") as other:
        other.text({"connectionId": two})
        tg.publish(room, f'{{"connectionId":"{one}"}}')
        tg.connect(f"/ws/{room}?connectionId={one}").close()
        equal(stream.message(), {"connectionId": one})
        equal(stream.closing()["connectionId"], one)


def test_both_filters(tg):
    """Of both filters an event must pass both"""
    room, name = fresh(), fresh("id")
    with tg.events(f"?room={room}&connectionId={name}") as stream:
        with tg.connect(f"/ws/{fresh()}?connectionId={name}") as ws:
            ws.close()
        tg.publish(room, "x")
        with tg.connect(f"/ws/{room}?connectionId={name}") as ws:
            ws.text({"connectionId": name, "n": 1})
            equal(stream.messages(2)[1]["n"], 1)


def test_bad_requests(tg):
    """400 unknown-parameter, bad-parameter, bad-room, bad-connection-id, too-many-filters, unexpected-body"""
    for query, code in (
        ("rooms=a", "unknown-parameter"),
        ("follow=maybe", "bad-parameter"),
        ("format=short", "bad-parameter"),
        ("since=latest", "bad-parameter"),
        ("room=", "bad-room"),
        ("room=a%01", "bad-room"),
        ("room=" + "x" * 129, "bad-room"),
        ("connectionId=", "bad-connection-id"),
        ("&".join(f"room={number}" for number in range(33)), "too-many-filters"),
        ("&".join(f"connectionId={number}" for number in range(33)), "too-many-filters"),
    ):
        tg.get(f"/events?{query}").problem(400, code)
    tg.ask("GET", "/events", {}, b"x").problem(400, "unexpected-body")


def test_32_different_filters(tg):
    """Each may name up to 32 different ones, which need not exist yet."""
    rooms = "&".join(f"room={number}" for number in range(32))
    with tg.events(f"?{rooms}&{rooms}&" + rooms.replace("room", "connectionId")) as stream:
        true(stream.start, "a stream")


def test_repeated_parameters(tg):
    """If another parameter is repeated, each must be valid, and the last one counts."""
    room = fresh()
    tg.get("/events?format=x&format=full").problem(400, "bad-parameter")
    tg.publish(room, "x")
    with tg.events(f"?room={room}&follow=true&follow=false&since=earliest&_x=1&_x") as stream:
        equal(len(stream.remaining()), 1)


def test_since_earliest(tg):
    """since=earliest: begin with the oldest matching event of the log"""
    room = fresh()
    for number in range(3):
        tg.publish(room, str(number))
    with tg.events(f"?room={room}&since=earliest") as stream:
        equal([message["message"] for message in stream.messages(3)], ["0", "1", "2"])
        tg.publish(room, "live")
        equal(stream.message(), {"message": "live"})


def test_now(tg):
    """"Now" means: every matching event that is committed after the client has received the first byte"""
    room = fresh()
    tg.publish(room, "before")
    with tg.events(f"?room={room}") as stream:
        tg.publish(room, "after")
        equal(stream.message(), {"message": "after"})


def test_follow_false(tg):
    """A stream with follow=false ends by itself when it has delivered what was there when it began"""
    room = fresh()
    for number in range(3):
        tg.publish(room, str(number))
    with tg.events(f"?room={room}&since=earliest&follow=false") as stream:
        equal([event.json()["message"] for event in stream.remaining()], ["0", "1", "2"])
    with tg.events(f"?room={room}&follow=false") as stream:
        equal(stream.remaining(), [])


def test_the_body_has_no_length(tg):
    """The body has no length and is not chunked: it ends with the connection."""
    with tg.events() as stream:
        equal((stream.response.every("Content-Length"), stream.response.every("Transfer-Encoding")), ([], []))


def test_input_behind_the_request(tg):
    """A client that sends more than 4 KiB behind its request is cut off."""
    with tg.events(f"?room={fresh()}") as stream:
        stream.conn.send(b"x" * 4097)
        stream.conn.ended()


def test_a_little_input_behind_the_request(tg):
    """A client that sends more than 4 KiB behind its request is cut off (one that sends less is not)."""
    room = fresh()
    with tg.events(f"?room={room}") as stream:
        stream.conn.send(b"x" * 4096)
        tg.publish(room, "x")
        equal(stream.message(), {"message": "x"})
