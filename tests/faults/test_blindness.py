"""A sweeper that could not see the store judges no lease until its owner could have renewed it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.catalog import Catalog
from shared.lifecycle import Status
from shared.metrics import Counters
from shared.queue import Queue, make_celery
from shared.settings import Settings
from shared.transitions import Transitions
from tests.support.backends import Backends, open_backends
from tests.support.rows import gated
from workers.rescue import Rescuer

SETTINGS = Settings(broker_url="memory://localhost", lease_seconds=30.0, sweep_seconds=10.0)


@pytest.fixture(scope="module")
def backends(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    opened = open_backends("embedded", request, tmp_path_factory.mktemp("blindness"))
    yield opened
    opened.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rescuer(backends: Backends, clock: Clock) -> Iterator[Rescuer]:
    queue = Queue(make_celery(SETTINGS, publisher=True))
    backends.empty()
    yield Rescuer(
        store=backends.store,
        log=backends.log,
        queue=queue,
        catalog=Catalog({}, None),
        resume=lambda row: None,
        transitions=Transitions(Counters()),
        settings=SETTINGS,
        clock=clock,
    )
    queue.close()


def _lost(backends: Backends) -> str:
    response_id = gated(backends.store).row.id
    backends.hands.backdate(response_id, "lease_until")
    return response_id


def _status(backends: Backends, rescuer: Rescuer, response_id: str) -> str:
    rescuer.rescue_lost()
    return backends.row(response_id).status


def test_lost_row_when_the_store_was_seen_all_the_time_then_settled(
    backends: Backends, rescuer: Rescuer, clock: Clock
) -> None:
    rescuer.saw_store(True)
    clock.now += 13
    rescuer.saw_store(True)

    assert _status(backends, rescuer, _lost(backends)) == Status.FAILED


@pytest.mark.parametrize("how", ["it raised", "it hung"])
def test_lost_row_when_the_store_was_away_then_settled_one_lease_later(
    backends: Backends, rescuer: Rescuer, clock: Clock, how: str
) -> None:
    rescuer.saw_store(True)
    clock.now += 25
    if how == "it raised":
        rescuer.saw_store(False)
    rescuer.saw_store(True)
    response_id = _lost(backends)

    before = _status(backends, rescuer, response_id)
    clock.now += 13
    rescuer.saw_store(True)
    clock.now += 18
    rescuer.saw_store(True)

    assert (before, _status(backends, rescuer, response_id)) == (Status.IN_PROGRESS, Status.FAILED)


def test_lost_row_when_the_process_has_just_started_then_settled_at_once(
    backends: Backends, rescuer: Rescuer
) -> None:
    rescuer.saw_store(True)

    assert _status(backends, rescuer, _lost(backends)) == Status.FAILED
