"""Close events."""

from ..cases import served
from ..server import fresh
from ..websocket import CLOSE, close_payload
from ..wire import equal

CONFIG = """
[[route]]
path = "/chat/{room}"
behaviour = "broadcast"
"""


def _closed(tg, end, path="/ws/{room}"):
    """The close event of a connection that `end` ends."""
    room, name = fresh(), fresh("sensor")
    with tg.events(f"?room={room}") as stream:
        with tg.connect(path.format(room=room) + f"?connectionId={name}") as ws:
            session = tg.get(f"/api/connections/{name}").ok().json()["session"]
            stream.message()
            end(ws, name)
            event = stream.next()
            # Exactly once: what comes next is something else.
            tg.publish(room, "marker")
            equal(stream.message(), {"message": "marker"})
    equal((event.name, event.json()["close"]["session"]), (None, session))
    return event.data.replace(str(session), "N").replace(name, "NAME")


def test_the_bytes_of_a_close_event(tg):
    """{"close":{"connectionId":"sensor-7","code":1000,"reason":"bye","by":"client","session":1795242365063001}}"""
    data = _closed(tg, lambda ws, name: ws.close(1000, "bye"))
    equal(data, '{"close":{"connectionId":"NAME","code":1000,"reason":"bye","by":"client","session":N}}')


def test_a_frame_without_a_code(tg):
    """code: 1005 if it had none; reason: perhaps "" """
    data = _closed(tg, lambda ws, name: ws.close(None))
    equal(data, '{"close":{"connectionId":"NAME","code":1005,"reason":"","by":"client","session":N}}')


def test_the_reason_is_escaped(tg):
    """reason: what that frame said"""
    data = _closed(tg, lambda ws, name: ws.close(4000, '"é\n'))
    equal(data, '{"close":{"connectionId":"NAME","code":4000,"reason":"\\"é\\n","by":"client","session":N}}')


def _network(data: str) -> None:
    equal(data.split('"reason":"')[0], '{"close":{"connectionId":"NAME","code":1006,')
    equal(data.split('","by":')[1], '"network","session":N}}')
    equal(data.split('"reason":"')[1].startswith('"'), False, "a few words are there")


def test_a_connection_that_ends_without_a_frame(tg):
    """network: the TCP connection ended or broke without one (1006); without a frame a few words"""
    _network(_closed(tg, lambda ws, name: ws.conn.half_close()))


def test_a_connection_that_breaks(tg):
    """network: the TCP connection ended or broke without one (1006)"""
    _network(_closed(tg, lambda ws, name: ws.conn.reset()))


def test_the_servers_close_frame_came_first(tg):
    """server: the server's did (come first)"""

    def end(ws, name):
        tg.ask("DELETE", f"/api/connections/{name}?code=4321&reason=enough").ok(204)
        ws.expect_end(4321, "enough")

    data = _closed(tg, end)
    equal(data, '{"close":{"connectionId":"NAME","code":4321,"reason":"enough","by":"server","session":N}}')


def test_a_connection_that_ends_after_the_servers_frame(tg):
    """exactly once, for whatever reason (the server's frame, and then a broken connection)"""

    def end(ws, name):
        tg.ask("DELETE", f"/api/connections/{name}").ok(204)
        ws.expect_close(1000)
        ws.conn.reset()

    data = _closed(tg, end)
    equal(data, '{"close":{"connectionId":"NAME","code":1000,"reason":"","by":"server","session":N}}')


def test_it_comes_behind_all_messages(tg):
    """an event is published to its room, behind all its messages"""
    room, name = fresh(), fresh("id")
    with tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}?connectionId={name}") as ws:
        for number in range(300):
            ws.text({"connectionId": name, "n": number})
        ws.send(CLOSE, close_payload(1000))
        equal(stream.message(), {"connectionId": name})
        equal([message["n"] for message in stream.messages(300)], list(range(300)))
        equal(stream.closing()["code"], 1000)


def test_broadcast_connections_have_one_from_the_handshake_on(tg):
    """broadcast connections from the handshake on"""
    room = fresh()
    with tg.events(f"?room={room}") as stream:
        with tg.connect(f"/chat/{room}") as ws:
            name = tg.connections(room)[0]["connectionId"]
            ws.close(1001)
        closing = stream.closing()
        equal((closing["connectionId"], closing["code"]), (name, 1001))


def test_there_is_none_for_who_never_registered(tg):
    """There is none for a relay connection that never registered"""
    room = fresh()
    with tg.events(f"?room={room}") as stream:
        tg.connect(f"/ws/{room}").close()
        tg.publish(room, "marker")
        equal(stream.message(), {"message": "marker"})


def test_there_is_none_for_echo(tg):
    """There is none for /echo"""
    with tg.events() as stream:
        with tg.connect("/echo") as ws:
            names = [one["connectionId"] for one in tg.get("/api/connections?limit=1000").json()["connections"]]
            ws.close()
        tg.publish(fresh(), "the end of it")
        while (message := stream.next().json()) != {"message": "the end of it"}:
            if "close" in message and message["close"]["connectionId"] in names:
                equal(message["close"]["code"], None, "an echo connection's close event")


@served(config=CONFIG)
def test_the_api_cannot_pretend_one(tg):
    """text from broadcasts or the API that has one (a top-level close) is wrapped"""
    room = fresh()
    with tg.events(f"?room={room}") as stream:
        tg.publish(room, '{"close":{"connectionId":"x"}}')
        equal(stream.message(), {"message": '{"close":{"connectionId":"x"}}'})


def test_a_fin_after_messages(tg):
    """network: what was committed before the end stays; the close is last"""
    room, name = fresh(), fresh("id")
    with tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}?connectionId={name}") as ws:
        ws.text({"connectionId": name, "n": 1})
        ws.conn.half_close()
        equal(stream.messages(2)[1]["n"], 1)
        equal(stream.closing()["code"], 1006)
