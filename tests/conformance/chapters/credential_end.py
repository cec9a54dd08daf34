"""Credentials: The end of a credential, and Refresh."""

import signal
import time

from ..cases import alone
from ..doors import AS_MANAGER, ENV, GUARDED, KEYS, ROUTES, STATIC, bearer, token
from ..http1 import head_of, read_head
from ..server import Server, fresh
from ..websocket import TEXT
from ..wire import equal, true

SERVER = ((), GUARDED)
SHORT = 1.2  # `exp` counts in whole seconds unless a fraction is given


def _short(**claims) -> str:
    return token(exp=time.time() + SHORT, **claims)


def test_a_websocket_is_closed_with_4401(tg):
    """When a token expires ... a WebSocket is closed with 4401 (expired)"""
    room, name = fresh(), fresh("id")
    with tg.events(f"?room={room}", bearer(STATIC)) as stream:
        with tg.connect(f"/ws/{room}?connectionId={name}", bearer(_short())) as ws:
            ws.expect_end(4401, "expired")
        stream.message()
        closing = stream.closing()
        equal((closing["code"], closing["reason"], closing["by"]), (4401, "expired", "server"))


def test_an_event_stream_is_told_and_ends(tg):
    """< event: expired < data: {"reason":"expired"} < and ends; the event has no id"""
    with tg.events(f"?room={fresh()}", bearer(_short())) as stream:
        equal(stream.conn.rest(), b'event: expired\ndata: {"reason":"expired"}\n\n')


def test_lines_of_json_are_told_and_end(tg):
    """({"type":"expired","reason":"expired"} as a line of JSON)"""
    with tg.http() as conn:
        conn.send(head_of("GET", f"/events?room={fresh()}", bearer(_short()) | {"Accept": "application/x-ndjson"}))
        equal(read_head(conn).status, 200)
        conn.until(b"\n")
        equal(conn.rest(), b'{"type":"expired","reason":"expired"}\n')


def test_who_comes_again_gets_401(tg):
    """Who comes again with the same credential gets 401"""
    credential = _short()
    with tg.connect("/ws/a", bearer(credential)) as ws:
        ws.expect_close(4401)
    tg.upgrade("/ws/a", bearer(credential)).problem(401, "credentials-expired")


def test_refresh(tg):
    """> {"refresh":"eyJ…"} < {"refreshed":{"expiresAt":1795246200000}}"""
    exp = int(time.time() + 600)
    with tg.connect(f"/chat/{fresh()}", bearer(_short(sub="a"))) as ws, tg.connect("/ws/a", bearer(_short(sub="b"))) as other:
        ws.text({"refresh": token(exp=exp, sub="a")})
        equal(ws.expect_text(), f'{{"refreshed":{{"expiresAt":{exp * 1000}}}}}')
        # When the other one is gone, this one would be, too.
        other.expect_close(4401)
        ws.settled()


def test_refresh_by_a_credential_that_does_not_expire(tg):
    """Another key may vouch for it. (expiresAt is null for one that does not expire.)"""
    with tg.connect("/ws/a", bearer(token(sub="static"))) as ws:
        ws.text({"refresh": STATIC})
        equal(ws.expect_text(), '{"refreshed":{"expiresAt":null}}')


def test_refused_refreshes(tg):
    """Otherwise the error refresh-refused comes, which counts as a refused message, and nothing changes."""
    with tg.connect("/chat/home", bearer(token(sub="a"))) as ws:
        for credential in (
            "wrong",
            token(sub="b"),
            token(),
            token(sub="a", lasts=-5),
            token(sub="a", tidegate={"subscribe": ["*"]}),
            token(sub="a", tidegate={"connect": True, "subscribe": ["other"]}),
        ):
            ws.text({"refresh": credential})
            ws.expect_error("refresh-refused")
        ws.settled()


def test_a_refresh_with_other_members(tg):
    """by a text message with nothing but that; an object whose first key is refresh is never published"""
    room = fresh()
    with tg.events(f"?room={room}", bearer(STATIC)) as stream, tg.connect(f"/chat/{room}", bearer(token(sub="a"))) as ws:
        for text in ('{"refresh":1}', '{"refresh":"x","y":1}', '{ "refresh" : null }', '{"refresh":{}}'):
            ws.text(text)
            ws.expect_error("refresh-refused")
        ws.text("marker")
        equal(stream.message()["message"], "marker")


def test_a_refresh_where_the_credential_does_not_expire(tg):
    """where the credential does not expire, it is a message like any other"""
    room = fresh()
    with tg.events(f"?room={room}", bearer(STATIC)) as stream, tg.connect(f"/chat/{room}", bearer(STATIC)) as ws:
        ws.text('{"refresh":"x"}')
        equal(stream.message(), {"refresh": "x"})


def test_the_rights_of_the_new_credential_hold(tg):
    """Its rights hold from then on."""
    room = fresh()
    rights = {"connect": True, "subscribe": ["*"]}
    with tg.connect(f"/chat/{room}", bearer(token(sub="a", tidegate=rights))) as ws:
        ws.text("x")
        ws.expect_error("not-allowed")
        ws.text({"refresh": token(sub="a", tidegate=rights | {"publish": ["*"]})})
        true("refreshed" in ws.expect_json(), "refreshed")
        ws.send(TEXT, b"y")
        ws.settled()


@alone
def test_a_key_that_is_taken_out():
    """its key is taken out of the configuration: 4401 key-removed; SIGHUP reads the configuration again"""
    with Server(config=KEYS + ROUTES, env=ENV) as tg:
        with tg.connect("/ws/a", bearer(STATIC)) as ws, tg.connect("/ws/a", bearer(token())) as other:
            with tg.events("?room=a", bearer(STATIC)) as stream:
                without = KEYS.replace('[[key]]\nname = "static"\nsecret = { env = "T_STATIC" }\n', "")
                tg.config.write_text(without + ROUTES)
                tg.signal(signal.SIGHUP)
                ws.expect_end(4401, "key-removed")
                equal(stream.conn.rest(), b'event: expired\ndata: {"reason":"key-removed"}\n\n')
                other.settled()
        tg.get("/page", bearer(STATIC)).problem(401, "credentials-invalid")


@alone
def test_a_key_with_other_rights():
    """a key with other rights counts as another key"""
    with Server(config=KEYS + ROUTES, env=ENV) as tg:
        with tg.connect("/ws/a", bearer(STATIC)) as ws:
            tg.config.write_text(KEYS.replace('{ env = "T_STATIC" }', '{ env = "T_STATIC" }\npublish = ["a"]') + ROUTES)
            tg.signal(signal.SIGHUP)
            ws.expect_end(4401, "key-removed")
        tg.connect("/ws/a", bearer(STATIC)).close()
        tg.get("/api/rooms", AS_MANAGER).ok()
