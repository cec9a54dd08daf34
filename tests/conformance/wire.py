"""Bytes on a TCP connection: read with a deadline, kept until somebody asks for them."""

from __future__ import annotations

import socket
import struct
import time

# Patience for whatever is expected. It is no measurement: a server that answers sooner is not held up by it.
DEADLINE = 20.0


class Failure(AssertionError):
    """What the server did is not what the contract says."""


def equal(actual, expected, what: str = "") -> None:
    if actual != expected:
        raise Failure(f"{what + ': ' if what else ''}expected {expected!r}, got {actual!r}")


def true(condition, what: str) -> None:
    if not condition:
        raise Failure(what)


def eventually(probe, what: str):
    """The first true value of `probe`, which asks the server about something that is about to become so."""
    end = time.monotonic() + DEADLINE
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"never came: {what}")
        time.sleep(0.01)  # only so that the server gets the processor


class Conn:
    """A client's end of one TCP connection."""

    def __init__(self, address: tuple[str, int], receive_buffer: int | None = None):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(DEADLINE)
        if receive_buffer is not None:
            # Before connecting, as it decides the window that is offered.
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.connect(address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self) -> Conn:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def _more(self) -> bool:
        """Reads once; false at the end of the stream."""
        try:
            data = self.sock.recv(65536)
        except TimeoutError:
            raise Failure(f"nothing more came in {DEADLINE:.0f} s, after {self.buffer[-200:]!r}") from None
        except ConnectionResetError:
            # A server may end so when it has thrown input away: for a reader it is an end like any other.
            return False
        self.buffer += data
        return bool(data)

    def until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            if not self._more():
                raise Failure(f"the connection ended before {mark!r}, after {self.buffer[-200:]!r}")
        end = self.buffer.index(mark) + len(mark)
        data, self.buffer = self.buffer[:end], self.buffer[end:]
        return data

    def exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            if not self._more():
                raise Failure(f"the connection ended, {count} bytes were due, {self.buffer!r} came")
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def rest(self) -> bytes:
        """Everything until the server closes."""
        while self._more():
            pass
        data, self.buffer = self.buffer, b""
        return data

    def ended(self, what: str = "the connection") -> None:
        """The server closes, and says nothing more."""
        equal(self.rest(), b"", f"bytes before the end of {what}")

    def half_close(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        """Ends with RST, as a machine does that has lost the connection."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
