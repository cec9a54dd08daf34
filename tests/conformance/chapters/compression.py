"""WebSocket: Compression."""

import os
import zlib

from ..cases import served
from ..server import fresh
from ..websocket import BINARY, CONTINUATION, TEXT
from ..wire import equal, true

SERVER = (("--compression",), {})
TAIL = b"\x00\x00\xff\xff"
AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


def deflate(payload: bytes, bits: int = 15) -> bytes:
    packer = zlib.compressobj(wbits=-bits)
    return (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


def inflate(payload: bytes, bits: int = 15) -> bytes:
    return zlib.decompressobj(wbits=-bits).decompress(payload + TAIL)


def _offer(tg, offer: str, path: str = "/echo"):
    return tg.connect(path, {"Sec-WebSocket-Extensions": offer})


def _answer(tg, offer: str) -> str | None:
    with _offer(tg, offer) as ws:
        return ws.response.get("Sec-WebSocket-Extensions")


def test_the_answer_to_an_offer(tg):
    """< Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"""
    for offer in ("permessage-deflate", "x, permessage-deflate", "permessage-deflate; server_no_context_takeover"):
        equal(_answer(tg, offer), AGREED)


def test_client_max_window_bits_is_not_answered(tg):
    """client_max_window_bits is allowed and not answered"""
    for offer in ("permessage-deflate; client_max_window_bits", 'permessage-deflate; client_max_window_bits="10"'):
        equal(_answer(tg, offer), AGREED)


def test_server_max_window_bits_is_repeated(tg):
    """server_max_window_bits (8 to 15) is kept to, and repeated in the answer."""
    for bits in range(8, 16):
        equal(_answer(tg, f"permessage-deflate; server_max_window_bits={bits}"), f"{AGREED}; server_max_window_bits={bits}")


def test_bad_offers_are_passed_over(tg):
    """An offer with a parameter that is not known or is repeated, or with a value that is not allowed, is passed over"""
    for parameters in (
        "unknown",
        "server_no_context_takeover; server_no_context_takeover",
        "server_no_context_takeover=1",
        "server_max_window_bits",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=08",
        "client_max_window_bits=7",
    ):
        equal(_answer(tg, f"permessage-deflate; {parameters}"), None, parameters)
        equal(_answer(tg, f"permessage-deflate; {parameters}, permessage-deflate"), AGREED, parameters)


@served()
def test_without_the_option_there_is_none(tg):
    """With --compression a client that offers permessage-deflate gets it"""
    equal(_answer(tg, "permessage-deflate"), None)


def test_both_directions(tg):
    """What the server sends is compressed if it is a message of at least 512 bytes that becomes smaller."""
    with _offer(tg, "permessage-deflate") as ws:
        for size, compressed in ((511, 0), (512, 4), (65536, 4)):
            text = b"ab" * (size // 2) + b"c" * (size % 2)
            ws.send(TEXT, deflate(text), rsv=4)
            frame = ws.receive()
            equal((frame.opcode, frame.rsv), (TEXT, compressed), f"{size} bytes")
            equal(inflate(frame.payload) if compressed else frame.payload, text)


def test_what_does_not_become_smaller_is_sent_as_it_is(tg):
    """a message ... that becomes smaller"""
    noise = os.urandom(2048)
    with _offer(tg, "permessage-deflate") as ws:
        ws.binary(noise)
        equal(ws.expect(BINARY), noise)


def test_each_side_forgets(tg):
    """Each side forgets a message when it has sent it"""
    with _offer(tg, "permessage-deflate") as ws:
        text = bytes(range(256)) * 4
        for _ in range(3):
            ws.send(BINARY, deflate(text), rsv=4)
            equal(inflate(ws.receive().payload), text)


def test_a_client_may_send_as_it_is(tg):
    """Everything else is sent as it is ...; so may the client do with any of its messages."""
    with _offer(tg, "permessage-deflate") as ws:
        ws.text("plain")
        equal(ws.expect_text(), "plain")


def test_fragments_of_a_compressed_message(tg):
    """1002: RSV1 where no compressed message begins (the first fragment alone has it)"""
    packed = deflate(b"abc" * 100)
    with _offer(tg, "permessage-deflate") as ws:
        ws.send(TEXT, packed[:3], rsv=4, fin=False)
        ws.send(CONTINUATION, packed[3:])
        equal(ws.expect_text(), "abc" * 100)
        ws.send(TEXT, packed[:3], rsv=4, fin=False)
        ws.send(CONTINUATION, packed[3:], rsv=4)
        ws.expect_close(1002)


def test_members_and_subscribers_see_the_message(tg):
    """broadcast: Members receive the payload as it was sent (before compression)"""
    room = fresh()
    with _offer(tg, "permessage-deflate", f"/chat/{room}") as one, tg.connect(f"/chat/{room}") as two:
        with _offer(tg, "permessage-deflate", f"/chat/{room}") as three, tg.events(f"?room={room}") as stream:
            text = "word " * 200
            one.send(TEXT, deflate(text.encode()), rsv=4)
            equal(two.expect_text(), text)
            frame = three.receive()
            equal((frame.rsv, inflate(frame.payload).decode()), (4, text))
            equal(stream.message()["message"], text)


def test_the_window_is_kept_to(tg):
    """server_max_window_bits is kept to: only what is for it alone, of up to 2^n bytes, is compressed"""
    with _offer(tg, "permessage-deflate; server_max_window_bits=10") as ws:
        for size, compressed in ((1024, 4), (1025, 0)):
            ws.text("x" * size)
            frame = ws.receive()
            equal(frame.rsv, compressed, f"{size} bytes")
            equal(inflate(frame.payload, 10) if compressed else frame.payload, b"x" * size)


def test_everything_else_is_not_compressed_for_a_small_window(tg):
    """To a client that asked for a window with n below 15 ... Everything else is sent as it is"""
    room = fresh()
    with _offer(tg, "permessage-deflate; server_max_window_bits=12", f"/chat/{room}") as ws:
        tg.publish(room, "x" * 1000)
        equal(ws.expect_text(), "x" * 1000)


def test_the_limit_is_one_of_the_message(tg):
    """The limit of 64 KiB is one of the message. Inflating stops when the limit is passed: 1009."""
    with _offer(tg, "permessage-deflate") as ws:
        ws.send(BINARY, deflate(b"x" * 65536), rsv=4)
        equal(len(inflate(ws.receive().payload)), 65536)
        ws.send(BINARY, deflate(b"x" * 65537), rsv=4)
        ws.expect_close(1009)


def test_a_compressed_form_may_be_a_little_larger(tg):
    """not of its compressed form, which may be a little larger than the message (by a sixteenth and 64 bytes)"""
    noise = os.urandom(65536)
    stored = deflate(noise)
    true(len(stored) > 65536, "noise does not become smaller")
    with _offer(tg, "permessage-deflate") as ws:
        ws.send(BINARY, stored, rsv=4)
        equal(ws.receive().payload, noise)


def _fault(tg, payload: bytes, code: int = 1007) -> None:
    with _offer(tg, "permessage-deflate") as ws:
        ws.send(BINARY, payload, rsv=4)
        ws.expect_close(code)
        ws.conn.ended()


def test_faults(tg):
    """One is a fault if it is not DEFLATE, if its end is missing"""
    _fault(tg, b"\xff\xff\xff")
    _fault(tg, deflate(bytes(range(200)))[:20])


def test_a_reference_before_the_stream(tg):
    """It is a fault to refer to bytes before the stream."""
    packer = zlib.compressobj(wbits=-15)
    packer.compress(b"0123456789abcdef" * 4)
    packer.flush(zlib.Z_SYNC_FLUSH)
    second = (packer.compress(b"0123456789abcdef" * 4) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)
    _fault(tg, second)


def test_an_empty_payload_is_an_empty_message(tg):
    """A payload of no bytes is an empty message."""
    with _offer(tg, "permessage-deflate") as ws:
        ws.send(TEXT, b"", rsv=4)
        equal(ws.expect_text(), "")


def _ended_streams(count: int) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(b"a") + packer.flush()) * count


def test_streams_that_end(tg):
    """if more than 64 streams end in it (blocks with BFINAL; behind one another begins, which does not remember it)"""
    with _offer(tg, "permessage-deflate") as ws:
        ws.send(TEXT, _ended_streams(64) + deflate(b"b"), rsv=4)
        equal(ws.expect_text(), "a" * 64 + "b")
    _fault(tg, _ended_streams(65) + deflate(b"b"))


def test_inflated_text_must_be_utf_8(tg):
    """1007: text is not UTF-8"""
    with _offer(tg, "permessage-deflate") as ws:
        ws.send(TEXT, deflate(b"\xff\xff"), rsv=4)
        ws.expect_close(1007)
