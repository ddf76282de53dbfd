"""What goes away by itself, goes batch by batch, for a while in each sweep; the rest the next time."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from shared.settings import Settings
from shared.store.tables import responses
from tests.support.backends import Backends
from tests.support.history import fill
from tests.support.rows import finished
from workers.retention import BATCH, Retention


def retention(backends: Backends, *, sweep_seconds: float = 3600.0, stopping: bool = False) -> Retention:
    event = threading.Event()
    if stopping:
        event.set()
    settings = Settings(sweep_seconds=sweep_seconds, wipe_seconds=600.0)
    return Retention(store=backends.store, log=backends.log, settings=settings, stopping=event)


def left(backends: Backends) -> int:
    query = sa.select(sa.func.count()).select_from(responses)
    return int(backends.hands.database.read(lambda c: c.execute(query).scalar_one()))


@pytest.mark.parametrize("stored", [True, False])
def test_removal_when_more_are_due_than_a_batch_then_all_go_and_no_other(
    backends: Backends, stored: bool
) -> None:
    fill(backends.hands, 0, BATCH + 1, store=stored)
    kept = finished(backends.store).row

    for step in (retention(backends).wipe, retention(backends).retire):
        step()

    assert left(backends) == 1
    assert backends.row(kept.id) == kept


def test_removal_when_its_time_is_up_then_the_rest_goes_the_next_time(backends: Backends) -> None:
    fill(backends.hands, 0, BATCH + 1)
    hurried = retention(backends, sweep_seconds=0)

    counts = []
    for _ in range(2):
        hurried.retire()
        counts.append(left(backends))

    assert counts == [1, 0]


def test_removal_when_the_worker_is_told_to_stop_then_no_further_batch(backends: Backends) -> None:
    fill(backends.hands, 0, BATCH + 1)

    retention(backends, stopping=True).retire()

    assert left(backends) == 1


def test_log_when_its_response_is_past_retention_then_dropped(backends: Backends) -> None:
    row = finished(backends.store).row
    backends.log.acquire(row.id, 1, [b"event: x\n\n"])
    backends.hands.backdate(row.id, "terminal_at", seconds=1e8)

    retention(backends).retire()

    assert backends.log.read_all(row.id).state is None
