"""A thread that others hang on: it goes on whatever its work raises, and ends when it is told to."""

from __future__ import annotations

import pytest

from shared.errors import StoreUnavailable
from shared.rounds import Rounds
from tests.support.waiting import wait_until


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ValueError("fault of ours")])
def test_rounds_when_the_work_raises_then_the_next_one_comes(error: Exception) -> None:
    seen: list[int] = []

    def work() -> None:
        seen.append(1)
        raise error

    rounds = Rounds("test", work, lambda: 0.001)
    rounds.start()

    wait_until(lambda: len(seen) > 2, "it goes on")
    rounds.stop()
    assert not rounds.is_alive


def test_rounds_when_at_once_then_the_first_does_not_wait() -> None:
    seen: list[int] = []
    rounds = Rounds("test", lambda: seen.append(1), lambda: 3600.0, at_once=True)
    rounds.start()

    wait_until(lambda: bool(seen), "the first round")
    rounds.stop()
    assert (seen, rounds.is_alive) == ([1], False)


def test_stop_when_never_started_then_nothing() -> None:
    rounds = Rounds("test", lambda: None, lambda: 1.0)

    rounds.stop()

    assert not rounds.is_alive
