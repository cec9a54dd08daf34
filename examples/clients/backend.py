"""A backend: reads all events, answers each message by the API, and misses nothing when it is cut off.

    python3 backend.py [URL]                # else TIDEGATE_URL, else http://localhost:8082
"""

import json
import os
import random
import sys
import time
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TIDEGATE_URL", "http://localhost:8082")
TOKEN = os.environ.get("TIDEGATE_TOKEN")  # where keys are configured
CREDENTIAL = {"Authorization": f"Bearer {TOKEN}"} if TOKEN else {}
last = None  # the id of the last event that was dealt with


def answer(connection, words):
    body = json.dumps({"json": {"answer": words}}).encode()
    headers = {**CREDENTIAL, "Content-Type": "application/json"}
    try:
        urlopen(Request(f"{URL}/api/connections/{quote(connection, safe='')}", body, headers)).close()
    except HTTPError as refusal:  # 404 and 410: it has left in the meantime
        print(connection, json.load(refusal)["detail"], file=sys.stderr)


def deal(event):
    global last
    kind, data, name = event["type"], event.get("data"), event.get("connectionId")
    if kind == "gap":
        print("missed", event["missed"] or "some, or none", flush=True)
    if kind == "close":
        print(name, "has left:", data["close"]["code"], flush=True)
    # What the API publishes is nobody's: there is no connection to answer.
    if kind == "message" and name is not None and isinstance(data.get("message"), str):
        print(f"{name}: {data['message']}", flush=True)
        answer(name, data["message"].upper())
    last = event.get("id", last)  # only now: what was not dealt with comes again


def watch():
    headers = {**CREDENTIAL, "Accept": "application/x-ndjson", **({"Last-Event-ID": last} if last else {})}
    with urlopen(Request(f"{URL}/events", headers=headers), timeout=45) as stream:  # 15 s: a heartbeat
        print("watching", flush=True)
        for line in stream:
            if line.endswith(b"\n") and line.strip():  # an empty one is a heartbeat
                deal(json.loads(line))


while True:
    try:
        watch()
    except (OSError, HTTPException) as error:
        print(error, file=sys.stderr)
    time.sleep(random.uniform(0.5, 1))
