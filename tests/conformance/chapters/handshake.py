"""WebSocket: Handshake."""

from ..cases import served
from ..http1 import head_of, read_head
from ..server import fresh
from ..websocket import CLOSE, SAMPLE_ACCEPT, SAMPLE_KEY, TEXT, close_payload, frame, handshake_fields
from ..wire import equal, true

UPGRADE = """
[[route]]
path = "/sub"
behaviour = "echo"
subprotocols = ["b.v1", "a.v1"]

[[route]]
path = "/refuse/{room}"
behaviour = "relay"
envelope = "wrap"
connection-id = "client"
duplicate = "refuse"
"""


def test_the_answer_is_byte_for_byte_that_of_the_example(tg):
    """< HTTP/1.1 101 Switching Protocols, Date, Sec-WebSocket-Accept, Connection: Upgrade, Upgrade: websocket"""
    with tg.connect("/ws/lab?connectionId=" + fresh("sensor"), {"Sec-WebSocket-Key": SAMPLE_KEY}) as ws:
        lines = ws.response.head.decode().split("\r\n")
        equal(lines[0], "HTTP/1.1 101 Switching Protocols")
        true(lines[1].startswith("Date: "), "Date comes first")
        equal(
            lines[2:],
            [f"Sec-WebSocket-Accept: {SAMPLE_ACCEPT}", "Connection: Upgrade", "Upgrade: websocket", "", ""],
        )


def test_get_is_the_only_method(tg):
    """have the method GET, else 405 method-not-allowed, Allow: GET"""
    equal(tg.upgrade("/", method="POST").problem(405, "method-not-allowed").get("Allow"), "GET")


def test_the_method_is_looked_at_before_upgrade_and_route(tg):
    """The conditions are looked at in this order; the first that fails decides the answer."""
    tg.upgrade("/nowhere?x=1", {"Upgrade": None, "Sec-WebSocket-Version": "1"}, method="PUT").problem(405)


def _is_426(response):
    equal(response.get("Upgrade"), "websocket")
    options = {option.strip().lower() for value in response.every("Connection") for option in value.split(",")}
    equal(options, {"upgrade", "close"}, "Connection")
    equal(response.get("Sec-WebSocket-Version"), "13")


def _refused_426(tg, fields, code):
    with tg.ws() as conn:
        conn.send(head_of("GET", "/", handshake_fields(fields)))
        response = read_head(conn)
        response.body = conn.exactly(int(response.get("Content-Length")))
        conn.ended()
    _is_426(response.problem(426, code))


def test_no_upgrade_field(tg):
    """list upgrade in Connection and websocket in Upgrade, else 426 upgrade-required, Upgrade, Sec-WebSocket-Version"""
    _refused_426(tg, {"Upgrade": None}, "upgrade-required")


def test_no_upgrade_in_connection(tg):
    """list upgrade in Connection and websocket in Upgrade, else 426 upgrade-required"""
    _refused_426(tg, {"Connection": "keep-alive"}, "upgrade-required")


def test_lists_and_case_do_not_matter(tg):
    """list upgrade in Connection and websocket in Upgrade, in any case"""
    tg.connect("/echo", {"Connection": "keep-alive, UPGRADE", "Upgrade": "h2c, WebSocket"}).close()


def test_http_1_0_is_refused(tg):
    """be HTTP/1.1, else 400 http-1-1-required"""
    tg.upgrade("/", version="1.0").problem(400, "http-1-1-required")


def test_a_body_is_refused(tg):
    """have no body, else 400 unexpected-body"""
    tg.upgrade("/", {"Content-Length": "3"}).problem(400, "unexpected-body")
    tg.upgrade("/", {"Transfer-Encoding": "chunked"}).problem(400, "unexpected-body")


def test_an_empty_body_is_none(tg):
    """Content-Length: 0 is no body"""
    tg.connect("/echo", {"Content-Length": "0"}).close()


def test_another_version(tg):
    """have Sec-WebSocket-Version: 13, else 426 bad-websocket-version, headers as above"""
    _refused_426(tg, {"Sec-WebSocket-Version": "8"}, "bad-websocket-version")
    _refused_426(tg, {"Sec-WebSocket-Version": None}, "bad-websocket-version")


def test_no_key(tg):
    """have a Sec-WebSocket-Key, else 400 missing-websocket-key"""
    tg.upgrade("/", {"Sec-WebSocket-Key": None}).problem(400, "missing-websocket-key")


def test_a_key_that_is_not_16_bytes(tg):
    """and 16 bytes in base64 there, else 400 bad-websocket-key"""
    for key in ("", "abc", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZTE=", "dGhlIHNhbXBs*SBub25jZQ=="):
        tg.upgrade("/", {"Sec-WebSocket-Key": key}).problem(400, "bad-websocket-key")


def test_extensions_out_of_grammar(tg):
    """have a Sec-WebSocket-Extensions that follows its grammar, if any, else 400 bad-websocket-extensions"""
    for value in ("a;;b", "a b", "a; b=", ";"):
        tg.upgrade("/", {"Sec-WebSocket-Extensions": value}).problem(400, "bad-websocket-extensions")


def test_other_extensions_are_not_answered(tg):
    """The only extension is compression, if the server runs with --compression; others are not answered."""
    with tg.connect("/echo", {"Sec-WebSocket-Extensions": 'permessage-deflate, x-y; z="1"'}) as ws:
        equal(ws.response.every("Sec-WebSocket-Extensions"), [])


def test_unknown_parameters(tg):
    """have no query parameters but connectionId, echo, since, those of credentials ..., else 400 unknown-parameter"""
    tg.upgrade("/?x=1").problem(400, "unknown-parameter")


def test_an_unknown_parameter_comes_before_the_route(tg):
    """The conditions are looked at in this order (unknown parameters, then the route)"""
    tg.upgrade("/nowhere?x=1").problem(400, "unknown-parameter")


def test_names_with_an_underscore_are_ignored(tg):
    """names that begin with _, which are ignored"""
    tg.connect("/echo?_=1&_x=%20&_").close()


def test_no_such_route(tg):
    """name a route, else 404 no-such-route"""
    for path in ("/nowhere", "/ws", "/ws/a/b", "/echo/", "/ws/a/", "/Echo"):
        tg.upgrade(path).problem(404, "no-such-route")


def test_echo_that_is_neither_true_nor_false(tg):
    """if it has echo on a broadcast route: say true, 1 or nothing, or false or 0, else 400 bad-parameter"""
    tg.upgrade("/chat/x?echo=yes").problem(400, "bad-parameter")
    for value in ("=true", "=1", "=", "", "=false", "=0"):
        tg.connect(f"/chat/x?echo{value}").close()


def test_an_invalid_room(tg):
    """name a valid room, if the route has one in its path, else 400 bad-room"""
    for room in ("a%01", "%C2%80", "*", "x" * 129, ""):
        tg.upgrade("/ws/" + room).problem(400, "bad-room")


def test_a_room_comes_before_the_parameters_of_the_route(tg):
    """The conditions are looked at in this order (the room, then parameters of that route)"""
    tg.upgrade("/ws/*?echo=1").problem(400, "bad-room")


def test_parameters_of_other_routes(tg):
    """have only parameters of that route, else 400 unknown-parameter"""
    for target in ("/ws/x?echo=1", "/echo?connectionId=x", "/chat/x?connectionId=x", "/chat/x?since=earliest", "/?echo"):
        tg.upgrade(target).problem(400, "unknown-parameter")


def test_an_invalid_connection_id(tg):
    """have a valid connectionId, if any, else 400 bad-connection-id"""
    for name in ("a%0A", "x" * 129, ""):
        tg.upgrade("/?connectionId=" + name).problem(400, "bad-connection-id")


@served(config=UPGRADE)
def test_subprotocols_out_of_grammar(tg):
    """have a Sec-WebSocket-Protocol that follows its grammar, on a route with subprotocols, else 400"""
    tg.upgrade("/sub", {"Sec-WebSocket-Protocol": "a b"}).problem(400, "bad-websocket-protocol")


@served(config=UPGRADE)
def test_the_first_offered_subprotocol_that_is_configured_is_selected(tg):
    """Of the subprotocols that a client offers, the first that is configured for the route is selected"""
    with tg.connect("/sub", {"Sec-WebSocket-Protocol": "x, a.v1, b.v1"}) as ws:
        equal(ws.response.every("Sec-WebSocket-Protocol"), ["a.v1"])


@served(config=UPGRADE)
def test_a_subprotocol_that_does_not_fit_is_not_answered(tg):
    """if none fits, none is answered"""
    with tg.connect("/sub", {"Sec-WebSocket-Protocol": "x"}) as ws:
        equal(ws.response.every("Sec-WebSocket-Protocol"), [])


def test_built_in_routes_have_no_subprotocols(tg):
    """the built-in routes have none, and if none fits, none is answered"""
    with tg.connect("/echo", {"Sec-WebSocket-Protocol": "chat"}) as ws:
        equal(ws.response.every("Sec-WebSocket-Protocol"), [])


@served(config=UPGRADE)
def test_a_taken_name_where_the_route_refuses_it(tg):
    """name no connectionId that another connection has, where the route refuses that, else 409 connection-id-taken"""
    name = fresh("taken")
    with tg.connect(f"/refuse/r?connectionId={name}"):
        tg.upgrade(f"/refuse/r?connectionId={name}").problem(409, "connection-id-taken")


@served("--max-rooms", "2")
def test_too_many_rooms(tg):
    """name a room that exists, or that can be made, else 503 too-many-rooms, Retry-After: 2"""
    with tg.connect("/ws/one"), tg.connect("/ws/two"):
        equal(tg.upgrade("/ws/three").problem(503, "too-many-rooms").get("Retry-After"), "2")
        tg.connect("/ws/two").close()


def test_nothing_behind_a_refused_request_is_read_as_another(tg):
    """the connection closes behind it: nothing that follows the request is read as another one"""
    with tg.ws() as conn:
        conn.send(head_of("GET", "/nowhere", handshake_fields()) + head_of("GET", "/echo", handshake_fields()))
        response = read_head(conn)
        equal(response.status, 404)
        conn.exactly(int(response.get("Content-Length")))
        conn.ended()


def test_frames_may_follow_before_the_answer(tg):
    """Frames may follow the request before its answer has come."""
    with tg.ws() as conn:
        conn.send(
            head_of("GET", "/echo", handshake_fields())
            + frame(TEXT, b"early")
            + frame(CLOSE, close_payload(1000))
        )
        equal(read_head(conn).status, 101)
        equal(conn.rest(), b"\x81\x05early\x88\x02\x03\xe8")
