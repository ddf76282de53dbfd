"""Random histories on each pair of backends: every promise holds after every step."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.protocol.histories import history, play, smallest
from tests.support.backends import Backends

EXAMPLES = {"embedded": 40, "servers": 25}


@pytest.mark.timeout(600)  # a failure takes its time to be made small
def test_history_when_anything_happens_in_any_order_then_every_promise_holds(backends: Backends) -> None:
    @settings(
        max_examples=EXAMPLES[backends.name],
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(seed=st.integers(0, 2**32 - 1))
    def histories(seed: int) -> None:
        steps = history(seed)
        try:
            play(backends, steps)
        except Exception as error:
            small = smallest(backends, steps)
            told = ", ".join(f"{step.act} ({step.place})" for step in small)
            raise AssertionError(f"a promise is broken by: {told}") from error

    histories()
