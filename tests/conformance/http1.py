"""HTTP/1.1 as a client that looks at every byte of an answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from .wire import Conn, Failure, equal, true

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([^\r\n]*)\r\n")
FIELD_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([^\r\n]*)")

Fields = dict[str, str] | list[tuple[str, str]]


@dataclass
class Response:
    status: int
    reason: str
    fields: list[tuple[str, str]]
    head: bytes
    body: bytes = b""
    connection: Conn | None = field(default=None, repr=False)

    def every(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        values = self.every(name)
        true(len(values) < 2, f"{name} stands {len(values)} times")
        return values[0] if values else None

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            raise Failure(f"the body is no JSON: {self.body[:300]!r}") from None

    def ok(self, status: int = 200) -> Response:
        equal(self.status, status, f"status ({self.body[:300]!r})")
        return self

    def problem(self, status: int, code: str | None = None) -> Response:
        """Checks that this is a problem document with this status and code."""
        equal((self.status, self.code()), (status, code or self.code()), "status and code of the problem")
        equal(self.get("Content-Type"), "application/problem+json", "Content-Type")
        body = self.json()
        equal(body.get("status"), status, "the status inside of the problem")
        for member in ("type", "title", "detail"):
            true(isinstance(body.get(member), str), f"the problem has no {member}: {body}")
        return self

    def code(self) -> str | None:
        return self.json().get("code") if self.body.startswith(b"{") else None

    def closing(self) -> Response:
        equal((self.get("Connection") or "").lower(), "close", "Connection")
        return self


def head_of(method: str, target: str, fields: Fields = (), host: str | None = "localhost", version: str = "1.1") -> bytes:
    lines = [f"{method} {target} HTTP/{version}"]
    pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
    if host is not None and not any(name.lower() == "host" for name, _ in pairs):
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in pairs]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def read_head(conn: Conn) -> Response:
    head = conn.until(b"\r\n\r\n")
    match = STATUS_LINE.match(head)
    if not match:
        raise Failure(f"no status line: {head[:200]!r}")
    fields = []
    for line in head[match.end():-2].decode("latin-1").split("\r\n")[:-1]:
        parsed = FIELD_LINE.fullmatch(line)
        if not parsed:
            raise Failure(f"no header field: {line!r}")
        fields.append((parsed[1], parsed[2]))
    return Response(int(match[1]), match[2].decode(), fields, head, connection=conn)


def read_response(conn: Conn, method: str = "GET") -> Response:
    response = read_head(conn)
    if method == "HEAD" or response.status < 200 or response.status in (204, 304):
        return response
    length = response.get("Content-Length")
    if length is not None:
        response.body = conn.exactly(int(length))
    elif (response.get("Transfer-Encoding") or "").lower() == "chunked":
        response.body = read_chunks(conn)
    else:
        response.body = conn.rest()
    return response


def read_chunks(conn: Conn) -> bytes:
    body = b""
    while size := int(conn.until(b"\r\n").split(b";")[0], 16):
        body += conn.exactly(size)
        equal(conn.exactly(2), b"\r\n", "the end of a chunk")
    equal(conn.until(b"\r\n"), b"\r\n", "the end of the chunks")
    return body


def ask(conn: Conn, method: str, target: str, fields: Fields = (), body: bytes | None = None, **how) -> Response:
    """One request and its answer, on a connection that is there."""
    pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
    if body is not None:
        pairs.append(("Content-Length", str(len(body))))
    conn.send(head_of(method, target, pairs, **how) + (body or b""))
    return read_response(conn, method)
