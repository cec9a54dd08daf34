"""WebSocket: Registration."""

from ..cases import served
from ..server import fresh
from ..websocket import CLOSE, close_payload
from ..wire import equal, eventually, true

REFUSE = """
[[route]]
path = "/refuse/{room}"
behaviour = "relay"
duplicate = "refuse"

[[route]]
path = "/replace/{room}"
behaviour = "relay"

[[route]]
path = "/chat/{room}"
behaviour = "broadcast"
"""


def test_the_first_accepted_message_registers(tg):
    """The first message that is accepted registers the connection under its connectionId, and is published."""
    room, name = fresh(), fresh("id")
    with tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}") as ws:
        equal(tg.connections(room), [])
        ws.text({"connectionId": name, "first": True})
        equal(stream.message(), {"connectionId": name, "first": True})
        equal(tg.get(f"/api/connections/{name}").ok().json()["room"], room)


def test_the_url_registers_at_the_handshake(tg):
    """The server then publishes {"connectionId":"<id>"} as if the client had sent it."""
    room, name = fresh(), fresh("id")
    with tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}?connectionId={name}"):
        equal(stream.next().data, f'{{"connectionId":"{name}"}}')


def test_a_name_from_the_url_is_decoded_and_escaped(tg):
    """Names are compared byte by byte, after JSON or percent escapes are decoded"""
    room = fresh()
    with tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}?connectionId=a%22b%5C+c%20%C3%A9/"):
        equal(stream.next().data, '{"connectionId":"a\\"b\\\\ c é/"}')


def test_the_owner_is_closed_with_4409(tg):
    """The owner is closed with 4409, and its close event is committed."""
    room, name = fresh(), fresh("id")
    with tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}?connectionId={name}") as owner:
        first = tg.get(f"/api/connections/{name}").json()["session"]
        with tg.connect(f"/ws/{room}") as newcomer:
            newcomer.text({"connectionId": name, "new": 1})
            owner.expect_end(4409, "replaced")
            equal(stream.message(), {"connectionId": name})
            closing = stream.closing()
            equal((closing["code"], closing["by"], closing["session"]), (4409, "server", first))
            equal(stream.message(), {"connectionId": name, "new": 1})
            newcomer.settled()


def test_the_server_does_not_wait_for_the_owners_answer(tg):
    """The server does not wait for the owner's answer."""
    room, name = fresh(), fresh("id")
    with tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}?connectionId={name}"):
        with tg.connect(f"/ws/{room}?connectionId={name}") as newcomer:
            # The owner reads nothing and answers nothing; the name changes hands all the same.
            newcomer.text({"connectionId": name, "n": 1})
            equal(stream.message(), {"connectionId": name})
            equal(stream.closing()["code"], 4409)
            equal(stream.messages(2), [{"connectionId": name}, {"connectionId": name, "n": 1}])


def test_one_owner_over_all_rooms(tg):
    """A connectionId has one owner at a time, over all rooms and routes."""
    name = fresh("id")
    with tg.connect(f"/ws/{fresh()}?connectionId={name}") as owner, tg.connect(f"/?connectionId={name}"):
        owner.expect_end(4409, "replaced")


def test_sessions_grow(tg):
    """Numbers are below 2^53 and grow: of two sessions the later has the greater number"""
    numbers = []
    for _ in range(3):
        name = fresh("id")
        with tg.connect(f"/?connectionId={name}"):
            numbers.append(tg.get(f"/api/connections/{name}").json()["session"])
    equal(numbers, sorted(set(numbers)))
    true(numbers[-1] < 2**53, "a number that JavaScript can hold")


def test_a_connection_keeps_its_name(tg):
    """A connection keeps its name to its end."""
    name = fresh("id")
    with tg.connect(f"/?connectionId={name}") as ws:
        ws.text({"connectionId": fresh("other")})
        ws.expect_error("wrong-connection-id")
        tg.get(f"/api/connections/{name}").ok()


def test_a_name_is_free_after_the_end(tg):
    """A connectionId has one owner at a time"""
    room, name = fresh(), fresh("id")
    with tg.events(f"?room={room}") as stream:
        for _ in range(2):
            tg.connect(f"/ws/{room}?connectionId={name}").close(1000)
            equal(stream.message(), {"connectionId": name})
            equal(stream.closing()["code"], 1000)


def test_a_replaced_owner_that_says_1000_is_still_4409(tg):
    """code: the code of the first close frame; by server: the server's did (come first)"""
    room, name = fresh(), fresh("id")
    with tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}?connectionId={name}") as owner:
        with tg.connect(f"/ws/{room}?connectionId={name}"):
            owner.expect_close(4409)
            owner.send(CLOSE, close_payload(1000))
            owner.conn.ended()
            stream.message()
            equal(stream.closing()["code"], 4409)


def test_a_uuid_of_the_server_cannot_be_taken(tg):
    """under a UUID that nobody can take from them (error connection-id-taken)"""
    room = fresh()
    with tg.connect(f"/chat/{room}") as member, tg.connect("/") as ws:
        name = tg.connections(room)[0]["connectionId"]
        ws.text({"connectionId": name})
        ws.expect_error("connection-id-taken")
        member.settled()


def test_a_uuid_in_the_url_gets_the_error_after_the_handshake(tg):
    """a relay that replaces accepts the handshake, and then sends the error"""
    room = fresh()
    with tg.connect(f"/chat/{room}"):
        name = tg.connections(room)[0]["connectionId"]
        with tg.connect(f"/?connectionId={name}") as ws:
            ws.expect_error("connection-id-taken")


@served(config=REFUSE)
def test_refuse_by_url(tg):
    """the newcomer is refused, with 409 if its URL has the name"""
    name = fresh("id")
    with tg.connect(f"/refuse/r?connectionId={name}") as owner:
        tg.upgrade(f"/refuse/r?connectionId={name}").problem(409, "connection-id-taken")
        owner.settled()


@served(config=REFUSE)
def test_refuse_by_message(tg):
    """and with the error connection-id-taken if its message has it"""
    room, name = fresh(), fresh("id")
    with tg.connect(f"/refuse/{room}?connectionId={name}") as owner, tg.connect(f"/refuse/{room}") as ws:
        ws.text({"connectionId": name})
        ws.expect_error("connection-id-taken")
        other = fresh("id")
        ws.text({"connectionId": other})
        ws.settled()
        tg.get(f"/api/connections/{other}").ok()
        owner.settled()


@served(config=REFUSE)
def test_the_newcomers_route_decides(tg):
    """The newcomer's route decides, not the owner's."""
    name = fresh("id")
    with tg.connect(f"/refuse/r?connectionId={name}") as owner, tg.connect(f"/replace/r?connectionId={name}"):
        owner.expect_end(4409)
        tg.upgrade(f"/refuse/r?connectionId={name}").problem(409, "connection-id-taken")


@served(config=REFUSE)
def test_a_uuid_is_refused_on_every_configured_route(tg):
    """A UUID of the server's making is refused in the same way on every configured route"""
    room = fresh()
    with tg.connect(f"/chat/{room}"):
        name = tg.connections(room)[0]["connectionId"]
        tg.upgrade(f"/refuse/r?connectionId={name}").problem(409, "connection-id-taken")


def test_the_last_of_several_that_wait_gets_the_name(tg):
    """Of several that wait for a name the last gets it; the others are closed with 4409."""
    room, name = fresh(), fresh("id")
    waiting = []
    try:
        for _ in range(5):
            waiting.append(tg.connect(f"/ws/{room}?connectionId={name}"))
        for ws in waiting[:-1]:
            ws.expect_end(4409)
        waiting[-1].settled()
        eventually(lambda: len(tg.connections(room)) == 1, "one owner")
    finally:
        for ws in waiting:
            ws.conn.close()
