"""How long is fuzzed: one bounded round in the suite, round after round with `make fuzz MINUTES=n`.

A round always has the same seed, so that what it found once it finds again.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

MINUTES = float(os.environ.get("RESPOOL_TEST_FUZZ_MINUTES") or 0)
_SUITE_SECONDS = 10.0  # what a test may take in the suite, on a slow machine too


def fuzz(
    check: Callable[..., None], *, examples: int, share: float, **strategies: st.SearchStrategy[Any]
) -> None:
    """`share`: of the minutes that were asked for."""
    until = time.monotonic() + (MINUTES * 60 * share or _SUITE_SECONDS)
    for number in itertools.count():
        _round(check, number, examples, until, strategies)
        if not MINUTES or time.monotonic() > until:
            return


def _round(
    check: Callable[..., None],
    number: int,
    examples: int,
    until: float,
    strategies: dict[str, st.SearchStrategy[Any]],
) -> None:
    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(**strategies)
    def one(**drawn: Any) -> None:
        if time.monotonic() < until:
            check(**drawn)

    one()
