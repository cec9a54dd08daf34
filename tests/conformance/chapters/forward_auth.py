"""Credentials: Forward-auth."""

import json
import socket
import threading

from ..cases import alone
from ..doors import ENV
from ..http1 import head_of, read_head
from ..server import Server, fresh
from ..websocket import TEXT, WebSocket, frame, handshake_fields
from ..wire import DEADLINE, Conn, equal, eventually, true

CONFIG = """
[[key]]
name = "manager"
secret = { env = "T_MANAGER" }
manage = true

[[route]]
path = "/asked/{room}"
behaviour = "relay"
auth = { forward = { url = "http://127.0.0.1:PORT/auth" } }

[auth.forward]
url = "http://127.0.0.1:PORT/auth"
"""


class Backend:
    """The service that is asked; `decide` says for each question what bytes it answers."""

    def __init__(self, decide):
        self.questions: list[str] = []
        self.decide = decide
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(accepted,), daemon=True).start()

    def _answer(self, accepted: socket.socket) -> None:
        conn = Conn.__new__(Conn)
        accepted.settimeout(DEADLINE)
        conn.sock, conn.buffer = accepted, b""
        with conn:
            question = conn.until(b"\r\n\r\n").decode()
            self.questions.append(question)
            answer = self.decide(question)
            if answer is None:
                conn.rest()  # no answer at all
            else:
                conn.send(answer)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.listener.close()


def _says(status: int, body: str = "", more: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n{body}".encode()


def _server(backend: Backend, *options: str) -> Server:
    return Server(*options, config=CONFIG.replace("PORT", str(backend.port)), env=ENV)


def _fields(question: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in question.split("\r\n")[1:] if line)


@alone
def test_what_the_service_gets():
    """> GET /auth HTTP/1.1, X-Forwarded-Method, -Proto, -Host, -Uri, -For, Cookie, Authorization"""
    with Backend(lambda _: _says(200)) as backend, _server(backend) as tg:
        room = fresh()
        target = f"/asked/{room}?connectionId=x&_=%20"
        fields = {
            "Host": "localhost:8080",
            "Cookie": "a=b",
            "Sec-Fetch-Site": "same-origin",
            "Authorization": "Bearer z",
            "X-Forwarded-For": "1.2.3.4",
            "X-Other": "y",
        }
        tg.connect(target, fields).close()
        question = backend.questions[0]
        true(question.startswith("GET /auth HTTP/1.1\r\n"), "the request line")
        fields = {name.lower(): value for name, value in _fields(question).items()}
        for name, value in {
            "x-forwarded-method": "GET",
            "x-forwarded-proto": "http",
            "x-forwarded-host": "localhost:8080",
            "x-forwarded-uri": target,
            "x-forwarded-for": "127.0.0.1",
            "cookie": "a=b",
            "authorization": "Bearer z",
        }.items():
            equal(fields.get(name), value, name)
        equal("x-other" in fields, False, "fields that are not configured")


@alone
def test_2xx_with_rights():
    """2xx: let in. JSON with the members of the claim tidegate, subject and expiresIn"""
    body = json.dumps({"connect": True, "publish": ["a"], "connectionId": "only", "subject": "eve", "expiresIn": 100})
    with Backend(lambda _: _says(204 if not body else 200, body)) as backend, _server(backend) as tg:
        with tg.connect("/asked/a") as ws:
            ws.text({"connectionId": "other"})
            ws.expect_error("not-allowed")
            ws.text({"connectionId": "only"})
            ws.settled()
            one = tg.get("/api/connections/only", {"Authorization": f"Bearer {ENV['T_MANAGER']}"}).ok().json()
            equal(one["subject"], "eve")
            true(one["expiresAt"] > one["connectedAt"], "expiresIn")
        tg.get("/events?room=a").problem(403, "not-allowed")


@alone
def test_2xx_with_an_empty_body():
    """if it names none, those of the configuration are (given)"""
    with Backend(lambda _: _says(200)) as backend, _server(backend) as tg:
        tg.connect("/asked/a?connectionId=x").close()
        tg.events("?room=a").conn.close()


@alone
def test_401_and_403():
    """401, 403: refused: the same status, credentials-invalid"""
    statuses = {"one": 401, "two": 403}
    with Backend(lambda question: _says(statuses["one" if "/one" in question else "two"])) as backend, _server(backend) as tg:
        tg.upgrade("/asked/one").problem(401, "credentials-invalid")
        tg.upgrade("/asked/two").problem(403, "credentials-invalid")


@alone
def test_anything_else():
    """anything else, a body that is not as above: refused: 503 auth-unavailable (Retry-After)"""
    answers = [
        _says(500),
        _says(404),
        _says(302, more="Location: http://127.0.0.1:1/\r\n"),
        _says(200, "no JSON"),
        _says(200, '{"unknown":1}'),
        _says(200, '{"connect":"yes"}'),
        _says(200, json.dumps({"subject": "x" * 4096})),
        b"nonsense\r\n\r\n",
        b"",
    ]
    with Backend(lambda question: answers[int(question.split("/asked/")[1].split("\r\n")[0])]) as backend:
        with _server(backend) as tg:
            for number in range(len(answers)):
                response = tg.upgrade(f"/asked/{number}").problem(503, "auth-unavailable")
                true(response.get("Retry-After"), "Retry-After")


@alone
def test_no_answer():
    """no answer within 2 s (--forward-time): 503 auth-unavailable"""
    with Backend(lambda _: None) as backend, _server(backend, "--forward-time", "500ms") as tg:
        tg.upgrade("/asked/a").problem(503, "auth-unavailable")
        tg.get("/events").problem(503, "auth-unavailable")


@alone
def test_answers_are_kept():
    """An answer is kept for 10 s for a request that is equal in all that was sent on."""
    with Backend(lambda _: _says(200)) as backend, _server(backend) as tg:
        for _ in range(3):
            tg.connect("/asked/a").close()
        equal(len(backend.questions), 1)
        tg.connect("/asked/b").close()
        tg.connect("/asked/a", {"Authorization": "Bearer x"}).close()
        equal(len(backend.questions), 3)


@alone
def test_no_cache():
    """--forward-cache: 0s: not at all"""
    with Backend(lambda _: _says(200)) as backend, _server(backend, "--forward-cache", "0s") as tg:
        for _ in range(3):
            tg.connect("/asked/a").close()
        equal(len(backend.questions), 3)


@alone
def test_the_api_never_goes_by_this():
    """The API never goes by this: it takes the server's keys in Authorization."""
    with Backend(lambda _: _says(200)) as backend, _server(backend) as tg:
        tg.get("/api/rooms").problem(401, "credentials-missing")
        tg.get("/api/rooms", {"Authorization": f"Bearer {ENV['T_MANAGER']}"}).ok()
        equal(backend.questions, [])


@alone
def test_frames_wait():
    """Frames that follow a handshake before the service has answered wait."""
    go = threading.Event()

    def decide(_):
        go.wait(DEADLINE)
        return _says(200)

    with Backend(decide) as backend, _server(backend, "--forward-time", "30s") as tg, tg.ws() as conn:
        conn.send(head_of("GET", "/asked/a", handshake_fields()) + frame(TEXT, b"early"))
        eventually(lambda: backend.questions, "the question")
        go.set()
        equal(read_head(conn).status, 101)
        WebSocket(conn, None).expect_error("not-json")


@alone
def test_cookies_need_an_origin():
    """If a cookie or a password is sent on, the rule for origins holds."""
    with Backend(lambda _: _says(200)) as backend, _server(backend) as tg:
        tg.upgrade("/asked/a", {"Cookie": "a=b"}).problem(403, "origin-needed")
        equal(backend.questions, [])
