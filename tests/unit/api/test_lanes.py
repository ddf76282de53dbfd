"""Lanes: one turn at a time in each, several side by side, and bounds on all of it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from api.lanes import MAX_LANES, MAX_RUNNING, MAX_WAITING, Lanes
from shared.errors import RateLimited
from tests.support.waiting import wait_until


class Gate:
    """Turns that note their start and wait to be let through."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.open = threading.Event()

    def turn(self, name: str) -> Callable[[], None]:
        def run() -> None:
            self.started.append(name)
            assert self.open.wait(30)

        return run


@pytest.fixture
def lanes() -> Lanes:
    return Lanes(max_waiting_bytes=1000)


def test_turns_when_of_one_lane_then_the_second_waits_for_the_first(lanes: Lanes) -> None:
    gate = Gate()
    for name in ("first", "second", "third"):
        lanes.submit("a", gate.turn(name), 1)
    wait_until(lambda: gate.started, "the first runs")
    while_the_first_ran = list(gate.started)

    gate.open.set()
    wait_until(lambda: lanes.running == 0, "all have run")

    assert (while_the_first_ran, gate.started) == (["first"], ["first", "second", "third"])


def test_turns_when_of_many_lanes_then_only_so_many_run_at_a_time(lanes: Lanes) -> None:
    gate = Gate()
    for number in range(MAX_LANES):
        lanes.submit(f"lane-{number}", gate.turn(str(number)), 1)
    wait_until(lambda: len(gate.started) == MAX_RUNNING, "all that may run do")
    at_once = lanes.running

    gate.open.set()
    wait_until(lambda: len(gate.started) == MAX_LANES, "the others run too")

    assert at_once == MAX_RUNNING


def test_submit_when_too_many_wait_in_a_lane_then_it_is_refused(lanes: Lanes) -> None:
    gate = Gate()
    lanes.submit(None, gate.turn("running"), 1)
    wait_until(lambda: gate.started, "the first runs")
    for _ in range(MAX_WAITING):
        lanes.submit(None, gate.turn("waiting"), 1)

    with pytest.raises(RateLimited):
        lanes.submit(None, gate.turn("refused"), 1)

    gate.open.set()


def test_submit_when_too_many_lanes_are_busy_then_it_is_refused(lanes: Lanes) -> None:
    gate = Gate()
    for number in range(MAX_LANES):
        lanes.submit(f"lane-{number}", gate.turn("running"), 1)

    with pytest.raises(RateLimited):
        lanes.submit("one-more", gate.turn("refused"), 1)

    gate.open.set()


def test_submit_when_the_lanes_are_done_then_new_ones_have_room(lanes: Lanes) -> None:
    gate = Gate()
    gate.open.set()
    for number in range(3 * MAX_LANES):
        lanes.submit(f"lane-{number}", gate.turn(str(number)), 1)
        wait_until(lambda: lanes.running == 0, "it has run")

    assert len(gate.started) == 3 * MAX_LANES


def test_submit_when_what_waits_is_too_large_then_it_is_refused(lanes: Lanes) -> None:
    gate = Gate()
    lanes.submit(None, gate.turn("running"), 1)
    wait_until(lambda: gate.started, "the first runs")
    lanes.submit(None, gate.turn("waiting"), 600)

    with pytest.raises(RateLimited):
        lanes.submit(None, gate.turn("refused"), 600)

    gate.open.set()


def test_submit_when_nothing_waits_then_any_size_has_room(lanes: Lanes) -> None:
    gate = Gate()
    gate.open.set()

    lanes.submit(None, gate.turn("large"), 5000)
    wait_until(lambda: gate.started, "it runs")


def test_stop_when_turns_wait_then_they_never_run(lanes: Lanes) -> None:
    gate = Gate()
    lanes.submit(None, gate.turn("running"), 1)
    wait_until(lambda: gate.started, "the first runs")
    lanes.submit(None, gate.turn("waiting"), 1)

    lanes.stop()
    lanes.submit("other", gate.turn("late"), 1)
    gate.open.set()
    wait_until(lambda: lanes.running == 0, "the thread is gone")

    assert gate.started == ["running"]
