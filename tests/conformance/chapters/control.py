"""WebSocket: Control frames and closing."""

import struct

from ..cases import served
from ..server import fresh
from ..websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_payload, frame
from ..wire import equal, true


def _broken(tg, code: int, *frames: bytes) -> None:
    """These bytes get a close frame with this code, and the server does not wait for an answer."""
    with tg.connect("/echo") as ws:
        ws.conn.send(b"".join(frames))
        ws.expect_close(code)
        ws.conn.ended()


def test_pings_are_answered_with_the_same_payload(tg):
    """Pings are answered with a pong of the same payload."""
    with tg.connect("/") as ws:
        for payload in (b"", b"x", bytes(range(125))):
            ws.send(PING, payload)
            equal(ws.expect(PONG), payload)


def test_a_ping_between_fragments(tg):
    """Pings are answered (also between the fragments of a message, RFC 6455 section 5.4)"""
    with tg.connect("/echo") as ws:
        ws.send(TEXT, b"a", fin=False)
        ws.settled()
        ws.send(CONTINUATION, b"b")
        equal(ws.expect_text(), "ab")


def test_pongs_without_a_ping_are_ignored(tg):
    """RFC 6455 section 5.5.3: a Pong frame MAY be sent unsolicited; a response is not expected"""
    with tg.connect("/") as ws:
        ws.send(PONG, b"x")
        ws.settled()


def test_frames_byte_for_byte(tg):
    """The server sends each message in one frame, unmasked."""
    with tg.connect("/echo") as ws:
        for size, head in ((0, b"\x82\x00"), (125, b"\x82\x7d"), (126, b"\x82\x7e\x00\x7e"), (65535, b"\x82\x7e\xff\xff")):
            ws.binary(b"x" * size)
            equal(ws.conn.exactly(len(head) + size), head + b"x" * size)
        ws.binary(b"x" * 65536)
        equal(ws.conn.exactly(10), b"\x82\x7f" + struct.pack("!Q", 65536))


def test_a_close_frame_is_answered_with_the_same_code(tg):
    """It answers a client's close frame with one of the same code and no reason"""
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999):
        with tg.connect("/") as ws:
            ws.send(CLOSE, close_payload(code, "some reason"))
            equal(ws.conn.rest(), b"\x88\x02" + struct.pack("!H", code))


def test_an_empty_close_frame(tg):
    """(an empty one if it was empty) and then closes"""
    with tg.connect("/") as ws:
        ws.send(CLOSE)
        equal(ws.conn.rest(), b"\x88\x00")


def test_input_behind_a_close_frame_is_ignored(tg):
    """It answers a client's close frame ... and then closes."""
    with tg.connect("/echo") as ws:
        ws.conn.send(frame(CLOSE, close_payload(1000)) + frame(TEXT, b"late"))
        equal(ws.conn.rest(), b"\x88\x02\x03\xe8")


def test_when_it_closes_first_it_ignores_everything_else(tg):
    """When it closes first, it waits for the client's close frame and ignores everything else"""
    room, name = fresh(), fresh("id")
    with tg.connect(f"/ws/{room}?connectionId={name}") as ws, tg.events(f"?room={room}") as stream:
        tg.ask("DELETE", f"/api/connections/{name}").ok(204)
        ws.expect_close(1000)
        ws.text({"connectionId": name, "late": 1})
        ws.send(PING, b"late")
        ws.send(CLOSE, close_payload(1000))
        ws.conn.ended()
        equal(stream.closing()["by"], "server")


def test_reserved_bits(tg):
    """1002: reserved bits (RSV1 where no compressed message begins)"""
    for rsv in (1, 2, 4):
        _broken(tg, 1002, frame(TEXT, b"x", rsv=rsv))


def test_unknown_opcodes(tg):
    """1002: unknown opcode"""
    for opcode in (3, 7, 11, 15):
        _broken(tg, 1002, frame(opcode, b"x"))


def test_no_mask(tg):
    """1002: no mask"""
    _broken(tg, 1002, frame(TEXT, b"x", masked=False))


def test_bad_fragmentation(tg):
    """1002: bad fragmentation"""
    _broken(tg, 1002, frame(CONTINUATION, b"x"))
    _broken(tg, 1002, frame(TEXT, b"x", fin=False), frame(TEXT, b"y"))
    _broken(tg, 1002, frame(PING, b"x", fin=False))


def test_long_control_frames(tg):
    """1002: control frame over 125 bytes"""
    _broken(tg, 1002, frame(PING, b"x" * 126))
    _broken(tg, 1002, frame(CLOSE, close_payload(1000, "x" * 124)))


def test_lengths_that_are_not_minimal(tg):
    """1002: length not minimal"""
    _broken(tg, 1002, frame(TEXT, b"x", wide=2))
    _broken(tg, 1002, frame(TEXT, b"x" * 200, wide=8))


def test_a_length_of_more_than_63_bits(tg):
    """1002 or 1009: a frame breaks RFC 6455 (the most significant bit of a length must be 0)"""
    _broken(tg, 1002, b"\x81\xff" + b"\xff" * 8 + b"mask")


def test_close_codes_that_must_not_be_sent(tg):
    """1002: close code that must not be sent"""
    for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535):
        _broken(tg, 1002, frame(CLOSE, close_payload(code)))
    _broken(tg, 1002, frame(CLOSE, b"\x03"))


def test_text_that_is_not_utf_8(tg):
    """1007: text, or a close reason, is not UTF-8"""
    for text in (b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"ab\xe2\x82"):
        _broken(tg, 1007, frame(TEXT, text))


def test_a_reason_that_is_not_utf_8(tg):
    """1007: text, or a close reason, is not UTF-8"""
    _broken(tg, 1007, frame(CLOSE, b"\x03\xe8\xff"))


def test_utf_8_across_fragments(tg):
    """1007: text is not UTF-8 (a message's, not a fragment's)"""
    with tg.connect("/echo") as ws:
        for index, byte in enumerate("€".encode()):
            ws.send(TEXT if index == 0 else CONTINUATION, bytes([byte]), fin=index == 2)
        equal(ws.expect_text(), "€")
    _broken(tg, 1007, frame(TEXT, b"\xe2", fin=False), frame(CONTINUATION, b"x"))


def test_1009_is_decided_at_the_frames_header(tg):
    """1009: a message is over 64 KiB; decided at the frame's header"""
    _broken(tg, 1009, frame(BINARY, b"x" * 65537)[:14])
    _broken(tg, 1009, frame(BINARY, b"x" * 65536, fin=False), frame(CONTINUATION, b"y")[:6])


def test_empty_fragments_count(tg):
    """1009: or over 128 frames, empty ones counted"""
    frames = [frame(TEXT, b"", fin=False)] + [frame(CONTINUATION, b"", fin=False)] * 127
    _broken(tg, 1009, *frames, frame(CONTINUATION, b""))
    with tg.connect("/echo") as ws:
        ws.conn.send(b"".join(frames[:-1]) + frame(CONTINUATION, b"!"))
        equal(ws.expect_text(), "!")


def test_a_broken_rule_is_told_with_a_reason(tg):
    """1002: reason given: which rule; reasons are at most 123 bytes"""
    with tg.connect("/") as ws:
        ws.send(TEXT, b"x", masked=False)
        reason = ws.expect_close(1002)
        true(0 < len(reason.encode()) <= 123, "a reason of 1 to 123 bytes")


def test_messages_before_a_broken_rule_count(tg):
    """a message counts once it is committed (what came before the broken frame was read before it)"""
    room, name = fresh(), fresh("id")
    with tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}?connectionId={name}") as ws:
        ws.conn.send(frame(TEXT, f'{{"connectionId":"{name}","n":1}}'.encode()) + frame(3, b""))
        ws.expect_close(1002)
        equal(stream.messages(2)[1]["n"], 1)
        closing = stream.closing()
        equal((closing["code"], closing["by"]), (1002, "server"))


@served("--ping-interval", "1s", "--ping-timeout", "1s")
def test_silence_is_answered_with_an_empty_ping(tg):
    """A WebSocket from which nothing came for 25 s is sent an empty ping"""
    with tg.connect("/") as ws:
        equal(ws.expect(PING), b"")
        ws.send(PONG)
        equal(ws.expect(PING), b"")


@served("--ping-interval", "1s", "--ping-timeout", "1s")
def test_a_dead_peer_is_closed_without_a_close_frame(tg):
    """if 10 s later still nothing came, it is dead: the TCP connection is closed without a close frame"""
    room, name = fresh(), fresh("dead")
    with tg.events(f"?room={room}") as stream, tg.connect(f"/ws/{room}?connectionId={name}") as ws:
        equal(ws.expect(PING), b"")
        ws.conn.ended("a dead connection")
        stream.message()
        closing = stream.closing()
        equal((closing["code"], closing["by"]), (1006, "timeout"))


@served("--closing-time", "500ms")
def test_it_does_not_wait_for_ever_for_a_close_frame(tg):
    """When it closes first, it waits up to 5 s for the client's close frame"""
    name = fresh("id")
    with tg.connect(f"/?connectionId={name}") as ws:
        tg.ask("DELETE", f"/api/connections/{name}").ok(204)
        ws.expect_close(1000)
        ws.conn.ended()


@served("--message-time", "500ms")
def test_a_message_that_takes_too_long(tg):
    """1008: one message took over 30 s"""
    with tg.connect("/echo") as ws:
        ws.send(TEXT, b"x", fin=False)
        ws.expect_close(1008)
