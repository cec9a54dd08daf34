"""The API: Repeating a request."""

from ..cases import served
from ..http1 import read_response
from ..server import fresh
from ..wire import equal


def _post(tg, key, path, message):
    return tg.post(path, message, {"Idempotency-Key": key})


def test_the_first_answer_is_given_again(tg):
    """given again to the same request, with Idempotency-Replayed: true; the message is not sent again"""
    room, key = fresh(), fresh("key")
    path = f"/api/rooms/{room}/messages"
    first = _post(tg, key, path, {"text": "x"}).ok()
    second = _post(tg, key, path, {"text": "x"}).ok()
    equal((first.get("Idempotency-Replayed"), second.get("Idempotency-Replayed")), (None, "true"))
    equal((second.status, second.body), (first.status, first.body))
    equal(tg.get(f"/api/rooms/{room}").json()["events"], 1)


def test_without_a_key_it_is_sent_again(tg):
    """A POST below /api may have an Idempotency-Key"""
    room = fresh()
    tg.publish(room, "x")
    tg.publish(room, "x")
    equal(tg.get(f"/api/rooms/{room}").json()["events"], 2)


def test_another_path_or_body(tg):
    """The same key with another path or body is 422 idempotency-key-reused"""
    room, key = fresh(), fresh("key")
    _post(tg, key, f"/api/rooms/{room}/messages", {"text": "x"}).ok()
    _post(tg, key, f"/api/rooms/{room}/messages", {"text": "y"}).problem(422, "idempotency-key-reused")
    _post(tg, key, "/api/messages", {"text": "x"}).problem(422, "idempotency-key-reused")


def test_bad_keys(tg):
    """1 to 255 printable ASCII characters, else 400 bad-idempotency-key"""
    for key in ("", "x" * 256, "é"):
        _post(tg, key, "/api/messages", {"text": "x"}).problem(400, "bad-idempotency-key")
    _post(tg, "x" * 255, "/api/messages", {"text": "x"}).ok()
    _post(tg, 'a "b" ~!', "/api/messages", {"text": "x"}).ok()


def test_a_request_that_failed_may_be_repeated(tg):
    """A request that failed may be repeated under its key"""
    name, key = fresh("id"), fresh("key")
    _post(tg, key, f"/api/connections/{name}", {"text": "x"}).problem(404)
    with tg.connect(f"/?connectionId={name}") as ws:
        _post(tg, key, f"/api/connections/{name}", {"text": "x"}).ok(202)
        equal(_post(tg, key, f"/api/connections/{name}", {"text": "x"}).ok(202).get("Idempotency-Replayed"), "true")
        equal(ws.expect_text(), "x")
        ws.settled()


def test_a_batch_is_kept_whatever_its_results(tg):
    """The first answer of status 2xx to a key (a batch's, too, whatever its results) is kept"""
    key, batch = fresh("key"), {"messages": [{"connectionId": "nobody", "text": "x"}]}
    first = _post(tg, key, "/api/batch", batch).ok()
    second = _post(tg, key, "/api/batch", batch).ok()
    equal((second.get("Idempotency-Replayed"), second.body), ("true", first.body))


@served("--max-idempotency-keys", "2")
def test_the_oldest_goes_first(tg):
    """of at most 10,000 keys ...; the oldest goes first"""
    keys = [fresh("key") for _ in range(3)]
    for key in keys:
        _post(tg, key, "/api/messages", {"text": "x"}).ok()
    equal(_post(tg, keys[2], "/api/messages", {"text": "x"}).get("Idempotency-Replayed"), "true")
    equal(_post(tg, keys[0], "/api/messages", {"text": "x"}).get("Idempotency-Replayed"), None)


def test_repeats_on_one_connection(tg):
    """given again to the same request (pipelined behind it, too)"""
    room, key = fresh(), fresh("key")
    body = b'{"text":"x"}'
    request = (
        f"POST /api/rooms/{room}/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    with tg.http() as conn:
        conn.send(request * 3)
        answers = [read_response(conn).ok() for _ in range(3)]
    equal([answer.get("Idempotency-Replayed") for answer in answers], [None, "true", "true"])
    equal(tg.get(f"/api/rooms/{room}").json()["events"], 1)
