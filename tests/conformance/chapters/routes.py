"""WebSocket: Routes, and Configured routes."""

import re
import uuid

from ..cases import served
from ..server import fresh
from ..wire import equal, true

CONFIG = """
[[route]]
path = "/reply"
behaviour = "reply"
otherwise = { text = "what?" }
ignore-case = true
reply = [{ contains = "HELLO", text = "hi" }, { contains = "json", json = '{"a":1}' }, { contains = "hello you", text = "both" }]

[[route]]
path = "/silent"
behaviour = "reply"
reply = [{ contains = "Case", text = "exact" }]

[[route]]
path = "/a/{room}"
behaviour = "relay"
envelope = "wrap"
greeting = "welcome"

[[route]]
path = "/a/special"
behaviour = "relay"
room = "elsewhere"

[[route]]
path = "/named/{room}"
behaviour = "broadcast"
connection-id = "client"
echo = true

[[route]]
path = "/private/{room}"
behaviour = "broadcast"
publish = false

[[route]]
path = "/loud"
behaviour = "echo"
room = "loud"
publish = true

[[route]]
path = "/origin"
behaviour = "echo"
allow-origin = ["https://one.example"]

[[route]]
path = "/small"
behaviour = "echo"
max-message = "1KiB"
max-fragments = 2
"""


def _uuid4(name: str) -> None:
    equal(str(uuid.UUID(name)), name, "a UUID in its usual form")
    equal(uuid.UUID(name).version, 4, "version of the UUID")


def test_the_root_publishes_to_main(tg):
    """/: relay; is published to the subscribers of main"""
    name = fresh("root")
    with tg.events(f"?room=main&connectionId={name}") as stream, tg.connect("/") as ws:
        ws.text({"connectionId": name})
        equal(stream.message(), {"connectionId": name})


def test_ws_and_chat_publish_to_the_same_room(tg):
    """/ws/a and /chat/a publish to the same room, but members receive only what members and the API send."""
    room, name = fresh(), fresh("id")
    with tg.events(f"?room={room}") as stream, tg.connect(f"/chat/{room}") as member, tg.connect(f"/ws/{room}") as relay:
        relay.text({"connectionId": name})
        equal(stream.message(), {"connectionId": name})
        member.text("x")
        equal(stream.message()["message"], "x")
        tg.publish(room, "from the API")
        equal(member.expect_text(), "from the API")
        equal(relay.expect_text(), "from the API")


def test_chat_connections_are_named_by_a_uuid(tg):
    """/chat/{room}: its connectionId: a UUID (version 4) that the server makes"""
    room = fresh()
    with tg.connect(f"/chat/{room}"):
        _uuid4(tg.connections(room)[0]["connectionId"])


def test_echo_connections_are_named_by_a_uuid(tg):
    """/echo: its connectionId: a UUID"""
    with tg.connect("/echo"):
        page = tg.get("/api/connections?limit=1000").json()["connections"]
        names = [one["connectionId"] for one in page if one["route"] == "/echo"]
        true(names, "the echo connection is listed")
        for name in names:
            _uuid4(name)


def test_clients_receive_what_the_api_sends_them(tg):
    """On every route clients also receive what the API sends: to them alone, to their room, or to everyone."""
    name = fresh("id")
    with tg.connect(f"/ws/{fresh()}?connectionId={name}") as ws:
        tg.post(f"/api/connections/{name}", {"text": "alone"}).ok(202)
        equal(ws.expect_text(), "alone")


def test_paths_are_compared_after_decoding(tg):
    """Paths have no trailing slash and are compared after percent-decoding, segment by segment"""
    tg.connect("/%65cho").close()
    tg.upgrade("/echo/").problem(404)


def test_an_encoded_slash_is_inside_of_the_name(tg):
    """%2F is a slash inside a room's name"""
    room = fresh("a") + "/b"
    with tg.connect("/ws/" + room.replace("/", "%2F")), tg.events("?room=" + room) as stream:
        equal(tg.get("/api/rooms/" + room.replace("/", "%2f")).ok().json()["room"], room)
        tg.publish(room.replace("/", "%2F"), "x")
        equal(stream.message(), {"message": "x"})


def test_the_last_of_a_repeated_parameter_counts(tg):
    """If a parameter is repeated, the last one counts."""
    first, last = fresh("id"), fresh("id")
    with tg.connect(f"/?connectionId={first}&connectionId={last}"):
        tg.get(f"/api/connections/{last}").ok()
        equal(tg.get(f"/api/connections/{first}").status, 404)


def test_room_names_of_128_bytes(tg):
    """A room name has 1 to 128 bytes of UTF-8 and no control characters"""
    room = "%C3%A9" * 64
    tg.connect("/ws/" + room).close()
    tg.upgrade("/ws/" + room + "x").problem(400, "bad-room")
    for control in ("%01", "%1F", "%7F", "%C2%80", "%C2%9F"):
        tg.upgrade("/ws/a" + control).problem(400, "bad-room")
    tg.connect("/ws/%C2%A0").close()


def test_a_path_cannot_name_dots(tg):
    """A path cannot name the rooms . and .."""
    for room in (".", "..", "%2e", "%2E%2e"):
        tg.upgrade("/ws/" + room).problem(400, "dot-segment")


def test_a_room_exists_while_somebody_is_there(tg):
    """A room exists while a WebSocket is in it, a subscriber names it, or the log holds events of it"""
    room = fresh()
    equal(tg.get(f"/api/rooms/{room}").status, 404)
    with tg.events(f"?room={room}"):
        tg.get(f"/api/rooms/{room}").ok()
    other = fresh()
    with tg.connect(f"/ws/{other}"):
        tg.get(f"/api/rooms/{other}").ok()
    logged = fresh()
    tg.publish(logged, "x")
    tg.get(f"/api/rooms/{logged}").ok()


@served(config=CONFIG)
def test_a_configuration_replaces_all_routes(tg):
    """one with routes of its own replaces them all"""
    tg.upgrade("/").problem(404, "no-such-route")
    tg.upgrade("/echo").problem(404, "no-such-route")


@served(config=CONFIG)
def test_the_last_entry_that_is_found_answers(tg):
    """Of the entries of the route's table the last one whose contains is found answers, as one text message"""
    with tg.connect("/reply") as ws:
        for text, answer in (("say hello", "hi"), ("hello you", "both"), ("json", '{"a":1}'), ("hello json", '{"a":1}')):
            ws.text(text)
            equal(re.sub(r"\s", "", ws.expect_text()), answer)


@served(config=CONFIG)
def test_otherwise(tg):
    """if none is, otherwise does, and without an otherwise there is no answer"""
    with tg.connect("/reply") as ws:
        ws.text("nothing of that")
        equal(ws.expect_text(), "what?")
    with tg.connect("/silent") as ws:
        ws.text("nothing of that")
        ws.text("a Case")
        equal(ws.expect_text(), "exact")


@served(config=CONFIG)
def test_ignore_case(tg):
    """With ignore-case upper and lower case are the same."""
    with tg.connect("/reply") as ws:
        ws.text("HeLLo")
        equal(ws.expect_text(), "hi")
    with tg.connect("/silent") as ws:
        ws.text("case")
        ws.settled()


@served(config=CONFIG)
def test_binary_is_searched_like_text(tg):
    """Binary messages are searched like text."""
    with tg.connect("/reply") as ws:
        ws.binary(b"\xff hello \xfe")
        equal(ws.expect_text(), "hi")


@served(config=CONFIG)
def test_the_most_literal_pattern_wins(tg):
    """The most literal pattern from the left wins."""
    with tg.connect("/a/special?connectionId=special"):
        equal(tg.get("/api/connections/special").json()["room"], "elsewhere")


@served(config=CONFIG)
def test_greeting(tg):
    """greeting: a text message that comes first of all that the server sends"""
    with tg.connect(f"/a/{fresh()}") as ws:
        equal(ws.expect_text(), "welcome")
        ws.settled()


@served(config=CONFIG)
def test_wrap(tg):
    """anything may be said, text and binary, from the first message on; subscribers see it as on a broadcast route"""
    room = fresh()
    with tg.events(f"?room={room}") as stream, tg.connect(f"/a/{room}") as ws:
        name = tg.connections(room)[0]["connectionId"]
        ws.text("free")
        equal(stream.next().data, f'{{"connectionId":"{name}","message":"free"}}')
        ws.binary(b"x")
        equal(stream.next().name, "binary")
        ws.text('{"a": 1}')
        equal(stream.next().data, '{"a": 1}')
        equal(ws.expect_text(), "welcome")
        ws.settled()


@served(config=CONFIG)
def test_connection_id_client(tg):
    """client: ?connectionId= may name the connection (nothing is published for that); without it, it gets a UUID"""
    room, name = fresh(), fresh("chosen")
    with tg.events(f"?room={room}") as stream, tg.connect(f"/named/{room}?connectionId={name}") as ws:
        ws.text("x")
        equal(stream.message(), {"connectionId": name, "message": "x"})
        with tg.connect(f"/named/{room}"):
            for one in tg.connections(room):
                if one["connectionId"] != name:
                    _uuid4(one["connectionId"])


@served(config=CONFIG)
def test_echo_as_the_default_of_a_route(tg):
    """echo: broadcast: whether a sender gets its own messages; ?echo= decides otherwise"""
    with tg.connect(f"/named/{fresh()}") as ws:
        ws.text("x")
        equal(ws.expect_text(), "x")
    with tg.connect(f"/named/{fresh()}?echo=0") as ws:
        ws.text("x")
        ws.settled()


@served(config=CONFIG)
def test_publish_false(tg):
    """broadcast: false keeps messages, joins, leaves and closes from subscribers"""
    room = fresh()
    with tg.events(f"?room={room}") as stream, tg.connect(f"/private/{room}") as one:
        with tg.connect(f"/private/{room}") as two:
            two.text("x")
            equal(one.expect_text(), "x")
            two.close()
        tg.publish(room, "marker")
        equal(stream.message(), {"message": "marker"})


@served(config=CONFIG)
def test_an_echo_that_publishes(tg):
    """Echo and reply: true publishes what clients say to the room's subscribers, and close events too"""
    with tg.events("?room=loud") as stream, tg.connect("/loud") as ws:
        ws.text("hear")
        equal(ws.expect_text(), "hear")
        message = stream.message()
        equal(message["message"], "hear")
        ws.close()
        equal(stream.closing()["connectionId"], message["connectionId"])


@served(config=CONFIG)
def test_origins_of_a_route(tg):
    """allow-origin: the only origins that may connect here, instead of the server's list and its rule for loopback"""
    tg.connect("/origin", {"Origin": "https://one.example"}).close()
    tg.connect("/origin").close()
    tg.upgrade("/origin", {"Origin": "http://localhost"}).problem(403, "origin-not-allowed")


@served(config=CONFIG)
def test_limits_of_a_route(tg):
    """max-message, max-fragments, ...: instead of the server's limits"""
    with tg.connect("/small") as ws:
        ws.text("x" * 1024)
        equal(len(ws.expect_text()), 1024)
        ws.text("x" * 1025)
        ws.expect_close(1009)
    with tg.connect("/small") as ws:
        for _ in range(3):
            ws.send(1 if _ == 0 else 0, b"x", fin=False)
        ws.expect_close(1009)
