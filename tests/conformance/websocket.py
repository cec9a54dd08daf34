"""WebSocket as a client that may also break its rules."""

from __future__ import annotations

import base64
import json
import os
import struct
from dataclasses import dataclass

from . import http1
from .wire import Conn, Failure, equal, true

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
SAMPLE_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
SAMPLE_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 section 1.3


def frame(opcode: int, payload: bytes = b"", fin: bool = True, rsv: int = 0, masked: bool = True, wide: int = 0) -> bytes:
    """A frame; `wide` (2 or 8) writes the length in that many bytes, needed or not."""
    size = len(payload)
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if wide == 8 or size > 0xFFFF:
        head += bytes([mask_bit | 127]) + struct.pack("!Q", size)
    elif wide == 2 or size > 125:
        head += bytes([mask_bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([mask_bit | size])
    if not masked:
        return head + payload
    mask = os.urandom(4)
    repeated = mask * (size // 4 + 1)
    scrambled = (int.from_bytes(payload, "big") ^ int.from_bytes(repeated[:size], "big")).to_bytes(size, "big")
    return head + mask + scrambled


def close_payload(code: int | None = 1000, reason: str = "") -> bytes:
    return b"" if code is None else struct.pack("!H", code) + reason.encode()


def handshake_fields(extra: http1.Fields = ()) -> list[tuple[str, str]]:
    """Those of a good handshake, with others instead or beside; a value of None takes a field away."""
    fields = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }
    pairs = list(extra.items()) if isinstance(extra, dict) else list(extra)
    for name, _ in pairs:
        fields.pop(name, None)
    return list(fields.items()) + [(name, value) for name, value in pairs if value is not None]


@dataclass
class Frame:
    opcode: int
    payload: bytes
    fin: bool
    rsv: int


class WebSocket:
    def __init__(self, conn: Conn, response: http1.Response):
        self.conn = conn
        self.response = response

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, *_) -> None:
        self.conn.close()

    def send(self, opcode: int, payload: bytes = b"", **how) -> None:
        self.conn.send(frame(opcode, payload, **how))

    def text(self, message: str | dict) -> None:
        if not isinstance(message, str):
            message = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
        self.send(TEXT, message.encode())

    def binary(self, payload: bytes) -> None:
        self.send(BINARY, payload)

    def receive(self) -> Frame:
        first, second = self.conn.exactly(2)
        true(not second & 0x80, "the server has masked a frame")
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", self.conn.exactly(2))[0]
            true(size > 125, "the length is not minimal")
        elif size == 127:
            size = struct.unpack("!Q", self.conn.exactly(8))[0]
            true(size > 0xFFFF, "the length is not minimal")
        return Frame(first & 15, self.conn.exactly(size), bool(first & 0x80), first >> 4 & 7)

    def expect(self, opcode: int) -> bytes:
        got = self.receive()
        if (got.opcode, got.fin, got.rsv) != (opcode, True, 0):
            raise Failure(f"a whole frame of opcode {opcode} was due, {got!r} came")
        return got.payload

    def expect_text(self) -> str:
        return self.expect(TEXT).decode()

    def expect_json(self):
        return json.loads(self.expect_text())

    def expect_error(self, code: str) -> None:
        message = self.expect_json()
        true(isinstance(message.get("error"), dict), f"an error was due, {message} came")
        equal(message["error"].get("code"), code, "code of the error")
        true(isinstance(message["error"].get("message"), str), f"the error has no message: {message}")

    def expect_close(self, code: int | None, reason: str | None = None) -> str:
        """The server's close frame; an answer to it, or the end of the connection, is up to the caller."""
        payload = self.expect(CLOSE)
        equal(struct.unpack("!H", payload[:2])[0] if payload else None, code, "close code")
        if reason is not None:
            equal(payload[2:].decode(), reason, "close reason")
        return payload[2:].decode()

    def expect_end(self, code: int | None, reason: str | None = None) -> None:
        """The server closes first: its frame is answered, and the connection ends."""
        self.expect_close(code, reason)
        try:
            self.send(CLOSE, close_payload(code))
        except OSError:
            pass  # after a broken rule the server does not wait for the answer
        self.conn.ended()

    def close(self, code: int | None = 1000, reason: str = "") -> None:
        """Closes as RFC 6455 has it, up to the end of the connection."""
        self.send(CLOSE, close_payload(code, reason))
        self.expect_close(code, "")
        self.conn.ended()

    def settled(self) -> None:
        """Everything that was sent has been read by the server, and nothing but the pong came back."""
        payload = os.urandom(8)
        self.send(PING, payload)
        equal(self.expect(PONG), payload, "payload of the pong")
