"""How many run at a time, and how many of them may be background work."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from tests.support.waiting import wait_until
from workers.slots import Slots


@pytest.mark.parametrize(
    ("size", "share", "background"), [(1, 0.75, 1), (2, 0.75, 1), (4, 0.75, 3), (4, 1.0, 4), (8, 0.01, 1)]
)
def test_background_when_slots_are_taken_then_up_to_its_share(
    size: int, share: float, background: int
) -> None:
    slots = Slots(size, share)

    with ExitStack() as stack:
        taken = [stack.enter_context(slots.take()) for _ in range(size)]

        assert [slot.background for slot in taken] == [True] * background + [False] * (size - background)
        assert (slots.free, slots.background_is_free) == (0, False)
    assert (slots.free, slots.background_is_free) == (size, True)


def test_settle_when_foreground_work_got_it_then_the_background_place_is_free_again() -> None:
    slots = Slots(2, 0.5)

    with slots.take() as slot:
        before = slots.background_is_free
        slots.settle(slot, background=False)
        slots.settle(slot, background=False)

        assert (before, slots.background_is_free, slots.free) == (False, True, 1)
    assert (slots.free, slots.background_is_free) == (2, True)


def test_settle_when_background_work_got_it_then_the_place_stays_taken() -> None:
    slots = Slots(2, 0.5)

    with slots.take() as slot:
        slots.settle(slot, background=True)

        assert slots.background_is_free is False


def test_take_when_the_work_raises_then_the_place_is_free_again() -> None:
    slots = Slots(1, 1.0)

    with pytest.raises(KeyError), slots.take():
        raise KeyError("fault")

    assert (slots.free, slots.background_is_free) == (1, True)


def test_take_when_all_are_taken_then_waits_for_one() -> None:
    slots = Slots(1, 1.0)
    entered = threading.Event()

    def lane() -> None:
        with slots.take():
            entered.set()

    thread = threading.Thread(target=lane)
    with slots.take():
        thread.start()
        wait_until(thread.is_alive, "the lane runs")
        was_entered = entered.is_set()

    assert entered.wait(10)
    thread.join(10)
    assert was_entered is False
