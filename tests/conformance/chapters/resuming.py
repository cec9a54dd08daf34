"""GET /events: Resuming, and gaps."""

from ..cases import alone, served
from ..server import Server, fresh
from ..wire import equal, eventually, true

# The smallest logs: a test soon has some events too many.
SMALL = ("--room-log-events", "10")


def _publish(tg, room: str, count: int) -> list[str]:
    return [tg.publish(room, str(number))["id"] for number in range(count)]


def _texts(stream, count: int) -> list[str]:
    return [message["message"] for message in stream.messages(count)]


def test_a_stream_resumes_behind_an_id(tg):
    """A stream that resumes at an id delivers every matching event that comes after it, each once, in order, then live"""
    room = fresh()
    ids = _publish(tg, room, 5)
    with tg.events(f"?room={room}", {"Last-Event-ID": ids[1]}) as stream:
        equal(stream.start, ids[1])
        equal(_texts(stream, 3), ["2", "3", "4"])
        tg.publish(room, "live")
        equal(_texts(stream, 1), ["live"])


def test_last_event_id_as_a_parameter(tg):
    """lastEventId: resume after this id"""
    room = fresh()
    ids = _publish(tg, room, 3)
    with tg.events(f"?room={room}&lastEventId={ids[0]}") as stream:
        equal(_texts(stream, 2), ["1", "2"])


def test_the_first_that_is_there_and_not_empty_decides(tg):
    """the Last-Event-ID header, lastEventId, since=earliest, now"""
    room = fresh()
    ids = _publish(tg, room, 4)
    for header, query, first in (
        (ids[2], f"lastEventId={ids[0]}&since=earliest", "3"),
        ("", f"lastEventId={ids[0]}&since=earliest", "1"),
        ("", "lastEventId=&since=earliest", "0"),
    ):
        with tg.events(f"?room={room}&{query}", {"Last-Event-ID": header}) as stream:
            equal(_texts(stream, 1), [first])


def test_every_id_of_a_stream_can_be_resumed_at(tg):
    """nor on two of which the second resumes at the last id that the first has told, in whichever block"""
    room = fresh()
    with tg.events(f"?room={room}") as stream:
        _publish(tg, room, 4)
        ids = [stream.start]
        for _ in range(4):
            stream.next()
            ids.append(stream.last)
    for index, identity in enumerate(ids):
        with tg.events(f"?room={room}&follow=false", {"Last-Event-ID": identity}) as stream:
            equal([event.json()["message"] for event in stream.remaining()], [str(n) for n in range(index, 4)])


def test_an_id_may_be_used_with_any_filter_and_format(tg):
    """may be used with any filter and format, whatever those were when it was received"""
    one, two = fresh(), fresh()
    first = tg.publish(one, "a")["id"]
    tg.publish(two, "b")
    tg.publish(one, "c")
    with tg.events(f"?room={two}&format=full", {"Last-Event-ID": first}) as stream:
        equal(stream.message()["data"], {"message": "b"})
    with tg.events(f"?room={one}&room={two}", {"Last-Event-ID": first}) as stream:
        equal(sorted(_texts(stream, 2)), ["b", "c"])


def _null_gap_first(stream) -> None:
    gap = stream.next()
    equal((gap.name, gap.data), ("gap", '{"missed":null}'))
    equal(gap.raw.decode(), f'event: gap\nid: {gap.id}\ndata: {{"missed":null}}\n\n')


def test_an_id_that_cannot_be_placed(tg):
    """Any Last-Event-ID is answered with 200. One that cannot be placed begins like since=earliest, with a gap of null"""
    room = fresh()
    identity = _publish(tg, room, 2)[-1]
    ahead = identity[:-1] + "9" * 4
    for header in ("unknown", "0", "x" * 200, "not an id!", ahead, identity.swapcase()):
        with tg.events(f"?room={room}", {"Last-Event-ID": header}) as stream:
            _null_gap_first(stream)
            equal(_texts(stream, 2), ["0", "1"])


def test_the_parameter_is_answered_alike(tg):
    """Any Last-Event-ID is answered with 200 (given as lastEventId, too)."""
    room = fresh()
    _publish(tg, room, 1)
    with tg.events(f"?room={room}&lastEventId=unknown") as stream:
        _null_gap_first(stream)
        equal(_texts(stream, 1), ["0"])


@alone
def test_an_id_of_another_run():
    """it is of another run of the server; a reader that comes back is told a gap of null"""
    room = fresh()
    with Server() as tg:
        identity = _publish(tg, room, 3)[-1]
    with Server() as tg:
        _publish(tg, room, 1)
        with tg.events(f"?room={room}", {"Last-Event-ID": identity}) as stream:
            _null_gap_first(stream)
            equal(_texts(stream, 1), ["0"])


def _overflow(tg, room: str) -> tuple[list[str], int]:
    """Publishes until the log has lost something; the ids, and how many events are left."""
    ids = _publish(tg, room, 5)
    while True:
        ids.append(tg.publish(room, str(len(ids)))["id"])
        left = tg.get(f"/api/rooms/{room}").json()["events"]
        if left < len(ids) - 2:
            return ids, left


@served(*SMALL)
def test_a_gap_after_a_resume_in_one_room(tg):
    """of one room: after a resume and before its first event: null; with the id of the last event that is gone"""
    room = fresh()
    ids, left = _overflow(tg, room)
    with tg.events(f"?room={room}", {"Last-Event-ID": ids[0]}) as stream:
        gap = stream.next()
        equal((gap.name, gap.data, gap.id), ("gap", '{"missed":null}', ids[-left - 1]))
        equal(_texts(stream, left), [str(number) for number in range(len(ids) - left, len(ids))])


@alone
def test_a_gap_without_a_filter_is_exact():
    """without a filter: exact"""
    with Server(*SMALL) as tg:
        room = fresh()
        ids, left = _overflow(tg, room)
        with tg.events("", {"Last-Event-ID": ids[0]}) as stream:
            missed = 0
            while (event := stream.next()).name == "gap":
                missed += event.json()["missed"]
            equal(missed, len(ids) - left - 1)
            equal(event.json()["message"], str(len(ids) - left))


@served(*SMALL)
def test_a_gap_of_several_rooms(tg):
    """of several rooms, or with connectionId: null"""
    room = fresh()
    ids, left = _overflow(tg, room)
    for filters in (f"room={room}&room=other", f"room={room}&connectionId=x"):
        with tg.events(f"?{filters}", {"Last-Event-ID": ids[0]}) as stream:
            gap = stream.next()
            equal((gap.name, gap.data), ("gap", '{"missed":null}'))


@served(*SMALL)
def test_earliest_has_no_gap(tg):
    """since=earliest: begin with the oldest matching event of the log"""
    room = fresh()
    ids, left = _overflow(tg, room)
    with tg.events(f"?room={room}&since=earliest") as stream:
        equal(_texts(stream, 1), [str(len(ids) - left)])


@served(*SMALL)
def test_a_resume_where_nothing_is_missing(tg):
    """What the log has no more is told as a gap, at the place where it is missing (nothing missing: no gap)"""
    room = fresh()
    ids, left = _overflow(tg, room)
    with tg.events(f"?room={room}", {"Last-Event-ID": ids[-left]}) as stream:
        equal(_texts(stream, 1), [str(len(ids) - left + 1)])


@served(*SMALL)
def test_since_of_a_member_whose_log_is_gone(tg):
    """missed is 0, or null if the log did not reach back to since"""
    config = '[[route]]\npath = "/m/{room}"\nbehaviour = "broadcast"\nsince = true\n'
    with Server(*SMALL, config=config) as server:
        room = fresh()
        ids, left = _overflow(server, room)
        with server.connect(f"/m/{room}?since={ids[0]}") as ws:
            equal(ws.expect_json()["joined"]["missed"], None)
            equal(ws.expect_text(), str(len(ids) - left))


@served("--log-age", "1s")
def test_events_go_by_age(tg):
    """--log-age: age of an event: it goes, up to 10 s later"""
    room = fresh()
    tg.publish(room, "x")
    eventually(lambda: tg.get(f"/api/rooms/{room}").status == 404, "the end of an old event")


@served("--heartbeat", "1s", *SMALL)
def test_a_gap_is_resumed_at_once_only(tg):
    """no event is counted in two (gaps; one resumes at the id of a gap)"""
    room = fresh()
    ids, left = _overflow(tg, room)
    with tg.events(f"?room={room}", {"Last-Event-ID": ids[0]}) as stream:
        gap = stream.next()
    with tg.events(f"?room={room}", {"Last-Event-ID": gap.id}) as stream:
        equal(stream.start, gap.id)
        true(stream.next().name is None, "no second gap")
