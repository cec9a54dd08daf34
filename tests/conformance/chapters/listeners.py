"""Listeners, and which pages may connect."""

from ..cases import alone, served
from ..http1 import ask, head_of, read_head
from ..server import Server, free_port
from ..websocket import handshake_fields
from ..wire import Conn, Failure, equal


def test_hosts_of_loopback(tg):
    """must be localhost, a loopback address (127.0.0.0/8, ::1); port and case are ignored"""
    for host in ("localhost", "LocalHost:1", "127.0.0.1", "127.9.8.7:80", "[::1]", "[::1]:9"):
        tg.get("/hello", host=host).ok()
        tg.connect("/echo", {"Host": host}).close()


def test_other_hosts(tg):
    """Otherwise: 421 host-not-allowed."""
    for host in ("example.org", "localhost.example.org", "128.0.0.1", "[::2]", "127.0.0.1.nip.io"):
        tg.get("/hello", host=host).problem(421, "host-not-allowed")
        tg.upgrade("/echo", host=host).problem(421, "host-not-allowed")


@served("--allow-host", "Edge.example.org", "--allow-host", "two.example")
def test_allow_host(tg):
    """or a name given with --allow-host"""
    tg.get("/hello", host="edge.example.org:443").ok()
    tg.get("/hello", host="TWO.example").ok()
    tg.get("/hello", host="localhost").ok()
    tg.get("/hello", host="three.example").problem(421)


@served("--allow-host", "*")
def test_allow_any_host(tg):
    """(* allows any)"""
    tg.get("/hello", host="anything.example").ok()


def test_origins_of_loopback(tg):
    """on a loopback listener, be http:// or https:// with localhost or a loopback address and any port"""
    for origin in ("http://localhost", "https://localhost:1", "http://127.1.2.3:8000", "https://[::1]:3"):
        tg.get("/hello", {"Origin": origin}).ok()
        tg.connect("/echo", {"Origin": origin}).close()


def test_other_origins(tg):
    """Otherwise: 403 origin-not-allowed."""
    hosts = [f"http://{host}" for host in ("example.org", "localhost.example.org", "localhost@evil.example")]
    for origin in [*hosts, "null", "ftp://localhost", ""]:
        tg.get("/hello", {"Origin": origin}).problem(403, "origin-not-allowed")
        tg.upgrade("/echo", {"Origin": origin}).problem(403, "origin-not-allowed")


@served("--allow-origin", "https://One.example,null")
def test_allow_origin(tg):
    """must have been given with --allow-origin (compared ignoring case; null allows null)"""
    for origin in ("https://one.example", "HTTPS://ONE.example", "null", "http://localhost:5"):
        tg.get("/hello", {"Origin": origin}).ok()
    for origin in ("http://one.example", "https://one.example:8443"):
        tg.get("/hello", {"Origin": origin}).problem(403)


@served("--allow-origin", "*")
def test_allow_any_origin(tg):
    """* allows any"""
    tg.get("/hello", {"Origin": "https://any.example"}).ok()


def test_the_host_comes_before_the_origin(tg):
    """The conditions are looked at in this order (host, then origin)"""
    tg.upgrade("/", {"Origin": "http://evil.example"}, host="evil.example").problem(421)


@alone
def test_one_listener_for_both():
    """An address that is given to both options is one listener that serves both"""
    port = free_port()
    with Server(ws_port=port, http_port=port) as tg:
        tg.get("/hello").ok()
        tg.connect("/echo").close()
        tg.upgrade("/nowhere").problem(404, "no-such-route")
        tg.get("/echo").problem(404, "not-found")


@alone
def test_repeated_addresses():
    """Both options are repeatable."""
    ports = [free_port(), free_port()]
    options = [option for port in ports for option in ("--http-addr", f"127.0.0.1:{port}")]
    with Server(*options, http_port=ports[0]) as tg:
        tg.get("/hello").ok()
        with Conn(("127.0.0.1", ports[1])) as conn:
            ask(conn, "GET", "/hello").ok()


@alone
def test_without_ipv6_and_with():
    """it is at 127.0.0.1 and [::1] (localhost); without IPv6 the [::1] addresses are left out"""
    port = free_port()
    with Server("--ws-addr", f"localhost:{port}", ws_port=port) as tg:
        tg.connect("/echo").close()
        try:
            conn = Conn(("::1", port))
        except OSError:
            return  # a machine without IPv6
        with conn:
            conn.send(head_of("GET", "/echo", handshake_fields()))
            equal(read_head(conn).status, 101)


@alone
def test_an_address_beyond_loopback_needs_insecure():
    """An address that is not on loopback is accepted only if credentials are asked for, or with --insecure"""
    port = free_port()
    try:
        Server("--http-addr", f"0.0.0.0:{port}", http_port=port).stop()
    except Failure:
        pass  # it ended before it listened, as it should
    else:
        raise Failure("the server has started")
    with Server("--http-addr", f"0.0.0.0:{port}", "--insecure", http_port=port) as tg:
        tg.get("/hello").ok()


@alone
def test_beyond_loopback_any_host_is_taken():
    """A listener that is not on loopback takes any host as long as no --allow-host is given."""
    port = free_port()
    with Server("--http-addr", f"0.0.0.0:{port}", "--insecure", http_port=port) as tg:
        tg.get("/hello", host="any.example").ok()
        # Neither is there the rule for origins of loopback.
        tg.get("/hello", {"Origin": "http://localhost"}).problem(403, "origin-not-allowed")
    with Server("--http-addr", f"0.0.0.0:{port}", "--insecure", "--allow-host", "x.example", http_port=port) as tg:
        tg.get("/hello", host="any.example").problem(421, "host-not-allowed")
