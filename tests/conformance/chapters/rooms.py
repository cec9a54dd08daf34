"""WebSocket: Rooms: join, leave, to, since, last-value, presence."""

import json

from ..cases import served
from ..server import fresh
from ..wire import equal, eventually, true

CONFIG = """
[[route]]
path = "/multi/{room}"
behaviour = "broadcast"
rooms = true
since = true

[[route]]
path = "/rooms/{room}"
behaviour = "broadcast"
rooms = true

[[route]]
path = "/last/{room}"
behaviour = "broadcast"
rooms = true
last-value = true
since = true

[[route]]
path = "/presence/{room}"
behaviour = "broadcast"
rooms = true
presence = true

[[route]]
path = "/greet/{room}"
behaviour = "broadcast"
since = true
greeting = "hi"

[[route]]
path = "/plain/{room}"
behaviour = "broadcast"
"""
SERVER = ((), {"config": CONFIG})


def _join(ws, room: str, **more) -> dict:
    ws.text({"join": room, **more})
    message = ws.expect_json()
    equal(list(message), ["joined"], "the reply to a join")
    equal((list(message["joined"]), message["joined"]["room"]), (["room", "id", "missed"], room))
    return message["joined"]


def test_join_to_and_leave(tg):
    """> {"join":"lab"} < {"joined":{...}} > {"to":"lab",...} > {"leave":"lab"} < {"left":{"room":"lab"}}"""
    home, lab = fresh(), fresh()
    with tg.connect(f"/rooms/{home}") as one, tg.connect(f"/rooms/{lab}") as two, tg.events(f"?room={lab}") as stream:
        equal(_join(one, lab)["missed"], 0)
        text = f'{{"to":"{lab}", "message":"hello, lab"}}'
        one.text(text)
        equal(two.expect_text(), text)
        equal(stream.next().data, text)
        two.text("hello, you")
        equal(one.expect_text(), "hello, you")
        one.text({"leave": lab})
        equal(one.expect_text(), f'{{"left":{{"room":"{lab}"}}}}')
        two.text("unheard")
        equal(stream.messages(2)[1]["message"], "unheard")
        one.settled()


def test_the_sender_of_to_does_not_get_it(tg):
    """the text, as it was sent, goes to the other members of the room"""
    room = fresh()
    with tg.connect(f"/rooms/{room}") as ws, tg.connect(f"/rooms/{room}") as other:
        ws.text({"to": room, "x": 1})
        equal(other.expect_json(), {"to": room, "x": 1})
        ws.settled()


def test_everything_else_goes_to_the_home_room(tg):
    """everything else goes to the home room as on any broadcast route"""
    home, lab = fresh(), fresh()
    with tg.connect(f"/rooms/{home}") as ws, tg.events(f"?room={home}") as stream:
        _join(ws, lab)
        ws.text("home")
        equal(stream.message()["message"], "home")


def test_join_again(tg):
    """Again for a room that it is in, also with since: the reply ...; nothing else changes"""
    room = fresh()
    with tg.connect(f"/multi/{fresh()}") as ws:
        _join(ws, room)
        tg.publish(room, "x")
        equal(ws.expect_text(), "x")
        equal(_join(ws, room, since="earliest")["missed"], 0)
        ws.settled()


def test_other_members_are_ignored(tg):
    """Other members of a control message are ignored."""
    with tg.connect(f"/rooms/{fresh()}") as ws:
        _join(ws, fresh(), extra=[1], close=1, connectionId=7)


def test_leaving_the_home_room(tg):
    """Who leaves its home room does not hear it and is not counted there; what it says without to still goes there"""
    home = fresh()
    with tg.connect(f"/rooms/{home}") as ws, tg.events(f"?room={home}") as stream:
        ws.text({"leave": home})
        equal(ws.expect_json(), {"left": {"room": home}})
        # The count may follow a moment later: nothing promises when another core has it.
        eventually(lambda: tg.get(f"/api/rooms/{home}").json()["connections"] == 0, "a room that it is not counted in")
        ws.text("still")
        equal(stream.message()["message"], "still")


def test_bad_control(tg):
    """bad-control: a join, leave or to that is not a string, two of them, one of them twice, or a bad since"""
    with tg.connect(f"/multi/{fresh()}") as ws:
        for text in (
            '{"join":1}',
            '{"leave":null}',
            '{"to":[]}',
            '{"join":"a","to":"b"}',
            '{"join":"a","join":"a"}',
            '{"join":"a","since":7}',
            '{"join":"a","since":""}',
            '{"join":"a","since":"no id!"}',
            '{"join":"a","since":"%s"}' % ("x" * 129),
        ):
            ws.text(text)
            ws.expect_error("bad-control")


def test_since_where_the_route_does_not_have_it(tg):
    """bad-control: or a since ... that the route does not have"""
    with tg.connect(f"/rooms/{fresh()}") as ws:
        ws.text({"join": "x", "since": "earliest"})
        ws.expect_error("bad-control")


def test_bad_room(tg):
    """bad-room: names an invalid room"""
    with tg.connect(f"/rooms/{fresh()}") as ws:
        for room in ("", "*", "a\n", "x" * 129):
            ws.text({"join": room})
            ws.expect_error("bad-room")


def test_not_joined(tg):
    """not-joined: leaves a room, or speaks to one, that it is not in"""
    with tg.connect(f"/rooms/{fresh()}") as ws:
        ws.text({"leave": "nowhere"})
        ws.expect_error("not-joined")
        ws.text({"to": "nowhere"})
        ws.expect_error("not-joined")


def test_too_deep(tg):
    """too-deep: has more than 128 levels: a join in it could not be found"""
    with tg.connect(f"/rooms/{fresh()}") as ws:
        ws.text('{"a":' + "[" * 128 + "]" * 128 + "}")
        ws.expect_error("too-deep")


@served("--max-joined-rooms", "2", config=CONFIG)
def test_too_many_joined(tg):
    """too-many-joined: would be in more than 64 rooms, the home room included"""
    with tg.connect(f"/rooms/{fresh()}") as ws:
        _join(ws, fresh())
        ws.text({"join": fresh()})
        ws.expect_error("too-many-joined")


def test_a_join_of_64_rooms(tg):
    """--max-joined-rooms 64: rooms of one WebSocket: too-many-joined"""
    with tg.connect(f"/rooms/{fresh()}") as ws:
        for _ in range(63):
            _join(ws, fresh())
        ws.text({"join": fresh()})
        ws.expect_error("too-many-joined")


def test_join_since(tg):
    """{"join":"<room>","since":"<id>"}: the same, after what the room's log has behind that event"""
    room = fresh()
    ids = [tg.publish(room, str(number))["id"] for number in range(4)]
    with tg.connect(f"/multi/{fresh()}") as ws:
        joined = _join(ws, room, since=ids[1])
        equal((joined["id"], joined["missed"]), (ids[1], 0))
        equal([ws.expect_text() for _ in range(2)], ["2", "3"])
        tg.publish(room, "live")
        equal(ws.expect_text(), "live")


def test_join_since_earliest(tg):
    """"since":"earliest": the same, after what the room's log has"""
    room = fresh()
    for number in range(3):
        tg.publish(room, str(number))
    with tg.connect(f"/multi/{fresh()}") as ws:
        _join(ws, room, since="earliest")
        equal([ws.expect_text() for _ in range(3)], ["0", "1", "2"])


def test_since_at_the_handshake(tg):
    """the 101 is followed by {"joined":{...}}, then the greeting, if any, then the room's messages from there on"""
    room = fresh()
    ids = [tg.publish(room, str(number))["id"] for number in range(3)]
    with tg.connect(f"/greet/{room}?since={ids[0]}") as ws:
        equal(ws.expect_json(), {"joined": {"room": room, "id": ids[0], "missed": 0}})
        equal([ws.expect_text() for _ in range(3)], ["hi", "1", "2"])


def test_since_that_cannot_be_placed(tg):
    """one that the server cannot place begins with the oldest, and missed is null"""
    room = fresh()
    tg.publish(room, "old")
    with tg.connect(f"/multi/{room}?since=never-written") as ws:
        joined = ws.expect_json()["joined"]
        equal((joined["room"], joined["missed"]), (room, None))
        equal(ws.expect_text(), "old")


def test_since_that_is_no_id(tg):
    """What has not the form of an id is 400 bad-parameter."""
    tg.upgrade(f"/multi/{fresh()}?since=a%20b").problem(400, "bad-parameter")


def test_since_on_a_route_without_it(tg):
    """have only parameters of that route, else 400 unknown-parameter"""
    tg.upgrade(f"/plain/{fresh()}?since=earliest").problem(400, "unknown-parameter")


def test_last_value(tg):
    """who becomes a member is sent the last message of the room that members got"""
    room = fresh()
    with tg.connect(f"/last/{room}") as one:
        one.text("first")
        one.text("second")
        one.settled()
        with tg.connect(f"/last/{room}") as two:
            equal(two.expect_text(), "second")
        with tg.connect(f"/last/{fresh()}") as three:
            _join(three, room)
            equal(three.expect_text(), "second")


def test_since_has_precedence_over_last_value(tg):
    """since has precedence."""
    room = fresh()
    ids = [tg.publish(room, str(number))["id"] for number in range(3)]
    with tg.connect(f"/last/{room}?since={ids[-1]}") as ws:
        true("joined" in ws.expect_json(), "joined")
        tg.publish(room, "next")
        equal(ws.expect_text(), "next")


def test_presence(tg):
    """the room's other members, and its subscribers, are told who comes and goes; nobody of its own"""
    room = fresh()
    with tg.events(f"?room={room}") as stream, tg.connect(f"/presence/{room}") as one:
        first = stream.next()
        equal(first.name, "join")
        with tg.connect(f"/presence/{room}") as two:
            text = one.expect_text()
            message = json.loads(text)
            equal(list(message["join"]), ["connectionId", "session"])
            event = stream.next()
            equal((event.name, event.data), ("join", text))
            two.settled()
            two.close()
        equal(one.expect_text(), text.replace("join", "leave"))
        event = stream.next()
        equal((event.name, event.data), ("leave", text.replace("join", "leave")))
        equal(stream.closing()["connectionId"], message["join"]["connectionId"])


def test_presence_of_joins(tg):
    """leave comes when a member leaves or ends, before its close event"""
    room = fresh()
    with tg.connect(f"/presence/{room}") as one, tg.connect(f"/presence/{fresh()}") as two:
        _join(two, room)
        true("join" in one.expect_json(), "a join")
        two.text({"leave": room})
        true("left" in two.expect_json(), "left")
        true("leave" in one.expect_json(), "a leave")


def test_members_cannot_pretend_presence(tg):
    """a text with a top-level join or leave is refused (reserved-key) on such a route unless it is a control message"""
    config = '[[route]]\npath = "/p/{room}"\nbehaviour = "broadcast"\npresence = true\n'
    with type(tg)(config=config) as server, server.connect("/p/x") as ws:
        for text in ('{"join":{"connectionId":"a"}}', '{"leave":"x"}', '{"connectionId":"zz","join":1}'):
            ws.text(text)
            ws.expect_error("reserved-key")


def test_control_messages_are_text_on_other_routes(tg):
    """On a broadcast route with rooms ... (elsewhere such a text is a message)"""
    room = fresh()
    with tg.connect(f"/plain/{room}") as one, tg.connect(f"/plain/{room}") as two:
        one.text('{"join":"x"}')
        equal(two.expect_text(), '{"join":"x"}')
