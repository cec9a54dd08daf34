"""WebSocket: Refused messages."""

from ..cases import served
from ..server import fresh
from ..websocket import CLOSE, close_payload
from ..wire import equal


def _refused(tg, code: str, *texts: str, registered: bool = False):
    """Each text is refused with the code, and the connection lives on."""
    name = fresh("refused")
    with tg.connect(f"/ws/{fresh()}" + (f"?connectionId={name}" if registered else "")) as ws:
        for text in texts:
            ws.text(text.replace("NAME", name))
            ws.expect_error(code)
        ws.text({"connectionId": name})
        ws.settled()


def test_the_bytes_of_an_error(tg):
    """< {"error":{"code":"not-registered","message":"..."}}"""
    with tg.connect("/") as ws:
        ws.text('{"temperature":21}')
        text = ws.expect_text()
        equal(text[: len('{"error":{"code":"not-registered","message":"')], '{"error":{"code":"not-registered","message":"')
        equal(text[-3:], '"}}')


def test_not_json(tg):
    """not-json: is not JSON (an empty message, a byte order mark, text behind the object)"""
    _refused(tg, "not-json", "", "\ufeff{}", '{"connectionId":"a"} x', "{", '{"a":01}', "{'a':1}", '{"a":"\t"}', "nul", "{,}")


def test_not_an_object(tg):
    """not-an-object: begins as a JSON value of another kind"""
    _refused(tg, "not-an-object", "[1]", '"x"', "7", "true", "null", "[", '"open')


def test_too_deep(tg):
    """too-deep: has more than 128 levels"""
    _refused(tg, "too-deep", '{"connectionId":"NAME","deep":' + "[" * 128 + "]" * 128 + "}")


def test_duplicate_key(tg):
    """duplicate-key: has a second top-level connectionId"""
    _refused(tg, "duplicate-key", '{"connectionId":"NAME","connectionId":"NAME"}')
    _refused(tg, "duplicate-key", '{"connectionId":"NAME","c\\u006fnnectionId":1}')


def test_reserved_key(tg):
    """reserved-key: has a top-level close"""
    _refused(tg, "reserved-key", '{"connectionId":"NAME","close":1}', '{"\\u0063lose":null}')


def test_not_registered(tg):
    """not-registered: has no connectionId, or is binary, and the connection is not registered"""
    _refused(tg, "not-registered", "{}", '{"a":1}', '{"ConnectionId":"x"}')
    with tg.connect("/") as ws:
        ws.binary(b"x")
        ws.expect_error("not-registered")


def test_bad_connection_id(tg):
    """bad-connection-id: has a connectionId that is not a string or not valid"""
    texts = [f'{{"connectionId":{value}}}' for value in ("7", "null", "[]", '""', '"\\u0000"', '"a\\u009f"', f'"{"x" * 129}"')]
    _refused(tg, "bad-connection-id", *texts)


def test_none_although_registered(tg):
    """bad-connection-id: or none although the connection is registered"""
    _refused(tg, "bad-connection-id", "{}", registered=True)


def test_wrong_connection_id(tg):
    """wrong-connection-id: has another connectionId than the connection"""
    _refused(tg, "wrong-connection-id", '{"connectionId":"another"}', registered=True)


def test_a_refused_message_does_not_register(tg):
    """A relay message that breaks a rule is not published."""
    room, name = fresh(), fresh("late")
    with tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}") as ws:
        ws.text({"connectionId": name, "close": 1})
        ws.expect_error("reserved-key")
        equal(tg.get(f"/api/connections/{name}").status, 404)
        ws.text({"connectionId": name, "n": 2})
        equal(stream.message(), {"connectionId": name, "n": 2})


def test_the_first_in_reading_order_is_told(tg):
    """If several apply, the first in reading order is told: the text is read once, from front to back"""
    for text, code in (
        ('{"close":1,"connectionId":7}', "reserved-key"),
        ('{"close":1,', "reserved-key"),
        ('{"connectionId":"a","connectionId":"a","close":1}', "duplicate-key"),
        ("[" * 129, "not-an-object"),
    ):
        _refused(tg, code, text)


def test_the_name_is_looked_at_last(tg):
    """the text is read once, from front to back, and then the name is looked at"""
    _refused(tg, "not-json", '{"connectionId":"another"', registered=True)
    _refused(tg, "reserved-key", '{"connectionId":"another","close":1}', registered=True)


def test_the_16th_refusal_in_a_row_closes(tg):
    """The 16th refusal in a row is told too, and then the connection is closed with 1008."""
    with tg.connect("/") as ws:
        for _ in range(16):
            ws.text("x")
        for _ in range(16):
            ws.expect_error("not-json")
        ws.expect_end(1008)


def test_an_accepted_message_ends_the_row(tg):
    """an accepted message ends the row"""
    name = fresh("id")
    with tg.connect("/") as ws:
        for _ in range(2):
            for _ in range(15):
                ws.text("x")
                ws.expect_error("not-json")
            ws.text({"connectionId": name})
        ws.settled()


@served("--max-refusals", "2")
def test_max_refusals(tg):
    """--max-refusals: refused messages in a row: 1008"""
    with tg.connect("/") as ws:
        ws.text("x")
        ws.text("x")
        ws.expect_error("not-json")
        ws.expect_error("not-json")
        ws.expect_close(1008)
        ws.send(CLOSE, close_payload(1008))
        ws.conn.ended()
