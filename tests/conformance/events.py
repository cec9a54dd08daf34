"""Event streams and lines of JSON, read byte by byte."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from . import http1
from .wire import Conn, Failure, equal

ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
FIRST_BLOCK = re.compile(rb"retry: ([0-9]+)\n((event: gap\n)?id: ([A-Za-z0-9._~-]{1,128})\n(data: .*\n)?\n)")


@dataclass
class Event:
    raw: bytes
    name: str | None
    id: str | None
    data: str | None

    def json(self):
        return json.loads(self.data)


class Stream:
    """An open `GET /events`, behind its first block; a gap that stands in that is its first event."""

    def __init__(self, conn: Conn, response: http1.Response):
        self.conn = conn
        self.response = response
        match = FIRST_BLOCK.fullmatch(self.block())
        if not match:
            raise Failure("the stream does not begin with retry, and a position or a gap")
        self.retry = int(match[1])
        self.start = self.last = match[4].decode()
        self.begun = match[2] if match[3] else None

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_) -> None:
        self.conn.close()

    def block(self) -> bytes:
        """What is between two empty lines; a heartbeat is one by itself, as none follows it."""
        block = self.conn.until(b"\n")
        if block == b":\n":
            return block
        while not block.endswith(b"\n\n"):
            block += self.conn.until(b"\n")
        return block

    def next(self) -> Event:
        """The next block that has data."""
        while True:
            raw, self.begun = self.begun or self.block(), None
            event = parse(raw)
            self.last = event.id or self.last
            if event.data is not None:
                return event

    def message(self):
        """The next event's data, as JSON; it has to be an event without a name."""
        event = self.next()
        equal(event.name, None, f"name of the event {event.raw!r}")
        return event.json()

    def messages(self, count: int) -> list:
        return [self.message() for _ in range(count)]

    def closing(self):
        """The next event, which must be a close."""
        message = self.message()
        equal(list(message), ["close"], "members of a close event")
        return message["close"]

    def remaining(self) -> list[Event]:
        """All events until the stream ends."""
        body = (self.begun or b"") + self.conn.rest().replace(b":\n", b"")
        events = [parse(block + b"\n\n") for block in body.split(b"\n\n")[:-1]]
        return [event for event in events if event.data is not None]


def parse(raw: bytes) -> Event:
    event = Event(raw, None, None, None)
    for line in raw.decode().split("\n")[:-1]:
        name, separator, value = line.partition(": ")
        if line in ("", ":"):
            continue
        if not separator or name not in ("event", "id", "data", "retry"):
            raise Failure(f"a line that the contract does not know: {line!r}")
        if name == "event":
            event.name = value
        elif name == "id":
            event.id = value
        elif name == "data":
            event.data = value
    return event
