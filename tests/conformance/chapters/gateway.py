"""The API: AWS API Gateway."""

import re

from ..server import fresh
from ..websocket import BINARY
from ..wire import equal, true

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_get(tg):
    """GET (200 {"connectedAt":"2026-01-02T03:04:05.678Z","lastActiveAt":"…"})"""
    name = fresh("id")
    with tg.connect(f"/?connectionId={name}"):
        one = tg.get(f"/@connections/{name}").ok().json()
        equal(list(one), ["connectedAt", "lastActiveAt"])
        true(all(TIME.fullmatch(value) for value in one.values()), f"times: {one}")


def test_post(tg):
    """POST (the body itself is the message: a text message if it is UTF-8, otherwise binary; 200, empty)"""
    name = fresh("id")
    with tg.connect(f"/?connectionId={name}") as ws:
        equal(tg.ask("POST", f"/@connections/{name}", {}, "häl".encode()).ok().body, b"")
        equal(ws.expect_text(), "häl")
        tg.ask("POST", f"/@connections/{name}", {"Content-Type": "application/octet-stream"}, b"\xff\x00").ok()
        equal(ws.expect(BINARY), b"\xff\x00")


def test_delete(tg):
    """DELETE (204)"""
    name = fresh("id")
    with tg.connect(f"/?connectionId={name}") as ws:
        tg.ask("DELETE", f"/@connections/{name}").ok(204)
        ws.expect_end(1000)


def test_gone(tg):
    """If nobody has the name: 410 connection-gone with x-amzn-ErrorType: GoneException."""
    for method, body in (("GET", None), ("POST", b"x"), ("DELETE", None)):
        response = tg.ask(method, "/@connections/nobody", {}, body).problem(410, "connection-gone")
        equal(response.get("x-amzn-ErrorType"), "GoneException")


def test_signatures_and_query_are_ignored(tg):
    """Signatures and query are ignored."""
    name = fresh("id")
    with tg.connect(f"/?connectionId={name}"):
        fields = {"Authorization": "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=y", "X-Amz-Date": "x"}
        tg.get(f"/@connections/{name}?X-Amz-Expires=1&x", fields).ok()


def test_idempotency_keys_are_not_for_it(tg):
    """A POST below /api (not one to /@connections) may have an Idempotency-Key"""
    name = fresh("id")
    with tg.connect(f"/?connectionId={name}") as ws:
        for _ in range(2):
            tg.ask("POST", f"/@connections/{name}", {"Idempotency-Key": "one"}, b"x").ok()
        equal([ws.expect_text(), ws.expect_text()], ["x", "x"])
