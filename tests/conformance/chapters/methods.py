"""HTTP: Methods, the paths, and CORS."""

from ..cases import served
from ..http1 import head_of, read_head
from ..server import fresh
from ..websocket import handshake_fields
from ..wire import equal, true

ORIGIN = "http://localhost:3000"
PAGES = """
[[page]]
path = "/"
text = "<p>hello"
type = "text/html"
"""


def _allow(response) -> set[str]:
    return {method.strip() for method in (response.get("Allow") or "").split(",")}


def test_hello(tg):
    """/hello: application/json: {"response":"world"}"""
    response = tg.get("/hello").ok()
    equal((response.get("Content-Type"), response.body), ("application/json", b'{"response":"world"}'))


def test_livez_and_readyz(tg):
    """text/plain; charset=utf-8: ok and a line feed"""
    for target in ("/livez", "/readyz"):
        response = tg.get(target).ok()
        equal((response.get("Content-Type"), response.body), ("text/plain; charset=utf-8", b"ok\n"))


def test_not_found(tg):
    """GET elsewhere: 404 not-found"""
    for method in ("GET", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"):
        tg.ask(method, "/nowhere").problem(404, "not-found")
    equal(tg.ask("HEAD", "/nowhere").status, 404)


def test_head(tg):
    """HEAD: the head that GET would have"""

    def shape(response):
        return [field for field in response.fields if field[0] != "Date"]

    for target in ("/hello", "/livez", "/api/rooms/none", "/openapi.json", "/api/connections"):
        get, head = tg.get(target), tg.ask("HEAD", target)
        equal((head.status, shape(head)), (get.status, shape(get)), target)


def test_head_has_no_body(tg):
    """HEAD: the head that GET would have (the next request is found right behind it)"""
    with tg.http() as conn:
        conn.send(head_of("HEAD", "/hello") + head_of("GET", "/livez"))
        equal(read_head(conn).status, 200)
        equal(read_head(conn).status, 200)
        equal(conn.exactly(3), b"ok\n")


def test_head_of_events(tg):
    """for /events the connection then closes"""
    with tg.http() as conn:
        conn.send(head_of("HEAD", "/events"))
        response = read_head(conn)
        equal((response.status, response.get("Content-Type")), (200, "text/event-stream"))
        response.closing()
        conn.ended()


def test_options(tg):
    """OPTIONS: 204, Allow with the path's methods"""
    response = tg.ask("OPTIONS", "/hello").ok(204)
    equal(_allow(response), {"GET", "HEAD", "OPTIONS"})
    equal(_allow(tg.ask("OPTIONS", "/api/messages").ok(204)), {"POST", "OPTIONS"})
    equal(_allow(tg.ask("OPTIONS", "/api/connections/x").ok(204)), {"GET", "HEAD", "POST", "DELETE", "OPTIONS"})


def test_options_of_everything(tg):
    """also OPTIONS *"""
    tg.ask("OPTIONS", "*").ok(204)


def test_a_method_that_the_path_does_not_have(tg):
    """one that the path does not have; PUT, PATCH: 405 method-not-allowed, Allow with the path's methods"""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        equal(_allow(tg.ask(method, "/hello").problem(405, "method-not-allowed")), {"GET", "HEAD", "OPTIONS"})
    tg.get("/api/messages").problem(405, "method-not-allowed")


def test_any_other_method(tg):
    """any other: 501 unknown-method (everywhere)"""
    for method in ("BREW", "TRACE", "get", "PROPFIND"):
        for target in ("/hello", "/nowhere"):
            tg.ask(method, target).problem(501, "unknown-method")


def test_websocket_elsewhere(tg):
    """a request whose Upgrade lists websocket gets 421 websocket-elsewhere, whatever its path and method, and closes"""
    for method, target in (("GET", "/"), ("GET", "/events"), ("POST", "/nowhere")):
        with tg.http() as conn:
            conn.send(head_of(method, target, handshake_fields()))
            response = read_head(conn)
            equal(response.status, 421)
            response.closing()
            true(b'"code":"websocket-elsewhere"' in conn.rest(), "the code")


def test_no_store(tg):
    """All but pages answer with Cache-Control: no-store."""
    for target in ("/hello", "/livez", "/metrics", "/nowhere", "/api/rooms", "/openapi.json"):
        equal(tg.get(target).get("Cache-Control"), "no-store", target)


def test_no_store_on_refusals_and_faults(tg):
    """All but pages answer with Cache-Control: no-store (refusals by host and origin, and faults, too)."""
    for fields in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Expect": "x"}, {"A b": "c"}):
        equal(tg.get("/hello", fields).get("Cache-Control"), "no-store", str(fields))
    equal(tg.ask("OPTIONS", "/hello").get("Cache-Control"), "no-store", "OPTIONS")


def test_only_events_and_the_api_look_at_their_query(tg):
    """Only /events and the API look at their query."""
    for target in ("/hello?x=1", "/livez?room=*&x", "/metrics?x"):
        tg.get(target).ok()
    for target in ("/events?x=1", "/api/rooms?x=1", "/api/connections?x=1"):
        tg.get(target).problem(400, "unknown-parameter")


@served(config=PAGES)
def test_pages(tg):
    """pages: a strong ETag, Cache-Control: no-cache and X-Content-Type-Options: nosniff"""
    response = tg.get("/").ok()
    equal(response.body, b"<p>hello")
    equal(response.get("Cache-Control"), "no-cache")
    equal(response.get("X-Content-Type-Options"), "nosniff")
    tag = response.get("ETag")
    true(tag.startswith('"') and tag.endswith('"'), "a strong ETag")


@served(config=PAGES)
def test_pages_that_the_client_has(tg):
    """304 if If-None-Match has that tag or *"""
    tag = tg.get("/").get("ETag")
    for value in (tag, "*", f'"x", {tag}', f"W/{tag}"):
        response = tg.get("/", {"If-None-Match": value}).ok(304)
        equal(response.get("ETag"), tag)
    tg.get("/", {"If-None-Match": '"other"'}).ok(200)


def test_vary(tg):
    """Responses have Vary: Origin"""
    for target in ("/hello", "/nowhere", "/api/rooms"):
        equal(tg.get(target).get("Vary"), "Origin", target)
    equal(tg.get("/hello", host="evil.example").get("Vary"), "Origin")


def test_vary_on_faults(tg):
    """Responses other than faults have Vary: Origin"""
    equal(tg.get("/%zz").get("Vary"), None)


def test_allowed_origins_are_repeated(tg):
    """if the request had an (allowed) origin, Access-Control-Allow-Origin with that origin, problems included"""
    for target in ("/hello", "/nowhere", "/api/rooms", "/events?x=1"):
        equal(tg.get(target, {"Origin": ORIGIN}).get("Access-Control-Allow-Origin"), ORIGIN, target)
    equal(tg.get("/hello").get("Access-Control-Allow-Origin"), None)
    with tg.events("", {"Origin": ORIGIN}) as stream:
        equal(stream.response.get("Access-Control-Allow-Origin"), ORIGIN)


def test_a_preflight(tg):
    """A preflight from an allowed origin also gets Access-Control-Allow-Methods, -Headers and -Max-Age: 600"""
    response = tg.ask(
        "OPTIONS",
        f"/api/rooms/{fresh()}/messages",
        {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"},
    ).ok(204)
    equal(response.get("Access-Control-Allow-Origin"), ORIGIN)
    methods = {method.strip() for method in response.get("Access-Control-Allow-Methods").split(",")}
    equal(methods, _allow(response))
    equal(
        response.get("Access-Control-Allow-Headers"),
        "Last-Event-ID, Authorization, Content-Type, Idempotency-Key, X-API-Key",
    )
    equal(response.get("Access-Control-Max-Age"), "600")


def test_refusals_have_no_cors_headers(tg):
    """Refusals by host or origin and faults have no CORS headers."""
    for fields in ({"Origin": "http://evil.example"}, {"Origin": ORIGIN, "Host": "evil.example"}):
        response = tg.get("/hello", fields)
        true(response.status in (403, 421), "refused")
        equal(response.every("Access-Control-Allow-Origin"), [])
    equal(tg.get("/%zz", {"Origin": ORIGIN}).problem(400).every("Access-Control-Allow-Origin"), [])


def test_no_credentials_without_a_cookie(tg):
    """withCredentials must be false, unless a cookie is a credential there"""
    equal(tg.get("/hello", {"Origin": ORIGIN}).get("Access-Control-Allow-Credentials"), None)
