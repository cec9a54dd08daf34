"""Back-pressure: slow readers, and slow senders."""

import struct
import threading

from ..cases import served
from ..server import fresh
from ..websocket import BINARY, PING, PONG
from ..wire import equal, eventually, true

# Small buffers on both sides, so that a reader who does not read is behind at once.
TIGHT = ("--send-buffer", "16KiB", "--room-log", "256KiB")
LITTLE = 4096  # a client's receive buffer, which the kernel rounds up
BLOCK = "x" * 8000


def _flood(tg, room: str, count: int, at_once: int = 50) -> list[str]:
    batch = {"messages": [{"room": room, "text": BLOCK}] * at_once}
    ids = []
    for _ in range(count // at_once):
        ids += [result["id"] for result in tg.post("/api/batch", batch).ok().json()["results"]]
    return ids


@served(*TIGHT)
def test_a_subscriber_that_lags_too_far_is_told_a_gap(tg):
    """if it lags further than the log reaches, it is told a gap"""
    room = fresh()
    with tg.events(f"?room={room}", receive_buffer=LITTLE) as stream:
        ids = _flood(tg, room, 200)
        seen, gaps, last = 0, 0, None
        while last != ids[-1]:
            event = stream.next()
            if event.name == "gap":
                gaps += 1
                seen += event.json()["missed"]
            else:
                seen += 1
            last = event.id
        true(gaps > 0, "a gap")
        # Of one room, live, a gap is exact: every event is there or counted.
        equal(seen, len(ids))


@served(*TIGHT)
def test_a_member_that_lags_too_far_is_closed(tg):
    """and a WebSocket is closed with 4408 if something that was for it is gone"""
    room = fresh()
    with tg.connect(f"/chat/{room}", receive_buffer=LITTLE) as ws, tg.events(f"?room={room}") as stream:
        _flood(tg, room, 200)
        while (frame := ws.receive()).opcode == 1:
            equal(frame.payload.decode(), BLOCK)
        equal((frame.opcode, frame.payload), (8, struct.pack("!H", 4408) + b"fell too far behind"))
        while "close" not in (message := stream.next().json()):
            pass
        equal((message["close"]["code"], message["close"]["by"]), (4408, "server"))


@served(*TIGHT)
def test_a_slow_reader_slows_nobody(tg):
    """A slow reader never slows a sender, nor other readers."""
    room = fresh()
    with tg.events(f"?room={room}", receive_buffer=LITTLE), tg.connect(f"/chat/{room}", receive_buffer=LITTLE):
        with tg.events(f"?room={room}") as quick:
            for _ in range(20):
                ids = _flood(tg, room, 10, at_once=10)
                while quick.last != ids[-1]:
                    equal(quick.message(), {"message": BLOCK})


@served("--send-buffer", "16KiB", "--write-stall", "1s")
def test_who_takes_nothing_is_cut_off(tg):
    """A connection of any kind that takes none of the bytes that wait for it for 10 s is cut off; close event 4408"""
    room = fresh()
    with tg.events(f"?room={room}") as stream, tg.connect(f"/chat/{room}", receive_buffer=LITTLE) as ws:
        _flood(tg, room, 100)
        while "close" not in (message := stream.next().json()):
            pass
        equal((message["close"]["code"], message["close"]["by"]), (4408, "timeout"))
        # What had been sent arrives, but no close frame.
        data = ws.conn.rest()
        equal(data[-4:], b"xxxx")


@served("--send-buffer", "16KiB")
def test_a_sender_is_slowed_by_not_being_read_from(tg):
    """or when 128 KiB of its own answers (echoes, errors, pongs, responses) wait for it. Messages are never dropped"""
    count = 1000
    payloads = [struct.pack("!I", number) + b"y" * 20000 for number in range(count)]
    sent = 0

    def speak():
        nonlocal sent
        for payload in payloads:
            ws.binary(payload)
            sent += 1

    with tg.connect("/echo", receive_buffer=LITTLE) as ws:
        speaker = threading.Thread(target=speak)
        speaker.start()
        # The echoes are far more than may wait; whoever reads them slower than they are said gets them all.
        for payload in payloads:
            equal(ws.expect(BINARY), payload)
        speaker.join()
    equal(sent, count)


def test_only_the_newest_pong_is_kept(tg):
    """Of several pongs that wait because the client does not read, only the newest is kept"""
    with tg.connect("/echo") as ws:
        for number in range(1000):
            ws.send(PING, struct.pack("!I", number))
        numbers = []
        while not numbers or numbers[-1] != 999:
            numbers.append(struct.unpack("!I", ws.expect(PONG))[0])
        equal(numbers, sorted(set(numbers)))


@served("--outbox", "64KiB", "--send-buffer", "16KiB")
def test_outbox_full(tg):
    """429 outbox-full: so much waits for the connection that it is not given more (half of --outbox); Retry-After: 1"""
    name = fresh("slow")
    with tg.connect(f"/?connectionId={name}", receive_buffer=LITTLE) as ws:
        sent = 0

        def refused():
            nonlocal sent
            response = tg.post(f"/api/connections/{name}", {"text": BLOCK})
            sent += response.status == 202
            return response if response.status != 202 else None

        response = eventually(refused, "a full outbox").problem(429, "outbox-full")
        equal(response.get("Retry-After"), "1")
        for _ in range(sent):
            equal(ws.expect_text(), BLOCK)
        ws.settled()
