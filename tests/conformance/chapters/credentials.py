"""Credentials: where one stands, and what is answered."""

import socket
from urllib.parse import quote

from ..cases import alone, served
from ..doors import AS_MANAGER, ENV, GUARDED, KEYS, MANAGER, PASSWORD, ROUTES, STATIC, basic, bearer, ticket, token
from ..http1 import ask, head_of, read_response
from ..server import Server, free_port, fresh
from ..wire import Conn, equal, true

SERVER = ((), GUARDED)
ALLOWED = {"Origin": "https://app.example"}


def test_bearer(tg):
    """Authorization: Bearer <credential>: the scheme in any case, one space; everything"""
    for credential in (STATIC, token()):
        for scheme in ("Bearer", "bearer", "BEARER"):
            fields = {"Authorization": f"{scheme} {credential}"}
            tg.connect("/ws/a", fields).close()
            tg.events("", fields).conn.close()
            tg.get("/page", fields).ok()
    tg.get("/api/rooms", AS_MANAGER).ok()


def test_one_space(tg):
    """the scheme in any case, one space"""
    for value in (f"Bearer  {STATIC}", f"Bearer {STATIC} x"):
        response = tg.get("/page", {"Authorization": value})
        true(response.status in (400, 401), "refused")
        response.problem(response.status)


def test_basic(tg):
    """Authorization: Basic <base64> (RFC 7617, UTF-8); everything, if there is a key with user and password"""
    tg.connect("/ws/a", basic("ada", PASSWORD)).close()
    tg.get("/page", basic("ada", PASSWORD)).ok()
    for fields in (basic("ada", "wrong"), basic("bob", PASSWORD), basic("", ""), {"Authorization": "Basic !"}):
        tg.get("/page", fields).problem(401, "credentials-invalid")


def test_header(tg):
    """header: the whole value of a field that is configured; X-API-Key by default"""
    tg.get("/api/rooms", {"X-API-Key": MANAGER}).ok()
    tg.connect("/ws/a", {"x-api-key": token()}).close()


def test_query(tg):
    """query: the parameter that is configured; all but the API"""
    tg.connect(f"/ws/a?accessToken={quote(STATIC)}").close()
    tg.events(f"?accessToken={STATIC}").conn.close()
    tg.get(f"/page?accessToken={token()}").ok()
    equal(tg.get(f"/api/rooms?accessToken={MANAGER}").status in (400, 401), True)


def test_path(tg):
    """path: the segment {token} of a configured route; that route"""
    tg.connect(f"/token/{token()}").close()
    tg.connect(f"/token/{STATIC}").close()
    tg.upgrade("/token/wrong").problem(401, "credentials-invalid")


def test_subprotocol(tg):
    """Sec-WebSocket-Protocol: tidegate, tidegate.bearer.<credential>"""
    with tg.connect("/ws/a", {"Sec-WebSocket-Protocol": f"tidegate, tidegate.bearer.{token()}"}) as ws:
        equal(ws.response.every("Sec-WebSocket-Protocol"), ["tidegate"])


def test_the_name_with_the_credential_is_never_selected(tg):
    """The name tidegate.bearer.… is never selected; tidegate is, if it was offered and nothing else fits"""
    name = f"tidegate.bearer.{token()}"
    for path, offer, answer in (
        ("/ws/a", name, []),
        ("/sub", f"tidegate, v1, {name}", ["v1"]),
        ("/sub", f"{name}, tidegate", ["tidegate"]),
    ):
        with tg.connect(path, {"Sec-WebSocket-Protocol": offer}) as ws:
            equal(ws.response.every("Sec-WebSocket-Protocol"), answer)


def test_several_credentials(tg):
    """Two in one request are 400 several-credentials, whatever they are."""
    for target, fields in (
        ("/page", bearer(STATIC) | {"X-API-Key": STATIC}),
        ("/page", bearer("x") | {"X-API-Key": "y"}),
        (f"/events?accessToken={STATIC}", bearer(STATIC)),
        (f"/page?accessToken={STATIC}&accessToken={STATIC}", {}),
    ):
        tg.get(target, fields).problem(400, "several-credentials").closing()
    tg.upgrade(f"/ws/a?accessToken={STATIC}", bearer(STATIC)).problem(400, "several-credentials")


def test_an_empty_one_is_none(tg):
    """An empty one is none."""
    tg.get("/page", {"X-API-Key": ""}).problem(401, "credentials-missing")
    tg.get("/page?accessToken=", bearer(STATIC)).ok()


def test_too_many_cookies_and_parameters(tg):
    """More than 64 cookies (too-many-cookies) or 32 parameters (too-many-parameters) are 400"""
    cookies = "; ".join(f"c{number}=x" for number in range(65))
    tg.get("/page", {"Cookie": cookies} | bearer(STATIC)).problem(400, "too-many-cookies")
    tg.get("/page", {"Cookie": cookies.rpartition(";")[0]} | bearer(STATIC)).ok()
    tg.get("/page?" + "&".join(["_=x"] * 33), bearer(STATIC)).problem(400, "too-many-parameters")
    tg.get("/page?" + "&".join(["_=x"] * 32), bearer(STATIC)).ok()


def test_parameters_of_events(tg):
    """(on /events 32 and twice --max-filters)"""
    tg.get("/events?" + "&".join(["_=x"] * 97), bearer(STATIC)).problem(400, "too-many-parameters")
    tg.events("?" + "&".join(["_=x"] * 96), bearer(STATIC)).conn.close()


def test_a_cookie_needs_an_origin(tg):
    """Cookies count only if the Origin is in the list, is that of the server, or Sec-Fetch-Site is same-origin"""
    cookie = {"Cookie": f"a=b; tg={token()}; c=d"}
    own = {"Origin": f"http://127.0.0.1:{tg.http_port}", "Host": f"127.0.0.1:{tg.http_port}"}
    tg.get("/page", cookie | own).ok()
    tg.get("/page", cookie | {"Sec-Fetch-Site": "same-origin"}).ok()
    tg.get("/page", cookie | {"Sec-Fetch-Site": "none"}).ok()
    tg.get("/page", cookie | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}).ok()
    tg.get("/page", cookie).problem(403, "origin-needed")
    tg.get("/page", cookie | {"Origin": "http://localhost:1"}).problem(403, "origin-needed")
    tg.get("/page", cookie | {"Sec-Fetch-Site": "cross-site"}).problem(403, "origin-needed")
    tg.get("/events", cookie | {"Sec-Fetch-Site": "none"}).problem(403, "origin-needed")
    tg.upgrade("/ws/a", cookie).problem(403, "origin-needed")
    tg.connect("/ws/a", cookie | {"Origin": f"http://127.0.0.1:{tg.ws_port}", "Host": f"127.0.0.1:{tg.ws_port}"}).close()


@served("--allow-origin", "https://app.example", **GUARDED)
def test_a_cookie_from_an_allowed_origin(tg):
    """answers to an origin that is spelt out in the list have Access-Control-Allow-Credentials: true"""
    response = tg.get("/page", {"Cookie": f"tg={token()}"} | ALLOWED).ok()
    equal(response.get("Access-Control-Allow-Credentials"), "true")
    equal(tg.get("/page", bearer(STATIC) | {"Origin": "http://localhost"}).get("Access-Control-Allow-Credentials"), None)


def test_a_password_and_origins(tg):
    """A password without Origin and Sec-Fetch-Site is taken, too: it comes from no page. Otherwise: origin-needed"""
    password = basic("ada", PASSWORD)
    tg.get("/page", password).ok()
    tg.get("/page", password | {"Origin": "http://localhost:1"}).problem(403, "origin-needed")
    tg.get("/page", password | {"Sec-Fetch-Site": "cross-site"}).problem(403, "origin-needed")


def test_cookies_are_not_for_the_api(tg):
    """cookie: all but the API"""
    tg.get("/api/rooms", {"Cookie": f"tg={MANAGER}", "Sec-Fetch-Site": "same-origin"}).problem(401, "credentials-missing")


def _challenges(response) -> list[str]:
    return response.every("WWW-Authenticate")


def test_missing(tg):
    """401 has WWW-Authenticate: Bearer realm="tidegate" ... and a second field with Basic on the HTTP listener"""
    response = tg.get("/page").problem(401, "credentials-missing").closing()
    equal(_challenges(response), ['Bearer realm="tidegate"', 'Basic realm="tidegate", charset="UTF-8"'])
    equal(_challenges(tg.upgrade("/ws/a").problem(401, "credentials-missing")), ['Bearer realm="tidegate"'])


def test_invalid(tg):
    """with error="invalid_token" unless there was none"""
    response = tg.get("/page", bearer("wrong")).problem(401, "credentials-invalid").closing()
    equal(_challenges(response)[0], 'Bearer realm="tidegate", error="invalid_token"')


def test_403_is_a_setting_of_the_route(tg):
    """Whether it is 401 or 403 is a setting of each route."""
    equal(_challenges(tg.upgrade("/strict").problem(403, "credentials-missing")), [])
    tg.upgrade("/strict", bearer("wrong")).problem(403, "credentials-invalid")


def test_refusals_close_and_what_follows_is_not_read(tg):
    """Each of these closes the connection, and what follows the request is not read; by host and origin, too"""
    elsewhere = [bearer(STATIC) | field for field in ({"Origin": "http://evil.example"}, {"Host": "evil.example"})]
    for fields in ({}, bearer("wrong"), *elsewhere):
        with tg.http() as conn:
            conn.send(head_of("GET", "/page", fields) + head_of("GET", "/hello"))
            read_response(conn).closing()
            conn.ended()


def test_nothing_is_repeated(tg):
    """Nothing of a request is repeated in an answer."""
    response = tg.get("/page?accessToken=echo-me")
    equal(b"echo-me" in response.head + response.body, False)


def test_what_is_for_everybody(tg):
    """For everybody are OPTIONS, /livez, /readyz, /hello, /openapi.json and /asyncapi.json"""
    for target in ("/livez", "/readyz", "/hello", "/openapi.json", "/asyncapi.json"):
        tg.get(target).ok()
        tg.get(target, bearer("wrong")).ok()
    for target in ("/page", "/events", "/api/rooms", "*"):
        tg.ask("OPTIONS", target).ok(204)
    for target in ("/metrics", "/events", "/api/rooms", "/@connections/x"):
        tg.get(target).problem(401, "credentials-missing")


def test_options_tell_nothing(tg):
    """OPTIONS is answered alike for every path that the server does not have itself"""

    def shape(target):
        response = tg.ask("OPTIONS", target)
        return response.status, [field for field in response.fields if field[0] != "Date"], response.body

    equal(shape("/page"), shape("/nowhere"))


def test_methods_come_after_credentials(tg):
    """without one every method but OPTIONS is refused for that"""
    for method in ("POST", "PUT", "DELETE", "BREW"):
        tg.ask(method, "/page").problem(401, "credentials-missing")


def test_a_path_that_is_not_there(tg):
    """A path that is not there is told (404) only to who has a good credential"""
    tg.get("/nowhere").problem(401, "credentials-missing")
    tg.get("/nowhere", bearer(STATIC)).problem(404, "not-found")
    tg.upgrade("/nowhere").problem(401, "credentials-missing")
    tg.upgrade("/nowhere", bearer(STATIC)).problem(404, "no-such-route")


def test_an_open_route(tg):
    """No credential is looked at there."""
    tg.connect("/open/a").close()
    tg.connect("/open/a", bearer("wrong")).close()


def test_an_open_route_replaces_nobody(tg):
    """A WebSocket on an open route ... replaces nobody who came by a credential."""
    name = fresh("id")
    with tg.connect(f"/ws/a?connectionId={name}", bearer(STATIC)) as owner:
        with tg.connect("/open/a") as ws:
            ws.text({"connectionId": name})
            ws.expect_error("connection-id-taken")
        owner.settled()


def test_authorization_faults(tg):
    """An Authorization field that comes twice, or has other characters than ASCII, is a fault."""
    tg.get("/page", [("Authorization", "Bearer x")] * 2).problem(400, "duplicate-header")
    tg.get("/page", {"Authorization": "Bearer é"}).problem(400, "bad-header")


def test_a_long_credential(tg):
    """--max-token 4KiB: a credential: credentials-invalid"""
    tg.get("/page", bearer("x" * 4097)).problem(401, "credentials-invalid")


def test_a_credential_with_other_characters(tg):
    """A static key with characters that Authorization does not have comes in another way."""
    tg.get("/page", {"Authorization": "Bearer a,b"}).problem(401, "credentials-invalid")


@alone
def test_a_key_with_other_characters_in_a_field():
    """A static key with characters that Authorization does not have comes in another way."""
    odd = "odd,key:with(0123456789abcdef)and;others@0123456789%"
    with Server(config=KEYS + ROUTES, env=ENV | {"T_STATIC": odd}) as tg:
        tg.get("/page?accessToken=" + quote(odd)).ok()


def test_a_ticket_is_no_bearer(tg):
    """a ticket and a password are good in their own way only"""
    tg.get("/page", bearer(ticket(tg, AS_MANAGER))).problem(401, "credentials-invalid")
    tg.get("/page", bearer(PASSWORD)).problem(401, "credentials-invalid")


def _own_address() -> str | None:
    """An address of this machine that is not on loopback; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address


@alone
def test_too_many_bad_credentials():
    """429 too-many-bad-credentials: 20 bad ones in a minute from that address; Retry-After. Nothing is looked at"""
    address = _own_address()
    if address is None:
        return  # loopback is not counted, and there is nothing else
    port = free_port()
    with Server("--http-addr", f"0.0.0.0:{port}", "--max-bad-credentials", "3", http_port=port, **GUARDED) as tg:

        def get(target: str, fields):
            with Conn((address, port)) as conn:
                return ask(conn, "GET", target, fields, host=address)

        for _ in range(3):
            # Only credentials-invalid counts as a bad one.
            get("/page", {}).problem(401, "credentials-missing")
            get("/page", bearer("wrong")).problem(401, "credentials-invalid")
        response = get("/page", bearer(STATIC)).problem(429, "too-many-bad-credentials").closing()
        true(1 <= int(response.get("Retry-After")) <= 60, "Retry-After")
        get("/hello", {}).ok()
        tg.get("/page", bearer(STATIC)).ok()
