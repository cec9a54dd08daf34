"""The API: payloads, connections, sending, closing, rooms and publishing, everyone, batches."""

import base64
from urllib.parse import quote

from ..cases import served
from ..http1 import head_of
from ..server import fresh
from ..websocket import BINARY
from ..wire import equal, eventually, true


def _published(tg, payload, room=None):
    """The raw event that a subscriber gets for this body of a request."""
    room = room or fresh()
    with tg.events(f"?room={room}") as stream:
        tg.post(f"/api/rooms/{room}/messages", payload).ok()
        return stream.next()


def test_the_bytes_of_an_answer(tg):
    """< {"id":"emo67ns-00000000009","subscribers":1,"members":3}"""
    room = fresh()
    with tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}"), tg.connect(f"/chat/{room}"):
        response = tg.post(f"/api/rooms/{room}/messages", {"json": {"temperature": "requested"}}).ok()
        equal(response.get("Content-Type"), "application/json")
        event = stream.next()
        equal(event.data, '{"temperature": "requested"}')
        equal(response.body.decode(), f'{{"id":"{event.id}","subscribers":1,"members":2}}')


def test_text_json_and_base64(tg):
    """text: these characters; json: the value, as it is written in the request; base64: a binary message"""
    room = fresh()
    with tg.connect(f"/chat/{room}") as ws:
        tg.post(f"/api/rooms/{room}/messages", '{"text":"\\u00e4\\n"}'.encode()).ok()
        equal(ws.expect_text(), "ä\n")
        tg.post(f"/api/rooms/{room}/messages", b'{"json": [1.50, {"b":1, "a":"\\u00e4"} ] }').ok()
        equal(ws.expect_text(), '[1.50, {"b":1, "a":"\\u00e4"} ]')
        tg.post(f"/api/rooms/{room}/messages", {"base64": base64.b64encode(b"\x00\xff").decode()}).ok()
        equal(ws.expect(BINARY), b"\x00\xff")


def test_exactly_one_payload(tg):
    """A message is given by exactly one of these members (else 400 bad-body)"""
    for body in ({}, {"text": "a", "json": 1}, {"text": 1}, {"base64": "no"}, {"base64": "YQ"}, [], {"text": "a", "x": 1}):
        tg.post("/api/messages", body).problem(400, "bad-body")


def test_not_json(tg):
    """400 not-json: the body of an API request is not JSON"""
    for body in (b"", b"{", b"{}x", b"\xff"):
        tg.post("/api/messages", body).problem(400, "not-json")


def test_the_media_type(tg):
    """415 unsupported-media-type: the body of an API request is not declared as application/json"""
    for kind in ("text/plain", "application/jsonx", ""):
        fields = {"Content-Type": kind} if kind else {}
        tg.ask("POST", "/api/messages", fields, b'{"text":"x"}').problem(415, "unsupported-media-type")
    tg.ask("POST", "/api/messages", {"Content-Type": "Application/JSON; charset=utf-8"}, b'{"text":"x"}').ok()


def test_a_chunked_body(tg):
    """A body needs Content-Type: application/json; it may be chunked"""
    fields = {"Content-Type": "application/json", "Transfer-Encoding": "chunked", "Connection": "close"}
    tg.raw(head_of("POST", "/api/messages", fields) + b'5\r\n{"tex\r\n7\r\nt":"x"}\r\n0\r\n\r\n').ok()


def test_how_subscribers_see_text(tg):
    """a JSON object as it is, on one line; other text as {"message":"<the text>"}"""
    equal(_published(tg, {"text": '{"a":\r\n1}'}).data, '{"a":  1}')
    equal(_published(tg, {"text": '{"connectionId":"anybody"}'}).data, '{"connectionId":"anybody"}')
    twice, deep = '{"connectionId":"a","connectionId":"a"}', '{"a":' * 129 + "1" + "}" * 129
    for text in ("x", "", "[1]", '{"close":1}', '{"connectionId":1}', twice, deep):
        equal(_published(tg, {"text": text}).json(), {"message": text})


def test_how_subscribers_see_binary(tg):
    """binary as event: binary with {"base64":"<payload>"}"""
    event = _published(tg, {"base64": "AP8="})
    equal((event.name, event.data), ("binary", '{"base64":"AP8="}'))


def test_messages_go_to_main(tg):
    """POST /api/messages: the same to main"""
    with tg.events("?room=main") as stream:
        text = fresh("text")
        answer = tg.post("/api/messages", {"text": text}).ok().json()
        while stream.next().json() != {"message": text}:
            pass  # other tests publish to main, too
        equal(stream.last, answer["id"])


def test_a_message_that_is_too_large(tg):
    """413 message-too-large: a message of the API is longer than --max-message"""
    tg.post("/api/messages", {"text": "x" * 65536}).ok()
    tg.post("/api/messages", {"text": "x" * 65537}).problem(413, "message-too-large")


def test_names_that_no_room_can_have(tg):
    """A name that no room can have, and *, are 400 bad-room."""
    for room in ("*", "x" * 129, "%01"):
        tg.post(f"/api/rooms/{room}/messages", {"text": "x"}).problem(400, "bad-room")


def test_except(tg):
    """"except":["<connectionId>",…] leaves these connections out; they are counted in members all the same"""
    room, one, two = fresh(), fresh("id"), fresh("id")
    with tg.connect(f"/ws/{room}?connectionId={one}") as out, tg.connect(f"/ws/{room}?connectionId={two}") as other:
        answer = tg.post(f"/api/rooms/{room}/messages", {"text": "x", "except": [one]}).ok().json()
        equal(answer["members"], 2)
        equal(other.expect_text(), "x")
        out.settled()
    tg.post(f"/api/rooms/{room}/messages", {"text": "x", "except": ["a\n"]}).problem(400, "bad-body")
    tg.post(f"/api/rooms/{room}/messages", {"text": "x", "except": ["a"] * 33}).problem(400)


def test_a_connection(tg):
    """{"connectionId","session","route","room","rooms","connectedAt","lastSeenAt"}"""
    room, name = fresh(), fresh("sensor")
    with tg.connect(f"/ws/{room}?connectionId={name}"):
        response = tg.get(f"/api/connections/{name}").ok()
        one = response.json()
        equal(list(one), ["connectionId", "session", "route", "room", "rooms", "connectedAt", "lastSeenAt"])
        equal((one["connectionId"], one["route"], one["room"], one["rooms"]), (name, "/ws/{room}", room, [room]))
        true(one["connectedAt"] <= one["lastSeenAt"], "seen after it came")
        true(" " not in response.body.decode(), "compact")


def test_a_connection_without_a_room(tg):
    """room is the home room, or null on a route without one"""
    with tg.connect("/echo"):
        echoes = [one for one in tg.get("/api/connections?limit=1000").json()["connections"] if one["route"] == "/echo"]
        equal([(one["room"], one["rooms"]) for one in echoes][:1], [(None, [])])


def test_no_such_connection(tg):
    """404 no-such-connection: nobody has the name. A name that nobody can have is a 404, too."""
    for name in ("nobody", "%01", "x" * 129):
        tg.get(f"/api/connections/{name}").problem(404, "no-such-connection")
        tg.post(f"/api/connections/{name}", {"text": "x"}).problem(404, "no-such-connection")
        tg.ask("DELETE", f"/api/connections/{name}").problem(404, "no-such-connection")


def test_connections_without_a_name(tg):
    """Connections without a name cannot be addressed and are not listed."""
    room = fresh()
    with tg.connect(f"/ws/{room}") as ws:
        ws.settled()
        equal(tg.connections(room), [])
        equal(tg.get(f"/api/rooms/{room}").json()["connections"], 1)


def test_pages_of_connections(tg):
    """limit, room and prefix choose; after=<token> continues; next is null on the last page"""
    room, prefix = fresh(), fresh("p")
    sockets = [tg.connect(f"/ws/{room}?connectionId={prefix}-{number}") for number in range(5)]
    try:
        names, after = [], ""
        while True:
            page = tg.get(f"/api/connections?room={room}&prefix={prefix}&limit=2{after}").ok().json()
            equal(list(page), ["connections", "next"])
            true(len(page["connections"]) <= 2, "at most as many as the limit")
            names += [one["connectionId"] for one in page["connections"]]
            if page["next"] is None:
                break
            after = "&after=" + quote(page["next"], safe="")
        equal(sorted(names), [f"{prefix}-{number}" for number in range(5)])
        equal(tg.get(f"/api/connections?room={room}&prefix=other").json(), {"connections": [], "next": None})
    finally:
        for ws in sockets:
            ws.conn.close()


def test_bad_parameters_of_lists(tg):
    """limit (1 to 1000, default 100): else 400 bad-parameter"""
    for query in ("limit=0", "limit=1001", "limit=x", "after=nonsense"):
        for path in ("connections", "rooms"):
            tg.get(f"/api/{path}?{query}").problem(400, "bad-parameter")
    tg.get("/api/connections?_x=1").ok()


def test_send(tg):
    """202 {"queued":1}: a message to this connection alone"""
    room, name = fresh(), fresh("id")
    with tg.connect(f"/ws/{room}?connectionId={name}") as ws, tg.connect(f"/ws/{room}") as other:
        response = tg.post(f"/api/connections/{name}", {"base64": "AQI="}).ok(202)
        equal(response.body, b'{"queued":1}')
        equal(ws.expect(BINARY), b"\x01\x02")
        other.settled()


def test_send_with_session(tg):
    """session: then only that registration is meant, and another one under the same name is a 404"""
    name = fresh("id")
    with tg.connect(f"/?connectionId={name}") as ws:
        session = tg.get(f"/api/connections/{name}").json()["session"]
        tg.post(f"/api/connections/{name}", {"text": "a", "session": session}).ok(202)
        tg.post(f"/api/connections/{name}", {"text": "b", "session": session + 1}).problem(404, "no-such-connection")
        tg.post(f"/api/connections/{name}", {"text": "b", "session": "1"}).problem(400, "bad-body")
        equal(ws.expect_text(), "a")
        tg.ask("DELETE", f"/api/connections/{name}?session={session - 1}").problem(404, "no-such-connection")
        tg.ask("DELETE", f"/api/connections/{name}?session=x").problem(400, "bad-parameter")
        ws.settled()
        tg.ask("DELETE", f"/api/connections/{name}?session={session}").ok(204)


def test_close(tg):
    """204: the close frame waits to be written; default 1000"""
    name = fresh("id")
    with tg.connect(f"/?connectionId={name}") as ws:
        response = tg.ask("DELETE", f"/api/connections/{name}").ok(204)
        equal(response.every("Content-Length"), [])
        ws.expect_end(1000, "")


def test_close_with_bad_parameters(tg):
    """code (1000 to 1003, 1007 to 1014, 3000 to 4999) and reason (up to 123 bytes)"""
    name = fresh("id")
    with tg.connect(f"/?connectionId={name}") as ws:
        codes = [f"code={code}" for code in (999, 1004, 1005, 1015, 2999, 5000, "x")]
        for query in [*codes, "reason=" + "x" * 124]:
            tg.ask("DELETE", f"/api/connections/{name}?{query}").problem(400, "bad-parameter")
        tg.ask("DELETE", f"/api/connections/{name}?x=1").problem(400, "unknown-parameter")
        ws.settled()
        tg.ask("DELETE", f"/api/connections/{name}?code=1014&reason=" + "%C3%A4" * 61).ok(204)
        ws.expect_end(1014, "ä" * 61)


def test_a_room(tg):
    """{"room":"lab","connections":4,"members":3,"subscribers":1,"events":17,"bytes":4096}"""
    room = fresh()
    with tg.connect(f"/ws/{room}"), tg.connect(f"/chat/{room}"), tg.events(f"?room={room}"), tg.events():
        with tg.events(f"?room={room}&connectionId=x"):
            tg.publish(room, "x")
            one = tg.get(f"/api/rooms/{room}").ok().json()
    equal(list(one), ["room", "connections", "members", "subscribers", "events", "bytes"])
    equal((one["room"], one["connections"], one["members"], one["events"]), (room, 2, 1, 1))
    # The stream without a filter receives the room's events, too; other tests may have some of that kind.
    true(one["subscribers"] >= 2 and one["bytes"] > 0, f"subscribers and bytes: {one}")


def test_no_such_room(tg):
    """A room that does not exist is a 404 no-such-room."""
    tg.get("/api/rooms/nowhere").problem(404, "no-such-room")


def test_pages_of_rooms(tg):
    """GET /api/rooms takes limit, prefix and after, and answers {"rooms":[…],"next":…}"""
    prefix = fresh("many")
    for number in range(5):
        tg.publish(f"{prefix}-{number}", "x")
    rooms, after = [], ""
    while after is not None:
        page = tg.get(f"/api/rooms?prefix={prefix}&limit=2{after}").ok().json()
        rooms += [room["room"] for room in page["rooms"]]
        after = page["next"] and "&after=" + quote(page["next"], safe="")
    equal(sorted(rooms), [f"{prefix}-{number}" for number in range(5)])


@served("--max-rooms", "1")
def test_too_many_rooms(tg):
    """The room is made if it does not exist (503 too-many-rooms if it cannot be)"""
    tg.publish("one", "x")
    equal(tg.post("/api/rooms/two/messages", {"text": "x"}).problem(503, "too-many-rooms").get("Retry-After"), "2")


@served("--log-age", "24h")
def test_everyone(tg):
    """"to":"all" is one event of the room *; to every WebSocket, once, to streams without a filter and room=*"""
    with tg.connect("/ws/a") as one, tg.connect("/echo") as two, tg.connect("/chat/b") as three:
        with tg.events() as free, tg.events("?room=*&format=full") as star, tg.events("?room=a") as other:
            answer = tg.post("/api/messages", {"to": "all", "text": "all"}).ok().json()
            equal((answer["subscribers"], answer["members"]), (2, 3))
            for ws in (one, two, three):
                equal(ws.expect_text(), "all")
                ws.settled()
            equal(free.message(), {"message": "all"})
            equal(star.message()["room"], "*")
            tg.publish("a", "x")
            equal(other.message(), {"message": "x"})


def test_to_something_else(tg):
    """POST /api/messages: with "to":"all" to everyone (another value is 400 bad-body)"""
    tg.post("/api/messages", {"to": "some", "text": "x"}).problem(400, "bad-body")


def test_a_batch(tg):
    """200 with one result for each, in their order: what the single request would have been answered, with its status"""
    room, name = fresh(), fresh("id")
    with tg.connect(f"/ws/{room}?connectionId={name}") as ws:
        messages = [{"room": room, "text": "a"}, {"connectionId": name, "text": "b"}, {"connectionId": "nobody", "text": "c"}]
        results = tg.post("/api/batch", {"messages": messages}).ok().json()["results"]
        equal([result["status"] for result in results], [200, 202, 404])
        equal((results[1].get("queued"), results[2]["code"]), (1, "no-such-connection"))
        true("detail" in results[2] and "id" in results[0], "members of results")
        equal(sorted(ws.expect_text() for _ in range(2)), ["a", "b"])


def test_a_batch_of_bad_form(tg):
    """If the form of any of them is wrong, the batch is refused (400 or 413, detail names it) and nothing is done."""
    room = fresh()
    good = {"room": room, "text": "a"}
    for bad in (
        {"text": "x"},
        {"room": room},
        {"room": room, "to": "all", "text": "x"},
        {"room": "*", "text": "x"},
        {"room": room, "session": 1, "text": "x"},
        7,
    ):
        tg.post("/api/batch", {"messages": [good, bad]}).problem(400)
    tg.post("/api/batch", {"messages": [good, {"room": room, "text": "x" * 65537}]}).problem(413, "message-too-large")
    tg.post("/api/batch", {"messages": [good] * 101}).problem(400, "bad-body")
    tg.get(f"/api/rooms/{room}").problem(404)


def test_the_order_of_a_batch(tg):
    """Messages to one room are committed in their order, and those to one connection are queued in it."""
    room, name = fresh(), fresh("id")
    with tg.connect(f"/chat/{room}") as member, tg.connect(f"/?connectionId={name}") as ws:
        messages = []
        for number in range(50):
            messages += [{"room": room, "text": str(number)}, {"connectionId": name, "text": str(number)}]
        tg.post("/api/batch", {"messages": messages}).ok()
        expected = [str(number) for number in range(50)]
        equal([member.expect_text() for _ in expected], expected)
        equal([ws.expect_text() for _ in expected], expected)


def test_descriptions(tg):
    """OpenAPI 3.1 of this listener, AsyncAPI 3.0 of messages and events with the built-in routes"""
    true(tg.get("/openapi.json").ok().json()["openapi"].startswith("3.1"), "OpenAPI 3.1")
    true(tg.get("/asyncapi.json").ok().json()["asyncapi"].startswith("3.0"), "AsyncAPI 3.0")


def test_a_room_goes_when_nobody_needs_it(tg):
    """A room exists while a WebSocket is in it, a subscriber names it, or the log holds events of it"""
    room = fresh()
    tg.connect(f"/ws/{room}").close()
    eventually(lambda: tg.get(f"/api/rooms/{room}").status == 404, "the end of the room")
