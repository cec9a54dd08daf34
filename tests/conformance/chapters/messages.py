"""WebSocket: Messages, as subscribers and members see them."""

import base64
import json

from ..server import fresh
from ..websocket import BINARY, TEXT
from ..wire import equal


def _relayed(tg, *texts, name=None):
    """What a subscriber's data lines are for these texts of a client."""
    room, name = fresh(), name or fresh("id")
    with tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}?connectionId={name}") as ws:
        stream.message()  # that of the registration
        for text in texts:
            ws.text(text.replace("NAME", name))
        return [stream.next().data.replace(name, "NAME") for _ in texts]


def test_relay_text_is_published_as_it_was_sent(tg):
    """What is published is the text as it was sent. White space, key order and number spelling stay."""
    texts = [
        '{"b":1.50e+01, "a" : [ 1,2 ] ,"connectionId":"NAME"}',
        ' \t{"connectionId":"NAME"} ',
        '{"\\u0061":"\\u00e4\\/","connectionId":"NAME","x":-0,"ä":"€😀"}',
    ]
    equal(_relayed(tg, *texts), texts)


def test_cr_and_lf_become_spaces(tg):
    """except that CR and LF (legal only between tokens) become spaces"""
    equal(_relayed(tg, '{"connectionId":\r\n"NAME",\n"a":\t1}\n'), ['{"connectionId":  "NAME", "a":\t1} '])


def test_other_keys_may_repeat(tg):
    """other keys may repeat, and numbers and escapes need only be grammatical"""
    texts = ['{"connectionId":"NAME","a":1,"a":2}', '{"connectionId":"NAME","n":1e999999,"s":"\\ud800"}']
    equal(_relayed(tg, *texts), texts)


def test_keys_inside_of_values_do_not_count(tg):
    """exactly one top-level connectionId; it must not have a top-level close"""
    texts = ['{"connectionId":"NAME","o":{"connectionId":"other","close":1}}', '{"connectionId":"NAME","Close":1}']
    equal(_relayed(tg, *texts), texts)


def test_keys_are_compared_after_escapes(tg):
    """Keys are compared after their escapes are decoded."""
    text = '{"\\u0063onnectionId":"NAME"}'
    equal(_relayed(tg, text), [text])


def test_names_are_compared_after_escapes(tg):
    """Names are compared byte by byte, after JSON or percent escapes are decoded; nothing is normalised."""
    room, name = fresh(), fresh("é")
    with tg.connect(f"/ws/{room}") as ws:
        ws.text({"connectionId": name})
        ws.text('{"connectionId":"' + name.replace("é", "\\u00e9") + '","same":1}')
        ws.settled()
        ws.text({"connectionId": name.replace("é", "e\u0301")})
        ws.expect_error("wrong-connection-id")


def test_128_levels_are_allowed(tg):
    """The message must be one JSON object, of at most 128 levels"""
    text = '{"connectionId":"NAME","deep":' + "[" * 127 + "]" * 127 + "}"
    equal(_relayed(tg, text), [text])


def test_relay_binary(tg):
    """Subscribers see {"connectionId":"<id>","base64":"<payload>"} (RFC 4648 §4, with padding)."""
    room, name = fresh(), fresh("bin")
    with tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}?connectionId={name}") as ws:
        stream.message()
        for payload in (b"", b"\x00\xff\xfe~", b"ab"):
            ws.binary(payload)
            event = stream.next()
            text = base64.b64encode(payload).decode()
            equal((event.name, event.data), ("binary", f'{{"connectionId":"{name}","base64":"{text}"}}'))


def test_relay_clients_receive_only_errors(tg):
    """The client receives: errors (a relay sends nothing back for what is accepted)"""
    room = fresh()
    with tg.connect(f"/ws/{room}?connectionId={fresh('a')}") as one, tg.connect(f"/ws/{room}") as two:
        two.text({"connectionId": fresh("b")})
        two.settled()
        one.settled()


def _broadcast(tg, text: str):
    """What another member, and a subscriber, get for this text."""
    room = fresh()
    with tg.events(f"?room={room}") as stream, tg.connect(f"/chat/{room}") as other, tg.connect(f"/chat/{room}") as ws:
        name = [c["connectionId"] for c in tg.connections(room)]
        ws.text(text)
        equal(other.expect_text(), text, "what a member receives")
        data = stream.next().data
    equal(len(name), 2, "connections of the room")
    for one in name:
        data = data.replace(one, "NAME")
    return data


def test_broadcast_objects_are_seen_as_they_are(tg):
    """a JSON object that obeys the rules of relay text, with no connectionId: the object, CR and LF as spaces"""
    equal(_broadcast(tg, '{"a":1,\r\n "b":[]}'), '{"a":1,   "b":[]}')


def test_broadcast_text_that_is_no_object_is_wrapped(tg):
    """anything else: {"connectionId":"<id>","message":"<the text>"}"""
    for text in ("", "hello", "[1]", "7", '{"a":', "\ufeff{}", "{} {}"):
        equal(_broadcast(tg, text), '{"connectionId":"NAME","message":' + json.dumps(text, ensure_ascii=False) + "}")


def test_broadcast_objects_that_break_a_rule_are_wrapped(tg):
    """too deep, with a close, a second or foreign connectionId: wrapped"""
    for text in (
        '{"close":1}',
        '{"connectionId":"somebody"}',
        '{"connectionId":7}',
        '{"connectionId":"NAME","connectionId":"NAME"}',
        '{"cl\\u006fse":1}',
        '{"a":' * 129 + "1" + "}" * 129,
    ):
        equal(json.loads(_broadcast(tg, text)), {"connectionId": "NAME", "message": text})


def test_the_senders_own_connection_id_is_allowed(tg):
    """with no connectionId or the sender's own: the object"""
    room = fresh()
    with tg.events(f"?room={room}") as stream, tg.connect(f"/chat/{room}") as ws:
        text = f'{{"connectionId":"{tg.connections(room)[0]["connectionId"]}","x":1}}'
        ws.text(text)
        equal(stream.next().data, text)


def test_escapes_that_the_server_writes(tg):
    """In strings that the server writes, ", \\ and the controls below U+0020 are escaped (\\n \\r \\t else \\u00xx)"""
    data = _broadcast(tg, 'a"\\/\n\r\t\b\f\x01\x1f\x7f\u0085é😀\u2028')
    equal(
        data,
        '{"connectionId":"NAME","message":"a\\"\\\\/\\n\\r\\t\\u0008\\u000c\\u0001\\u001f\x7f\u0085é😀\u2028"}',
    )


def test_members_receive_text_as_text_and_binary_as_binary(tg):
    """Members receive the payload as it was sent, text as text and binary as binary, in one frame."""
    room = fresh()
    with tg.connect(f"/chat/{room}") as one, tg.connect(f"/chat/{room}") as two, tg.events(f"?room={room}") as stream:
        one.binary(b"\x00\xff")
        equal(two.expect(BINARY), b"\x00\xff")
        equal(stream.next().name, "binary")
        one.binary(b"")
        equal(two.expect(BINARY), b"")
        for part, last in ((b"ab", False), (b"", False), (b"c", True)):
            one.send(TEXT if part == b"ab" else 0, part, fin=last)
        equal(two.expect(TEXT), b"abc")


def test_a_sender_does_not_receive_its_own(tg):
    """goes to the room's other members and to its subscribers"""
    room = fresh()
    with tg.connect(f"/chat/{room}") as one, tg.connect(f"/chat/{room}") as two:
        one.text("mine")
        equal(two.expect_text(), "mine")
        two.text("yours")
        equal(one.expect_text(), "yours")


def test_with_echo_the_sender_receives_too(tg):
    """with echo=true to the sender too"""
    room = fresh()
    with tg.connect(f"/chat/{room}?echo=true") as one, tg.connect(f"/chat/{room}?echo") as two:
        one.text("to all")
        equal((one.expect_text(), two.expect_text()), ("to all", "to all"))


def test_echo_comes_back_in_one_frame(tg):
    """On /echo, text comes back as text and binary as binary, in one frame."""
    with tg.connect("/echo") as ws:
        ws.send(TEXT, "häl".encode(), fin=False)
        ws.send(0, b"lo")
        equal(ws.expect(TEXT).decode(), "hällo")
        for payload in (b"", bytes(range(256)), b"x" * 65536):
            ws.binary(payload)
            equal(ws.expect(BINARY), payload)


def test_echo_is_not_published(tg):
    """/echo: comes back; is not published"""
    room = fresh()
    with tg.events() as stream, tg.connect("/echo") as ws:
        ws.text("lost")
        ws.expect_text()
        ws.close()
        tg.publish(room, "marker")
        while (message := stream.next().json()) != {"message": "marker"}:
            # Other tests of this chapter use the same server.
            equal("lost" in json.dumps(message), False, "an echo was published")
