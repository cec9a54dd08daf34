"""Credentials: Tickets, and Revocation."""

import time
from urllib.parse import quote

from ..cases import alone, served
from ..doors import AS_MANAGER, GUARDED, STATIC, bearer, holder, ticket, token
from ..server import Server, fresh
from ..wire import equal, eventually, true

SERVER = ((), GUARDED)


def test_a_ticket(tg):
    """> POST /api/tickets > {} < 201 {"ticket":"…","expiresAt":1795243055000}"""
    before = time.time()
    response = tg.post("/api/tickets", {}, bearer(STATIC)).ok(201)
    one = response.json()
    equal(list(one), ["ticket", "expiresAt"])
    true(before + 25 < one["expiresAt"] / 1000 < time.time() + 35, "30 s (--ticket-time), in milliseconds since 1970")


def test_a_ticket_lets_in_once(tg):
    """A ticket lets in once. One that was used ... is credentials-invalid."""
    one = ticket(tg, bearer(STATIC))
    tg.connect(f"/ws/a?ticket={one}").close()
    tg.upgrade(f"/ws/a?ticket={one}").problem(401, "credentials-invalid")
    tg.events(f"?ticket={ticket(tg, bearer(STATIC))}").conn.close()


def test_tickets_are_for_websockets_and_events(tg):
    """?ticket=<ticket>: taken by WebSockets and /events"""
    tg.get(f"/page?ticket={ticket(tg, bearer(STATIC))}").problem(401, "credentials-missing")
    tg.get(f"/api/rooms?ticket={ticket(tg, AS_MANAGER)}").problem(401, "credentials-missing")


def test_it_is_used_up_by_the_request_that_brings_it(tg):
    """it is used up by the request that brings it, whatever comes of that"""
    one = ticket(tg, bearer(STATIC))
    tg.get(f"/events?ticket={one}&room=*&format=x").problem(400)
    tg.get(f"/events?ticket={one}").problem(401, "credentials-invalid")


def test_a_ticket_that_was_never_made(tg):
    """One that was used, is too old or was never made is credentials-invalid."""
    tg.get("/events?ticket=nonsense").problem(401, "credentials-invalid")


@served("--ticket-time", "1s", **GUARDED)
def test_a_ticket_that_is_too_old(tg):
    """One that ... is too old ... is credentials-invalid"""
    wanted = tg.post("/api/tickets", {}, bearer(STATIC)).ok(201).json()
    eventually(lambda: time.time() * 1000 > wanted["expiresAt"] + 1, "the ticket's end")
    tg.get("/events?ticket=" + quote(wanted["ticket"])).problem(401, "credentials-invalid")


def test_tickets_of_a_manager(tg):
    """Whoever may manage gives any right but to manage, of which those that are not named are not given"""
    one = ticket(tg, AS_MANAGER, connect=True, publish=["a"], subject="eve")
    with tg.connect(f"/ws/a?ticket={one}") as ws:
        name = fresh("id")
        ws.text({"connectionId": name})
        ws.settled()
        equal(tg.get(f"/api/connections/{name}", AS_MANAGER).json()["subject"], "eve")
    tg.get(f"/events?room=a&ticket={ticket(tg, AS_MANAGER, connect=True)}").problem(403, "not-allowed")


def test_a_managers_ticket_without_members(tg):
    """(with no member at all: to connect, and all rooms)"""
    with tg.connect(f"/ws/a?ticket={ticket(tg, AS_MANAGER)}") as ws:
        ws.text({"connectionId": fresh("id")})
        ws.settled()
    tg.events(f"?room=*&ticket={ticket(tg, AS_MANAGER)}").conn.close()


def test_tickets_of_anybody_else(tg):
    """Anybody else gives its own rights, or what of them is named, under its own subject (another is 403 not-allowed)"""
    own = bearer(token(sub="alice", tidegate={"connect": True, "subscribe": ["a", "b"]}))
    tg.events(f"?room=a&ticket={ticket(tg, own)}").conn.close()
    tg.get(f"/events?room=b&ticket={ticket(tg, own, subscribe=['a'])}").problem(403, "not-allowed")
    tg.get(f"/events?room=c&ticket={ticket(tg, own, subscribe=['a', 'c'])}").problem(403, "not-allowed")
    tg.post("/api/tickets", {"subject": "bob"}, own).problem(403, "not-allowed")
    tg.post("/api/tickets", {"subject": "alice"}, own).ok(201)


def test_expires_in(tg):
    """expiresIn, the seconds from now for which what is let in may last"""
    one = ticket(tg, AS_MANAGER, connect=True, expiresIn=1)
    with tg.connect(f"/ws/a?ticket={one}") as ws:
        ws.expect_end(4401, "expired")
    for value in (0, -1, 1.5, "1"):
        tg.post("/api/tickets", {"expiresIn": value}, AS_MANAGER).problem(400, "bad-body")


def test_an_empty_ticket(tg):
    """422 empty-ticket if it would give neither to connect nor any room"""
    tg.post("/api/tickets", {"connectionId": "x"}, AS_MANAGER).problem(422, "empty-ticket")
    tg.post("/api/tickets", {"connect": False, "subscribe": []}, AS_MANAGER).problem(422, "empty-ticket")


def test_too_many_patterns(tg):
    """too-many-patterns if it has more than 100 in all or they are longer than a token may be"""
    tg.post("/api/tickets", {"subscribe": ["x"] * 101}, AS_MANAGER).problem(422, "too-many-patterns")
    tg.post("/api/tickets", {"subscribe": ["x" * 5000]}, AS_MANAGER).problem(422, "too-many-patterns")


@served("--max-tickets", "2", **GUARDED)
def test_too_many_tickets(tg):
    """429 too-many-tickets if 100,000 wait (--max-tickets)"""
    ticket(tg, AS_MANAGER)
    ticket(tg, AS_MANAGER)
    tg.post("/api/tickets", {}, AS_MANAGER).problem(429, "too-many-tickets")


@served()
def test_where_nobody_is_asked(tg):
    """409 auth-off where no credentials are asked for"""
    tg.post("/api/tickets", {}).problem(409, "auth-off")


def test_a_ticket_is_not_repeated(tg):
    """400 bad-idempotency-key with an Idempotency-Key"""
    tg.post("/api/tickets", {}, AS_MANAGER | {"Idempotency-Key": "x"}).problem(400, "bad-idempotency-key")


def test_a_manage_member_is_unknown(tg):
    """a member that a request does not know is 400 bad-body"""
    tg.post("/api/tickets", {"manage": True}, AS_MANAGER).problem(400, "bad-body")


def test_a_revoked_subject(tg):
    """Whatever is there and is refused from then on has been closed when the answer comes: closed counts it."""
    name, room = fresh("subject"), fresh()
    old = token(sub=name, iat=int(time.time()) - 5)
    with tg.connect("/ws/a", bearer(old)) as ws, tg.events(f"?room={room}", bearer(old)) as stream:
        equal(tg.post("/api/revocations", {"subject": name}, AS_MANAGER).ok().body, b'{"closed":2}')
        ws.expect_end(4401, "revoked")
        equal(stream.conn.rest(), b'event: expired\ndata: {"reason":"revoked"}\n\n')
    tg.get("/page", bearer(old)).problem(401, "credentials-revoked")
    tg.get("/page", bearer(token(sub=name))).problem(401, "credentials-revoked")
    # To the second: what is issued in the next one is good.
    eventually(lambda: tg.get("/page", bearer(token(sub=name, iat=int(time.time())))).status == 200, "a later token")


def test_a_revoked_token_id(tg):
    """A token id is refused for good."""
    identity = fresh("jti")
    tg.post("/api/revocations", {"tokenId": identity}, AS_MANAGER).ok()
    tg.get("/page", bearer(token(jti=identity, iat=int(time.time()) + 10))).problem(401, "credentials-revoked")
    tg.get("/page", bearer(token(jti=identity + "x"))).ok()


def test_a_revoked_connection_id(tg):
    """A connectionId can be nobody's. A ?connectionId= that was revoked is 403 not-allowed"""
    name = fresh("id")
    with tg.connect(f"/ws/a?connectionId={name}", bearer(STATIC)) as ws:
        equal(tg.post("/api/revocations", {"connectionId": name}, AS_MANAGER).ok().json(), {"closed": 1})
        ws.expect_end(4401, "revoked")
    tg.upgrade(f"/ws/a?connectionId={name}", bearer(STATIC)).problem(403, "not-allowed")
    with tg.connect("/ws/a", bearer(STATIC)) as ws:
        ws.text({"connectionId": name})
        ws.expect_error("not-allowed")


@alone
def test_listing_and_lifting():
    """GET /api/revocations: a page; DELETE: 204: what is named is lifted; 404 no-such-revocation if none was there"""
    with Server(**GUARDED) as tg:
        before = time.time() * 1000
        tg.post("/api/revocations", {"subject": "x", "expiresIn": 100}, AS_MANAGER).ok()
        tg.post("/api/revocations", {"tokenId": "y"}, AS_MANAGER).ok()
        page = tg.get("/api/revocations", AS_MANAGER).ok().json()
        equal((list(page), page["next"]), (["revocations", "next"], None))
        subject = next(one for one in page["revocations"] if "subject" in one)
        equal(list(subject), ["subject", "revokedAt", "expiresAt"])
        true(before - 1000 <= subject["revokedAt"] <= subject["expiresAt"], f"milliseconds: {subject}")
        first = tg.get("/api/revocations?limit=1", AS_MANAGER).ok().json()
        rest = tg.get("/api/revocations?limit=1&after=" + quote(first["next"], safe=""), AS_MANAGER).ok().json()
        equal(len(first["revocations"] + rest["revocations"]), 2)
        tg.ask("DELETE", "/api/revocations?tokenId=y", AS_MANAGER).ok(204)
        tg.ask("DELETE", "/api/revocations?tokenId=y", AS_MANAGER).problem(404, "no-such-revocation")
        tg.get("/page", bearer(token(jti="y"))).ok()


@served("--max-revocations", "1", **GUARDED)
def test_too_many_revocations(tg):
    """429 too-many-revocations at 100,000 (--max-revocations)"""
    tg.post("/api/revocations", {"tokenId": "a"}, AS_MANAGER).ok()
    tg.post("/api/revocations", {"tokenId": "b"}, AS_MANAGER).problem(429, "too-many-revocations")


def test_static_keys_and_users_have_subjects(tg):
    """The subject of a static key is the key's name, that of a password its user."""
    name = fresh("id")
    with tg.connect(f"/ws/a?connectionId={name}", bearer(STATIC)):
        one = tg.get(f"/api/connections/{name}", AS_MANAGER).json()
        equal((one["key"], one.get("subject"), "expiresAt" in one), ("static", "static", False))


def test_the_ticket_counts_under_its_key(tg):
    """A ticket is good wherever the key of whoever asked for it counts"""
    tg.connect(f"/ws/a?ticket={ticket(tg, holder(connect=True))}").close()
