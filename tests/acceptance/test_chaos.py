"""The issue's last promise: 50 requests in flight, every process killed in turn, several times."""

from __future__ import annotations

import os

from tests.support.chaos import ROLES, Chaos
from tests.support.stack import Stack

SEED = int(os.environ.get("RESPOOL_TEST_SEED", "20260301"))


def test_stack_when_every_process_is_killed_several_times_under_load_then_nothing_is_lost_or_paid_twice(
    embedded: Stack,
) -> None:
    chaos = Chaos(embedded, seed=SEED).start()

    for _ in range(2):
        chaos.kill_each()

    assert chaos.finish() == []
    assert chaos.kills == dict.fromkeys(ROLES, 2)
    # how many of which is up to the machine
    assert min(chaos.outcomes()[status] for status in ("completed", "worker_lost")) > 0
