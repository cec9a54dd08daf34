"""The server under test, as a child process on free ports of loopback."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

from . import events, http1, websocket
from .wire import DEADLINE, Conn, Failure, true

_numbers = itertools.count(1)
_ports_lock = threading.Lock()
_ports_given: set[int] = set()


def fresh(word: str = "room") -> str:
    """A name that no other test uses."""
    return f"{word}-{next(_numbers)}"


def free_port() -> int:
    """A port that was free a moment ago, and that nobody in this process was given before."""
    with _ports_lock:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            if port not in _ports_given:
                _ports_given.add(port)
                return port


class Server:
    binary = "tidegate"  # the command line says which

    def __init__(
        self,
        *options: str,
        config: str | None = None,
        env: dict[str, str] | None = None,
        ws_port: int | None = None,
        http_port: int | None = None,
    ):
        """`options` with addresses of their own need to say, too, on which ports the server is to be met."""
        self.ws_port = ws_port or free_port()
        self.http_port = http_port or free_port()
        self.directory = tempfile.TemporaryDirectory(prefix="conformance-")
        command = [self.binary]
        if "--ws-addr" not in options:
            command += ["--ws-addr", f"127.0.0.1:{self.ws_port}"]
        if "--http-addr" not in options:
            command += ["--http-addr", f"127.0.0.1:{self.http_port}"]
        self.config = Path(self.directory.name, "tidegate.toml")
        if config is not None:
            self.config.write_text(config)
            command += ["--config", str(self.config)]
        self.log = Path(self.directory.name, "log")
        # What the caller's environment says about Tidegate must not decide a test.
        clean = {key: value for key, value in os.environ.items() if not key.startswith("TIDEGATE_") and key != "RUST_LOG"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *options], env=clean | (env or {}), stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self._await_listeners()

    def _await_listeners(self) -> None:
        for port in {self.ws_port, self.http_port}:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), DEADLINE).close()
                    break
                except ConnectionRefusedError:
                    # There is nothing to be told by but the exit or the port.
                    try:
                        self.process.wait(0.01)
                    except subprocess.TimeoutExpired:
                        continue
                    raise Failure(f"the server did not start: {self.log.read_text()}") from None

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)
        self.directory.cleanup()

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def exit_status(self) -> int:
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise Failure("the process does not end") from None

    # Connections.

    def http(self, **how) -> Conn:
        return Conn(("127.0.0.1", self.http_port), **how)

    def ws(self, **how) -> Conn:
        return Conn(("127.0.0.1", self.ws_port), **how)

    def ask(self, method: str, target: str, fields: http1.Fields = (), body: bytes | None = None, **how) -> http1.Response:
        """A request on an HTTP connection of its own."""
        with self.http() as conn:
            return http1.ask(conn, method, target, fields, body, **how)

    def get(self, target: str, fields: http1.Fields = (), **how) -> http1.Response:
        return self.ask("GET", target, fields, **how)

    def post(self, target: str, message, fields: http1.Fields = ()) -> http1.Response:
        pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        return self.ask("POST", target, [("Content-Type", "application/json"), *pairs], body)

    def raw(self, request: bytes, listener: str = "http") -> http1.Response:
        """The answer to bytes as they are; the connection has to close behind it, if it says so."""
        with getattr(self, listener)() as conn:
            conn.send(request)
            response = http1.read_response(conn)
            if (response.get("Connection") or "").lower() == "close":
                conn.ended()
            return response

    def upgrade(self, target: str, fields: http1.Fields = (), **how) -> http1.Response:
        """A handshake that is expected to be refused."""
        with self.ws() as conn:
            conn.send(http1.head_of(how.pop("method", "GET"), target, websocket.handshake_fields(fields), **how))
            response = http1.read_response(conn)
            true(response.status != 101, "the handshake was accepted")
            conn.ended("a refused handshake")
            return response.closing()

    def connect(self, target: str, fields: http1.Fields = (), **how) -> websocket.WebSocket:
        conn = self.ws(**how)
        conn.send(http1.head_of("GET", target, websocket.handshake_fields(fields)))
        response = http1.read_head(conn)
        if response.status != 101:
            raise Failure(f"handshake of {target}: {response.head!r} {conn.rest()!r}")
        return websocket.WebSocket(conn, response)

    def events(self, query: str = "", fields: http1.Fields = (), **how) -> events.Stream:
        conn = self.http(**how)
        conn.send(http1.head_of("GET", "/events" + query, fields))
        response = http1.read_head(conn)
        if response.status != 200:
            raise Failure(f"/events{query}: {response.head!r} {conn.rest()!r}")
        return events.Stream(conn, response)

    # What several chapters ask for.

    def publish(self, room: str, text: str) -> dict:
        return self.post(f"/api/rooms/{room}/messages", {"text": text}).ok().json()

    def connections(self, room: str) -> list[dict]:
        return self.get(f"/api/connections?room={room}").ok().json()["connections"]

    def metric(self, name: str) -> float:
        """The sample of this name, labels included."""
        match = re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics").ok().body.decode(), re.M)
        if not match:
            raise Failure(f"no sample of {name}")
        return float(match[1])
