"""A configuration that asks for credentials, and what opens its doors."""

from __future__ import annotations

import base64
import hmac
import json
import time
from urllib.parse import quote

MANAGER = "manager-0123456789abcdef-0123456789abcdef"
STATIC = "static-0123456789abcdef-0123456789abcdef"
SECRET = "signing-0123456789abcdef-0123456789abcdef"
KID_SECRET = "other-0123456789abcdef-0123456789abcdef"
PASSWORD = "pass:word-0123456789abcdef-0123456789abcdef"

ENV = {"T_MANAGER": MANAGER, "T_STATIC": STATIC, "T_SECRET": SECRET, "T_KID": KID_SECRET, "T_PASSWORD": PASSWORD}

KEYS = """
[auth]
cookie = "tg"
query = "accessToken"

[[key]]
name = "manager"
secret = { env = "T_MANAGER" }
manage = true

[[key]]
name = "static"
secret = { env = "T_STATIC" }

[[key]]
name = "tokens"
algorithm = "HS256"
secret = { env = "T_SECRET" }

[[key]]
name = "tokens-of-id"
algorithm = "HS256"
id = "k1"
issuer = "https://issuer.example"
audience = "tidegate"
secret = { env = "T_KID" }

[[key]]
name = "people"
user = "ada"
password = { env = "T_PASSWORD" }
"""

ROUTES = """
[[route]]
path = "/ws/{room}"
behaviour = "relay"

[[route]]
path = "/chat/{room}"
behaviour = "broadcast"

[[route]]
path = "/multi/{room}"
behaviour = "broadcast"
rooms = true
since = true

[[route]]
path = "/token/{token}"
behaviour = "echo"

[[route]]
path = "/open/{room}"
behaviour = "relay"
open = true

[[route]]
path = "/strict"
behaviour = "echo"
auth = { refuse = 403 }

[[route]]
path = "/sub"
behaviour = "echo"
subprotocols = ["v1"]

[[route]]
path = "/echo-out/{room}"
behaviour = "echo"
publish = true

[[page]]
path = "/page"
text = "page"
"""

# For `served`: a server with all of this.
GUARDED = {"config": KEYS + ROUTES, "env": ENV}


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed(head: str | dict, claims: str | dict, secret: str = SECRET, digest: str = "sha256") -> str:
    """A token of exactly these parts; text is taken as it is, so that it may also be no good JSON."""
    parts = [part if isinstance(part, str) else json.dumps(part) for part in (head, claims)]
    text = ".".join(_part(part.encode()) for part in parts)
    return f"{text}.{_part(hmac.digest(secret.encode(), text.encode(), digest))}"


def token(secret: str = SECRET, head: dict | None = None, lasts: float = 600, **claims) -> str:
    """A good token, unless something is said against it; a claim of None is left out."""
    claims = {"exp": int(time.time() + lasts)} | claims
    claims = {name: value for name, value in claims.items() if value is not None}
    return signed({"alg": "HS256", "typ": "JWT"} | (head or {}), claims, secret)


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def holder(**rights) -> dict[str, str]:
    """The field of somebody with these rights and no others."""
    return bearer(token(tidegate=rights))


def ticket(tg, fields: dict[str, str], **wanted) -> str:
    return quote(tg.post("/api/tickets", wanted, fields).ok(201).json()["ticket"], safe="")


AS_MANAGER = bearer(MANAGER)
