"""Promises: one order, nothing skipped, nothing twice, close events once."""

import threading

from ..server import fresh
from ..websocket import CLOSE, close_payload
from ..wire import equal, true

CLIENTS, MESSAGES = 6, 150


def _crowd(tg, room: str, path: str = "/ws/{room}") -> list[str]:
    """Several clients say something at the same time, and then close; their names."""
    names = [fresh("c") for _ in range(CLIENTS)]

    def speak(name: str) -> None:
        with tg.connect(path.format(room=room)) as ws:
            for number in range(MESSAGES):
                ws.text({"connectionId": name, "n": number})
            ws.send(CLOSE, close_payload(1000))
            ws.conn.rest()

    threads = [threading.Thread(target=speak, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return names


def _everything(stream) -> list[tuple[str, int | str]]:
    """Who said what, in order: the numbers of each client, and its close."""
    result = []
    while sum(1 for _, what in result if what == "close") < CLIENTS:
        message = stream.message()
        if "close" in message:
            result.append((message["close"]["connectionId"], "close"))
        else:
            result.append((message["connectionId"], message["n"]))
    return result


def test_one_order_for_all_subscribers(tg):
    """One order per room, the same for all subscribers, live and resumed; its close last."""
    room = fresh()
    with tg.events(f"?room={room}") as one, tg.events(f"?room={room}") as two:
        names = _crowd(tg, room)
        live = _everything(one)
        equal(_everything(two), live, "the order of another stream")
        with tg.events(f"?room={room}", {"Last-Event-ID": one.start}) as resumed:
            equal(_everything(resumed), live, "the order of a resumed stream")
    for name in names:
        own = [what for who, what in live if who == name]
        equal(own, [*range(MESSAGES), "close"], "the order of one connection")


def test_members_have_the_order_of_subscribers(tg):
    """the same for all subscribers and members"""
    room = fresh()
    with tg.events(f"?room={room}") as stream, tg.connect(f"/chat/{room}") as one, tg.connect(f"/chat/{room}") as two:
        threads = []
        for word in "abc":

            def speak(word=word):
                with tg.connect(f"/chat/{room}") as ws:
                    for number in range(100):
                        ws.text(f"{word}{number}")
                    ws.send(CLOSE, close_payload(1000))
                    ws.conn.rest()

            threads.append(threading.Thread(target=speak))
        for thread in threads:
            thread.start()
        first = [one.expect_text() for _ in range(300)]
        equal([two.expect_text() for _ in range(300)], first)
        seen = []
        while len(seen) < 300:
            message = stream.message()
            if "close" not in message:
                seen.append(message["message"])
        equal(seen, first)
        for thread in threads:
            thread.join()


def test_a_resume_loses_nothing_and_repeats_nothing(tg):
    """Nothing comes twice ... on two of which the second resumes at the last id that the first has told"""
    room, name = fresh(), fresh("id")
    stop = threading.Event()

    def speak():
        with tg.connect(f"/ws/{room}?connectionId={name}") as ws:
            number = 0
            while not stop.is_set():
                ws.text({"connectionId": name, "n": number})
                ws.settled()  # one at a time, so that the log outlives the test
                number += 1
            ws.close()

    with tg.events(f"?room={room}") as stream:
        speaker = threading.Thread(target=speak)
        speaker.start()
        try:
            equal(stream.message(), {"connectionId": name})
            last, seen = stream.last, []
            for _ in range(10):
                with tg.events(f"?room={room}", {"Last-Event-ID": last}) as again:
                    seen += [message["n"] for message in again.messages(20)]
                    last = again.last
        finally:
            stop.set()
            speaker.join()
    equal(seen, list(range(200)))


def test_close_events_come_before_the_next_session(tg):
    """Close events come exactly once and, in the same room, before the first event of the next session of that name."""
    room, name = fresh(), fresh("id")
    sockets = []
    with tg.events(f"?room={room}&format=full") as stream:
        try:
            for _ in range(20):
                sockets.append(tg.connect(f"/ws/{room}?connectionId={name}"))
                # The next one comes when this one has the name, so that every one of them is a session.
                sockets[-1].settled()
            sockets[-1].close()
        finally:
            for ws in sockets:
                ws.conn.close()
        sessions, open_session = [], None
        while len(sessions) < 20:
            event = stream.message()
            if event["type"] == "close":
                equal(event["session"], open_session, "the close is that of the session before")
                sessions.append(open_session)
                open_session = None
            else:
                equal(open_session, None, "sessions at the same time")
                open_session = event["session"]
        equal(sessions, sorted(set(sessions)), "numbers grow")


def test_a_member_gets_every_message_after_its_101(tg):
    """A member gets every message of the others that is committed after it has received its 101"""
    room = fresh()
    for number in range(50):
        with tg.connect(f"/chat/{room}") as ws:
            tg.publish(room, str(number))
            equal(ws.expect_text(), str(number))


def test_a_subscriber_gets_every_event_after_its_first_byte(tg):
    """A subscriber gets every event that it is owed"""
    room = fresh()
    for number in range(50):
        with tg.events(f"?room={room}") as stream:
            tg.publish(room, str(number))
            equal(stream.message(), {"message": str(number)})


def test_everyone_is_told_once(tg):
    """every WebSocket every message that the API publishes to its rooms or to everyone"""
    sockets = [tg.connect(f"/chat/{fresh()}") for _ in range(20)]
    try:
        for number in range(10):
            answer = tg.post("/api/messages", {"to": "all", "text": str(number)}).ok().json()
            true(answer["members"] >= 20, "everyone is counted")
        for ws in sockets:
            equal([ws.expect_text() for _ in range(10)], [str(number) for number in range(10)])
            ws.settled()
    finally:
        for ws in sockets:
            ws.conn.close()


def test_a_pong_is_a_receipt(tg):
    """A pong leaves the server only after all that the client had sent before was committed or refused"""
    room, name = fresh(), fresh("id")
    with tg.connect(f"/ws/{room}?connectionId={name}") as ws:
        for number in range(50):
            ws.text({"connectionId": name, "number": number})
            ws.settled()
            with tg.events(f"?room={room}&since=earliest&follow=false") as stream:
                equal(stream.remaining()[-1].json(), {"connectionId": name, "number": number})
