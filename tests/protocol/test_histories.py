"""Random histories on each pair of backends: every promise holds after every step."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.protocol.machine import Protocol
from tests.support.backends import Backends

EXAMPLES = {"embedded": 30, "servers": 20}


@pytest.mark.timeout(600)  # a failure takes its time to be made small
def test_history_when_anything_happens_in_any_order_then_every_promise_holds(backends: Backends) -> None:
    bounds = settings(
        max_examples=EXAMPLES[backends.name],
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    run_state_machine_as_test(lambda: Protocol(backends), settings=bounds)  # type: ignore[arg-type]
