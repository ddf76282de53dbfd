"""Beat: a lease is lost when SQL or the log says so, and by nothing else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import fakeredis
import pytest

from shared.log import EventLog
from shared.store import open_store
from tests.support.backends import Backends
from tests.support.rows import OWNER, TENANT, claimed
from tests.support.servers import free_port
from tests.support.waiting import wait_until
from workers import lease
from workers.lease import Beat

NEVER = 3600.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LISTEN_SECONDS", 0.02)


@pytest.fixture
def beats() -> Iterator[list[Beat]]:
    """What is put here is stopped at the end."""
    started: list[Beat] = []
    yield started
    for beat in started:
        beat.stop()


def started(beats: list[Beat], backends: Backends, heartbeat: float, log: EventLog | None = None) -> Beat:
    beat = Beat(backends.store.leases, log or backends.log, owner=OWNER, heartbeat_seconds=heartbeat)
    beat.start()
    beats.append(beat)
    return beat


def test_beat_when_mine_then_the_lease_is_renewed(backends: Backends, beats: list[Beat]) -> None:
    row = claimed(backends.store).row
    lost = threading.Event()
    backends.hands.backdate(row.id, "lease_until", seconds=40)
    before = backends.row(row.id).lease_until
    beat = started(beats, backends, 0.05)

    with beat.holding(row.id, row.attempt, lost.set):
        wait_until(
            lambda: (backends.row(row.id).lease_until or 0) > (before or 0) + 30, "the lease is renewed"
        )

    assert not lost.is_set()


def test_beat_when_sql_says_another_attempt_then_lost(backends: Backends, beats: list[Beat]) -> None:
    row = claimed(backends.store).row
    lost = threading.Event()
    beat = started(beats, backends, 0.05)

    with beat.holding(row.id, row.attempt, lost.set):
        backends.hands.set(row.id, attempt=9)

        assert lost.wait(10)


def test_beat_when_cancelled_in_sql_alone_then_lost(backends: Backends, beats: list[Beat]) -> None:
    row = claimed(backends.store).row
    lost = threading.Event()
    beat = started(beats, backends, 0.05)

    with beat.holding(row.id, row.attempt, lost.set):
        backends.store.endings.cancel(TENANT, row.id)

        assert lost.wait(10)


def test_listen_when_the_log_has_a_newer_owner_then_lost_before_any_beat(
    backends: Backends, beats: list[Beat]
) -> None:
    row = claimed(backends.store).row
    backends.log.acquire(row.id, row.attempt, [])
    lost = threading.Event()
    beat = started(beats, backends, NEVER)

    with beat.holding(row.id, row.attempt, lost.set):
        backends.log.acquire(row.id, row.attempt + 1, [])

        assert lost.wait(10)


def test_listen_when_the_log_is_gone_or_mine_then_not_lost(backends: Backends, beats: list[Beat]) -> None:
    row, other = claimed(backends.store).row, claimed(backends.store).row
    backends.log.acquire(row.id, row.attempt, [])
    lost, sentinel = threading.Event(), threading.Event()
    beat = started(beats, backends, NEVER)

    with beat.holding(row.id, row.attempt, lost.set), beat.holding(other.id, other.attempt, sentinel.set):
        backends.redis.flushdb()
        backends.log.acquire(other.id, other.attempt + 1, [])
        assert sentinel.wait(10)  # by then the log of the first was looked at as well

    assert not lost.is_set()


def test_holding_when_left_then_nobody_is_told(backends: Backends, beats: list[Beat]) -> None:
    row, other = claimed(backends.store).row, claimed(backends.store).row
    lost, sentinel = threading.Event(), threading.Event()
    beat = started(beats, backends, 0.05)

    with beat.holding(row.id, row.attempt, lost.set):
        pass
    for ended in (row, other):
        backends.hands.set(ended.id, attempt=9)
    with beat.holding(other.id, other.attempt, sentinel.set):
        assert sentinel.wait(10)

    assert not lost.is_set()


def test_lost_when_told_then_once(backends: Backends, beats: list[Beat]) -> None:
    row, other = claimed(backends.store).row, claimed(backends.store).row
    told: list[int] = []
    sentinel = threading.Event()
    beat = started(beats, backends, 0.05)

    with beat.holding(row.id, row.attempt, lambda: told.append(1)):
        backends.hands.set(row.id, attempt=9)
        wait_until(lambda: told, "it is told")
        with beat.holding(other.id, other.attempt, sentinel.set):
            backends.hands.set(other.id, attempt=9)
            assert sentinel.wait(10)

    assert told == [1]


def test_beat_when_the_store_is_away_then_nothing_is_given_up(
    backends: Backends, beats: list[Beat], caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    lost = threading.Event()
    beat = Beat(store.leases, backends.log, owner=OWNER, heartbeat_seconds=0.05)
    beat.start()
    beats.append(beat)

    with caplog.at_level(logging.WARNING, "respool.lease"), beat.holding("resp_1", 1, lost.set):
        wait_until(lambda: len(caplog.records) >= 2, "two beats have failed")
        was_lost = lost.is_set()
        backends.log.acquire("resp_1", 2, [])
        heard = lost.wait(10)

    assert (was_lost, heard) == (False, True)
    store.close()


def test_beat_when_redis_is_away_then_sql_still_decides(
    backends: Backends, beats: list[Beat], redis_core: fakeredis.FakeServer, log: EventLog
) -> None:
    row = claimed(backends.store).row
    redis_core.connected = False
    lost = threading.Event()
    beat = started(beats, backends, 0.05, log)

    with beat.holding(row.id, row.attempt, lost.set):
        backends.hands.set(row.id, attempt=9)

        assert lost.wait(10)


def test_fence_all_when_called_then_everything_held_is_lost(backends: Backends, beats: list[Beat]) -> None:
    told: list[str] = []
    beat = started(beats, backends, NEVER)

    with (
        beat.holding("resp_1", 1, lambda: told.append("1")),
        beat.holding("resp_2", 1, lambda: told.append("2")),
    ):
        beat.fence_all()

    assert sorted(told) == ["1", "2"]


def test_stop_when_called_then_the_thread_ends(backends: Backends) -> None:
    beat = Beat(backends.store.leases, backends.log, owner=OWNER, heartbeat_seconds=NEVER)
    beat.start()
    was_alive = beat.is_alive

    beat.stop()

    assert (was_alive, beat.is_alive) == (True, False)
