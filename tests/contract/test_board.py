"""The board that all processes put their numbers on."""

from __future__ import annotations

import pytest

from shared import metrics
from shared.errors import LogUnavailable
from shared.log import Board, Reporter
from shared.metrics import BREAKER, FENCED, FOLLOWERS, PROCESSES, Counters
from shared.services import connect_redis
from tests.support.backends import Backends
from tests.support.servers import free_port
from tests.support.waiting import wait_until


@pytest.fixture
def board(backends: Backends) -> Board:
    return Board(backends.redis)


@pytest.fixture
def gone() -> Board:
    """Of a Redis that is not there."""
    return Board(connect_redis(f"redis://127.0.0.1:{free_port()}/0"))


def test_counters_of_two_processes_when_read_then_summed(board: Board) -> None:
    board.put("a", {("respool_put_back_total", "main"): 2.0}, {})
    board.put("b", {("respool_put_back_total", "main"): 1.0, (FENCED.name,): 1.0}, {})

    assert board.counted() == {("respool_put_back_total", "main"): 3.0, (FENCED.name,): 1.0}


def test_counters_when_labels_are_odd_then_read_back_as_they_are(board: Board) -> None:
    series = ("respool_put_back_total", 'a:{b}"\\, ☃')

    board.put("a", {series: 1.5}, {})

    assert board.counted() == {series: 1.5}


def test_gauges_when_put_again_then_replaced(board: Board) -> None:
    board.put("a", {}, {(FOLLOWERS.name,): 5.0, (BREAKER.name, "main"): 2.0})
    board.put("a", {}, {(FOLLOWERS.name,): 1.0})

    assert board.gauges() == [{(FOLLOWERS.name,): 1.0}]


def test_gauges_of_a_process_that_left_are_gone(board: Board) -> None:
    board.put("a", {}, {(FOLLOWERS.name,): 5.0})
    board.put("b", {}, {(FOLLOWERS.name,): 7.0})

    board.leave("a")

    assert board.gauges() == [{(FOLLOWERS.name,): 7.0}]


def test_gauges_when_put_then_they_expire_by_themselves(board: Board, backends: Backends) -> None:
    board.put("a", {}, {(FOLLOWERS.name,): 5.0})

    (key,) = backends.redis.keys("respool:{metrics}:gauges:*")

    assert 0 < backends.redis.ttl(key) <= 15


def test_gauges_of_a_process_that_died_are_gone_and_forgotten(board: Board, backends: Backends) -> None:
    board.put("a", {}, {(FOLLOWERS.name,): 5.0})
    backends.redis.delete("respool:{metrics}:gauges:a")  # as its expiry does

    assert board.gauges() == []
    assert backends.redis.smembers("respool:{metrics}:processes") == set()


def test_process_that_was_forgotten_when_it_puts_again_then_it_is_back(
    board: Board, backends: Backends
) -> None:
    board.put("a", {}, {(FOLLOWERS.name,): 5.0})
    backends.redis.delete("respool:{metrics}:gauges:a")
    board.gauges()

    board.put("a", {}, {(FOLLOWERS.name,): 4.0})

    assert board.gauges() == [{(FOLLOWERS.name,): 4.0}]


def test_board_when_redis_is_away_then_says_so(gone: Board) -> None:
    with pytest.raises(LogUnavailable):
        gone.counted()


def test_reporter_when_redis_is_away_then_keeps_what_was_counted(gone: Board) -> None:
    counters = Counters()
    counters.add(FENCED)

    Reporter(gone, counters, role="worker").flush()

    assert counters.take() == {(FENCED.name,): 1.0}


def test_reporter_when_stopped_then_the_last_counts_are_there_and_its_gauges_gone(board: Board) -> None:
    # Given a reporter that has been heard of
    counters = Counters()
    reporter = Reporter(board, counters, role="worker", gauges=lambda: {(BREAKER.name, "main"): 1.0})
    reporter.start()
    wait_until(board.gauges, "the reporter has put its gauges")
    # When it stops
    counters.add(FENCED)
    reporter.stop()
    # Then
    assert (board.counted(), board.gauges()) == ({(FENCED.name,): 1.0}, [])


def test_reporter_when_its_last_gauges_fail_then_the_stop_goes_on(board: Board) -> None:
    def failing() -> dict[metrics.Series, float]:
        raise ValueError("a gauge of ours")

    counters = Counters()
    reporter = Reporter(board, counters, role="worker", gauges=failing)
    counters.add(FENCED)

    reporter.stop()

    assert counters.take() == {(FENCED.name,): 1.0}


def test_reporters_when_running_then_their_processes_are_counted_by_role(board: Board) -> None:
    for role in ("api", "worker", "worker"):
        Reporter(board, Counters(), role=role).flush()

    merged = metrics.merged(board.gauges())

    assert merged == {(PROCESSES.name, "api"): 1.0, (PROCESSES.name, "worker"): 2.0}
