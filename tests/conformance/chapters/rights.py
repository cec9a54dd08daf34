"""Credentials: Rights."""

import re

from ..cases import alone, served
from ..doors import AS_MANAGER, ENV, GUARDED, KEYS, STATIC, bearer, holder, token
from ..http1 import head_of, read_head
from ..server import Server, fresh
from ..wire import Failure, equal, true

SERVER = ((), GUARDED)


def _publish(tg, room: str, text: str) -> dict:
    return tg.post(f"/api/rooms/{room}/messages", {"text": text}, AS_MANAGER).ok().json()


def _started(tg, query: str, fields) -> list:
    """The events of a stream that ends at the present."""
    with tg.events(f"{query}{'&' if query else '?'}since=earliest&follow=false", fields) as stream:
        return stream.remaining()


def test_connect(tg):
    """connect: opening WebSockets"""
    tg.upgrade("/ws/a", holder(subscribe=["*"], publish=["*"])).problem(403, "not-allowed")
    tg.connect("/ws/a", holder(connect=True)).close()


def test_a_key_that_may_manage_cannot_connect(tg):
    """A key that may manage cannot connect."""
    tg.upgrade("/ws/a", AS_MANAGER).problem(403, "not-allowed")


def test_manage(tg):
    """manage: /api/… (but for tickets), /@connections/… and /metrics"""
    for target in ("/api/rooms", "/api/connections", "/@connections/x", "/metrics", "/api/revocations"):
        tg.get(target, bearer(token())).problem(403, "not-allowed").closing()
        true(tg.get(target, AS_MANAGER).status in (200, 410), target)


def test_publishing_without_the_right(tg):
    """anything that would be published ... without the right: the error not-allowed"""
    with tg.connect("/ws/lab", holder(connect=True, publish=["other"])) as ws:
        ws.text({"connectionId": fresh("id")})
        ws.expect_error("not-allowed")
    with tg.connect("/chat/lab", holder(connect=True, subscribe=["lab"])) as ws:
        ws.text("x")
        ws.expect_error("not-allowed")


def test_it_counts_as_a_refused_message(tg):
    """the error not-allowed, counted as a refused message"""
    with tg.connect("/chat/lab", holder(connect=True, subscribe=["lab"])) as ws:
        for _ in range(16):
            ws.text("x")
        for _ in range(16):
            ws.expect_error("not-allowed")
        ws.expect_end(1008)


def test_patterns(tg):
    """* stands for any characters, also none, everything else for itself"""
    fields = holder(connect=True, publish=["lab.*", "a*z", "exact", "q?"])
    for room in ("lab.", "lab.1", "az", "a-z", "exact"):
        with tg.connect(f"/ws/{room}", fields) as ws:
            ws.text({"connectionId": fresh("id")})
            ws.settled()
    for room in ("lab", "azb", "Exact", "qx"):
        with tg.connect(f"/ws/{room}", fields) as ws:
            ws.text({"connectionId": fresh("id")})
            ws.expect_error("not-allowed")


def test_a_url_that_registers_without_the_right_to_publish(tg):
    """Whoever registers by ?connectionId= without the right to publish is registered, but ... is not published for it"""
    room, name = fresh(), fresh("id")
    with tg.events(f"?room={room}", holder(subscribe=["*"])) as stream:
        with tg.connect(f"/ws/{room}?connectionId={name}", holder(connect=True)) as ws:
            tg.get(f"/api/connections/{name}", AS_MANAGER).ok()
            ws.close(4000, "a reason")
        closing = stream.closing()
        equal((closing["connectionId"], closing["code"], closing["reason"]), (name, 4000, ""))


def test_a_name_that_is_not_allowed(tg):
    """A ?connectionId= that is not allowed is 403 not-allowed; the message that would register it: the error"""
    fields = holder(connect=True, publish=["*"], connectionId="a-*")
    tg.upgrade("/ws/r?connectionId=b", fields).problem(403, "not-allowed")
    tg.connect("/ws/r?connectionId=a-b", fields).close()
    with tg.connect("/ws/r", fields) as ws:
        ws.text({"connectionId": "b"})
        ws.expect_error("not-allowed")


def test_exactly_one_name(tg):
    """If exactly one name is allowed, a connection that the server names gets that one instead of a UUID"""
    name = fresh("only")
    with tg.connect("/chat/r", holder(connect=True, subscribe=["r"], publish=["r"], connectionId=name)):
        equal(tg.get(f"/api/connections/{name}", AS_MANAGER).ok().json()["room"], "r")


def test_a_uuid_is_always_allowed(tg):
    """a UUID that the server makes is always allowed"""
    tg.connect("/chat/r", holder(connect=True, subscribe=["r"], connectionId=["a", "b"])).close()


def test_broadcast_takes_subscribe(tg):
    """Broadcast routes take subscribe to the home room at the handshake."""
    tg.upgrade("/chat/r", holder(connect=True, subscribe=["s"], publish=["*"])).problem(403, "not-allowed")


def test_joining_without_the_right(tg):
    """a join, a message to a room, each without the right: the error not-allowed"""
    with tg.connect("/multi/home", holder(connect=True, subscribe=["home", "b"], publish=["home"])) as ws:
        ws.text({"join": "a"})
        ws.expect_error("not-allowed")
        ws.text({"join": "b"})
        equal(ws.expect_json()["joined"]["room"], "b")
        ws.text({"to": "b"})
        ws.expect_error("not-allowed")


def test_an_echo_that_may_not_be_published_is_not_answered(tg):
    """On echo and reply routes that publish, what may not be published is not answered either."""
    with tg.connect("/echo-out/r", holder(connect=True)) as ws:
        ws.text("x")
        ws.expect_error("not-allowed")
        ws.settled()


def test_events_of_a_room(tg):
    """GET /events with room takes the right to each of these rooms (403, whether the room exists or not)"""
    fields = holder(subscribe=["lab.*"])
    for query in ("?room=other", "?room=lab.1&room=other", "?room=*"):
        tg.get("/events" + query, fields).problem(403, "not-allowed")
    tg.events("?room=lab.1", fields).conn.close()
    tg.events("?room=*", holder(subscribe=["*"])).conn.close()


def test_events_without_a_room(tg):
    """Without room a stream has all rooms that it may read, also such as come later"""
    mine, other = fresh("mine"), fresh("other")
    with tg.events("", holder(subscribe=["mine*"])) as stream:
        _publish(tg, other, "hidden")
        answer = _publish(tg, mine, "seen")
        equal(stream.message(), {"message": "seen"})
        # It is not counted among the subscribers of any.
        equal(answer["subscribers"], 0)


def test_everyone_takes_the_right_to_all_rooms(tg):
    """The room * takes the right to read all rooms."""
    mine = fresh("mine")
    with tg.events("", holder(subscribe=["mine*"])) as some, tg.events("", holder(subscribe=["*"])) as all_rooms:
        tg.post("/api/messages", {"to": "all", "text": "all"}, AS_MANAGER).ok()
        _publish(tg, mine, "seen")
        equal(some.message(), {"message": "seen"})
        equal(sorted(message["message"] for message in all_rooms.messages(2)), ["all", "seen"])


def test_sealed_ids_can_be_resumed_at(tg):
    """the ids of a stream that may not read all rooms are sealed; it can resume at sealed ids only"""
    mine, fields = fresh("mine"), holder(subscribe=["mine*"])
    with tg.events(f"?room={mine}", fields) as stream:
        plain = [_publish(tg, mine, str(number))["id"] for number in range(3)]
        ids = []
        for _ in plain:
            stream.next()
            ids.append(stream.last)
    equal(set(ids) & set(plain), set(), "sealed ids")
    equal([event.json()["message"] for event in _resumed(tg, mine, fields, ids[0])], ["1", "2"])
    gap, *rest = _resumed(tg, mine, fields, plain[0])
    equal((gap.name, gap.data, len(rest)), ("gap", '{"missed":null}', 3))
    for identity in (ids[0], plain[0]):
        equal(len(_resumed(tg, mine, holder(subscribe=["*"]), identity)), 2, "who may read all can resume at both kinds")


def _resumed(tg, room, fields, identity) -> list:
    with tg.events(f"?room={room}&follow=false", fields | {"Last-Event-ID": identity}) as stream:
        return stream.remaining()


@served("--heartbeat", "1s", **GUARDED)
def test_a_sealed_stream_gets_a_position_with_every_heartbeat(tg):
    """Such a stream gets a position with every heartbeat."""
    with tg.events(f"?room={fresh('mine')}", holder(subscribe=["mine*"])) as stream:
        for _ in range(2):
            block = stream.block()
            true(re.fullmatch(rb"id: \S+\n\n", block), f"a position: {block!r}")


def test_what_happens_elsewhere_cannot_be_seen(tg):
    """What happens in other rooms cannot be seen by who may not read them: the distance between two says nothing"""
    mine, fields = fresh("mine"), holder(subscribe=["mine*"])
    _publish(tg, mine, "a")
    _publish(tg, fresh("other"), "hidden")
    _publish(tg, mine, "b")
    events = _started(tg, "", fields)
    equal([event.json()["message"] for event in events][-2:], ["a", "b"])


def test_subscribe_without_rooms(tg):
    """subscribe, to rooms: reading events of these rooms (no room: 403)"""
    with tg.http() as conn:
        conn.send(head_of("GET", "/events", holder(connect=True)))
        response = read_head(conn)
        true(response.status in (200, 403), "refused, or a stream of nothing")


@alone
def test_an_open_route_is_for_the_room_of_its_path_alone():
    """A WebSocket on an open route can be in the rooms that its path leads to, and in no other"""
    route = '[[route]]\npath = "/open"\nroom = "a"\nbehaviour = "broadcast"\nrooms = true\nopen = true\n'
    try:
        tg = Server(config=KEYS + route, env=ENV)
    except Failure:
        return  # a configuration that is refused promises nothing that it does not keep
    with tg, tg.connect("/open") as ws, tg.events("?room=b", bearer(STATIC)):
        ws.text({"join": "b"})
        true("error" in ws.expect_json(), "a client without a credential has joined another room")
