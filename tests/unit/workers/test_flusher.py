"""The flusher against a real log: batches, fences, a Redis that is away or has forgotten everything."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from functools import partial

import fakeredis
import pytest

from shared.errors import LeaseLost, StoreUnavailable
from shared.log import Batch, EventLog
from tests.support.lanes import together
from tests.support.waiting import wait_until
from workers import flusher as flusher_module
from workers.flusher import BATCH_FRAMES, Flusher, Journal

ID = "resp_1"
OPENING = [b"f0\n\n"]


class Renewal:
    """What SQL says when it is asked whose a response is."""

    def __init__(self) -> None:
        self.mine = True
        self.available = True
        self.asked = 0

    def __call__(self, response_id: str, attempt: int) -> bool:
        self.asked += 1
        if not self.available:
            raise StoreUnavailable("database: away")
        return self.mine


class WatchedLog(EventLog):
    """A log that remembers how many batches it was sent at a time."""

    batches: list[Batch]

    def append_many(self, batches: Sequence[Batch]) -> list[int]:
        self.batches = [*getattr(self, "batches", []), *batches]
        return super().append_many(batches)


@pytest.fixture
def renewal() -> Renewal:
    return Renewal()


@pytest.fixture
def flusher(log: EventLog, renewal: Renewal) -> Iterator[Flusher]:
    """Not started: what happens before its first turn is the test's to decide."""
    made = Flusher(log, renewal)
    yield made
    if made._thread.is_alive():
        made.stop()


def frames(first: int, count: int) -> list[bytes]:
    return [b"f%d\n\n" % n for n in range(first, first + count)]


def append_100(flusher: Flusher, journal: Journal) -> None:
    for _ in range(100):
        flusher.append(journal, [b"x\n\n"])


def whole(log: EventLog) -> list[bytes]:
    return log.read_all(ID).frames


def test_open_when_the_log_is_free_then_mine_with_the_opening_events(log: EventLog, flusher: Flusher) -> None:
    journal = flusher.open(ID, 3, OPENING)

    assert (journal.acquired, journal.acknowledged, whole(log)) == (True, 1, OPENING)
    assert log.heads([ID])[0].attempt == 3  # type: ignore[union-attr]


def test_open_when_a_newer_attempt_owns_the_log_then_lease_lost(log: EventLog, flusher: Flusher) -> None:
    log.acquire(ID, 5, OPENING)

    with pytest.raises(LeaseLost):
        flusher.open(ID, 4, OPENING)


def test_open_when_the_log_has_ended_then_lease_lost(log: EventLog, flusher: Flusher) -> None:
    log.acquire(ID, 1, OPENING)
    log.append(ID, 1, 1, [b"end\n\n"], seconds=60)

    with pytest.raises(LeaseLost):
        flusher.open(ID, 2, OPENING)


def test_append_when_it_is_the_first_event_then_sent_without_more(log: EventLog, flusher: Flusher) -> None:
    flusher.start()
    journal = flusher.open(ID, 1, OPENING)

    flusher.append(journal, frames(1, 1))

    wait_until(lambda: len(whole(log)) == 2, "the first event is in the log")
    wait_until(lambda: not journal.is_dirty, "the journal knows it")


def test_append_when_many_come_before_a_turn_then_one_batch(
    redis_core: fakeredis.FakeServer, renewal: Renewal
) -> None:
    log = WatchedLog(fakeredis.FakeRedis(server=redis_core, protocol=2))
    flusher = Flusher(log, renewal)
    journal = flusher.open(ID, 1, OPENING)
    for n in range(1, 51):
        flusher.append(journal, frames(n, 1))

    flusher.start()

    wait_until(lambda: not journal.is_dirty, "everything is in the log")
    flusher.stop()
    assert [len(b.frames) for b in log.batches] == [50]


def test_append_when_more_than_a_batch_then_in_order_and_bounded(
    redis_core: fakeredis.FakeServer, renewal: Renewal
) -> None:
    log = WatchedLog(fakeredis.FakeRedis(server=redis_core, protocol=2))
    flusher = Flusher(log, renewal)
    journal = flusher.open(ID, 1, OPENING)
    flusher.append(journal, frames(1, 2 * BATCH_FRAMES + 10))

    flusher.start()

    wait_until(lambda: not journal.is_dirty, "everything is in the log")
    flusher.stop()
    assert whole(log) == frames(0, 2 * BATCH_FRAMES + 11)
    assert max(len(b.frames) for b in log.batches) <= BATCH_FRAMES


def test_append_when_nobody_streams_then_in_the_log_all_the_same(log: EventLog, flusher: Flusher) -> None:
    flusher.start()
    journal = flusher.open(ID, 1, OPENING, eager=False)

    flusher.append(journal, frames(1, 3))

    wait_until(lambda: whole(log) == [*OPENING, *frames(1, 3)], "its events are in the log")


def test_append_when_the_log_was_to_be_taken_late_then_taken_with_the_first_events(
    log: EventLog, flusher: Flusher
) -> None:
    log.acquire(ID, 0, OPENING)
    flusher.start()
    journal = flusher.open(ID, 1, OPENING, eager=False, late=True)
    assert log.heads([ID])[0].attempt == 0  # type: ignore[union-attr]

    flusher.append(journal, frames(1, 3))

    wait_until(lambda: whole(log) == [*OPENING, *frames(1, 3)], "its events are in the log")
    assert log.heads([ID])[0].attempt == 1  # type: ignore[union-attr]


def test_append_when_several_responses_run_then_each_log_is_its_own(log: EventLog, flusher: Flusher) -> None:
    flusher.start()
    journals = [flusher.open(f"resp_{n}", 1, [b"o%d\n\n" % n]) for n in range(5)]

    together(*(partial(append_100, flusher, journal) for journal in journals))

    wait_until(lambda: not any(j.is_dirty for j in journals), "everything is in the logs")
    assert [log.read_all(j.response_id).frames for j in journals] == [j.frames for j in journals]


def test_append_when_a_newer_attempt_took_the_log_then_fenced(log: EventLog, flusher: Flusher) -> None:
    flusher.start()
    journal = flusher.open(ID, 1, OPENING)
    fenced = threading.Event()
    journal.on_fence = fenced.set
    log.acquire(ID, 2, [])

    flusher.append(journal, frames(1, 1))

    assert fenced.wait(10)
    with pytest.raises(LeaseLost):
        flusher.append(journal, frames(2, 1))
    assert whole(log) == OPENING


def test_append_when_redis_is_away_then_it_waits_and_nothing_is_lost(
    log: EventLog, flusher: Flusher, redis_core: fakeredis.FakeServer
) -> None:
    flusher.start()
    journal = flusher.open(ID, 1, OPENING)
    redis_core.connected = False
    flusher.append(journal, frames(1, 3))

    redis_core.connected = True

    wait_until(lambda: not journal.is_dirty, "everything is in the log")
    assert whole(log) == frames(0, 4)


def test_open_when_redis_is_away_then_acquired_later(
    log: EventLog, flusher: Flusher, redis_core: fakeredis.FakeServer
) -> None:
    redis_core.connected = False
    journal = flusher.open(ID, 1, OPENING)
    flusher.append(journal, frames(1, 2))
    redis_core.connected = True

    assert flusher.drain(journal) is True
    assert whole(log) == frames(0, 3)


def test_open_when_redis_is_away_and_the_log_is_anothers_then_fenced_later(
    log: EventLog, flusher: Flusher, redis_core: fakeredis.FakeServer
) -> None:
    log.acquire(ID, 2, OPENING)
    redis_core.connected = False
    journal = flusher.open(ID, 1, OPENING)
    flusher.append(journal, frames(1, 2))
    redis_core.connected = True

    with pytest.raises(LeaseLost):
        flusher.drain(journal)
    assert whole(log) == OPENING


def test_append_when_redis_has_forgotten_everything_then_the_journal_is_back(
    log: EventLog, flusher: Flusher, renewal: Renewal
) -> None:
    flusher.start()
    journal = flusher.open(ID, 1, OPENING)
    flusher.append(journal, frames(1, 3))
    wait_until(lambda: not journal.is_dirty, "everything is in the log")
    log._redis.flushall()

    flusher.append(journal, frames(4, 2))

    wait_until(lambda: whole(log) == frames(0, 6), "the whole journal is in the log")
    assert renewal.asked >= 1


def test_append_when_redis_forgot_and_sql_says_not_mine_then_fenced_and_no_log_is_made(
    log: EventLog, flusher: Flusher, renewal: Renewal
) -> None:
    journal = flusher.open(ID, 1, OPENING)
    log._redis.flushall()
    renewal.mine = False
    flusher.append(journal, frames(1, 2))

    with pytest.raises(LeaseLost):
        flusher.drain(journal)
    assert log.heads([ID]) == [None]


def test_append_when_redis_forgot_and_sql_is_away_then_it_waits_for_sql(
    log: EventLog, flusher: Flusher, renewal: Renewal
) -> None:
    flusher.start()
    journal = flusher.open(ID, 1, OPENING)
    log._redis.flushall()
    renewal.available = False
    flusher.append(journal, frames(1, 2))
    wait_until(lambda: renewal.asked >= 1, "SQL was asked")
    before = log.heads([ID])

    renewal.available = True

    wait_until(lambda: whole(log) == frames(0, 3), "the journal is in the log")
    assert before == [None]


def test_drain_when_not_started_then_everything_is_brought_by_the_caller(
    log: EventLog, flusher: Flusher
) -> None:
    journal = flusher.open(ID, 1, OPENING)
    flusher.append(journal, frames(1, 600))

    assert flusher.drain(journal) is True
    assert whole(log) == frames(0, 601)


def test_drain_when_redis_stays_away_then_false(
    flusher: Flusher, redis_core: fakeredis.FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flusher_module, "DRAIN_SECONDS", 0.1)
    journal = flusher.open(ID, 1, OPENING)
    flusher.append(journal, frames(1, 1))
    redis_core.connected = False

    assert flusher.drain(journal) is False
    assert journal.frames == frames(0, 2)


def test_drain_when_the_flusher_is_at_it_too_then_each_event_once(log: EventLog, flusher: Flusher) -> None:
    flusher.start()
    journal = flusher.open(ID, 1, OPENING)
    for n in range(1, 400):
        flusher.append(journal, frames(n, 1))

    flusher.drain(journal)

    assert whole(log) == frames(0, 400)


def test_journal_when_fenced_twice_then_told_once() -> None:
    journal = Journal(ID, 1, OPENING)
    told: list[int] = []
    journal.on_fence = lambda: told.append(1)

    journal.fence()
    journal.fence()

    assert told == [1]


def test_open_when_the_log_has_events_of_another_generation_then_lease_lost(
    log: EventLog, flusher: Flusher
) -> None:
    log.acquire("r", 1, [b"opening\n\n"])
    log.append("r", 1, 1, [b"in progress\n\n", b"a word\n\n"])

    with pytest.raises(LeaseLost):
        flusher.open("r", 2, [b"opening\n\n"])


def test_open_when_the_same_generation_goes_on_then_mine(log: EventLog, flusher: Flusher) -> None:
    log.acquire("r", 1, [b"opening\n\n"])
    log.append("r", 1, 1, [b"in progress\n\n", b"a word\n\n"])

    assert not flusher.open("r", 2, [b"opening\n\n"], resumes=True).fenced
