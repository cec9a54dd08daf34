"""A backend: speaks to the WebSockets of a server by its HTTP API. Needs nothing but Python.

    python3 backend.py list [ROOM]             who is connected
    python3 backend.py rooms                   which rooms there are, and how many are in each
    python3 backend.py publish ROOM WORDS...   to all in a room
    python3 backend.py everyone WORDS...       to all, whatever their room
    python3 backend.py send NAME WORDS...      to one
    python3 backend.py close NAME [REASON...]  closes one

TIDEGATE_URL says where the server is, if not at http://localhost:8080.
"""

import argparse
import json
import os
import sys
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

SERVER = os.environ.get("TIDEGATE_URL", "http://localhost:8080")


def ask(method, path, body=None, **query):
    """What the server answers; a refusal ends the program with the server's own words."""
    query = {name: value for name, value in query.items() if value}
    url = f"{SERVER}/api{path}" + (f"?{urlencode(query)}" if query else "")
    data = None if body is None else json.dumps(body).encode()
    try:
        request = Request(url, data, {"Content-Type": "application/json"}, method=method)
        with urlopen(request, timeout=10) as response:
            text = response.read()
    except HTTPError as refusal:
        problem = json.load(refusal)
        sys.exit(f"{problem['status']} {problem['code']}: {problem['detail']}")
    except (OSError, HTTPException, ValueError):
        sys.exit(f"nobody answers at {SERVER}: is the server running?")
    return json.loads(text) if text else None


def pages(path, member, **query):
    """All entries of a list that comes page by page."""
    token = None
    while True:
        page = ask("GET", path, **query, after=token)
        yield from page[member]
        token = page["next"]
        if token is None:
            return


def list_(room):
    for connection in pages("/connections", "connections", room=room):
        print(connection["connectionId"], "in", connection["room"])


def rooms():
    for room in pages("/rooms", "rooms"):
        print(room["room"], "has", room["connections"])


def publish(room, words):
    told = ask("POST", f"/rooms/{quote(room, safe='')}/messages", {"text": " ".join(words)})
    print("published to", told["members"])


def everyone(words):
    told = ask("POST", "/messages", {"text": " ".join(words), "to": "all"})
    print("published to", told["members"])


def send(name, words):
    ask("POST", f"/connections/{quote(name, safe='')}", {"text": " ".join(words)})
    print("sent")


def close(name, reason):
    ask("DELETE", f"/connections/{quote(name, safe='')}", code="1000", reason=" ".join(reason))
    print("closed")


def main():
    parser = argparse.ArgumentParser(description="Speaks to the WebSockets of a Tidegate by its HTTP API.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command, name, what, arguments in [
        (list_, "list", "who is connected", [("room", "?")]),
        (rooms, "rooms", "which rooms there are", []),
        (publish, "publish", "say something to all in a room", [("room", None), ("words", "+")]),
        (everyone, "everyone", "say something to all", [("words", "+")]),
        (send, "send", "say something to one", [("name", None), ("words", "+")]),
        (close, "close", "close one", [("name", None), ("reason", "*")]),
    ]:
        subparser = commands.add_parser(name, help=what)
        subparser.set_defaults(command=command)
        for argument, count in arguments:
            subparser.add_argument(argument, nargs=count)
    arguments = vars(parser.parse_args())
    arguments.pop("command")(**arguments)


if __name__ == "__main__":
    main()
