"""What one generation adds to the metrics."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import LeaseLost, UpstreamError
from shared.metrics import FIRST_DELTA, Counters
from shared.wire import events
from workers.tally import FirstDelta, count_tokens, counting_call


def _frame(event_type: str) -> bytes:
    return events.encode({"type": event_type, "sequence_number": 3, "delta": "event: x.delta\n"})


def _observed(counters: Counters) -> float:
    return sum(
        v for series, v in counters.take().items() if series[0] == FIRST_DELTA.name and series[1] != "sum"
    )


def test_first_delta_when_deltas_follow_then_measured_once() -> None:
    counters = Counters()
    watch = FirstDelta(counters, waited_seconds=1.0)

    for event_type in ("response.in_progress", "response.output_text.delta", "response.output_text.delta"):
        watch.look([_frame(event_type)])

    assert _observed(counters) == 1


def test_first_delta_when_only_other_events_come_then_not_measured() -> None:
    counters = Counters()

    FirstDelta(counters, waited_seconds=1.0).look([_frame("response.output_item.added")])

    assert _observed(counters) == 0


def test_first_delta_when_an_earlier_attempt_had_it_then_not_measured_again() -> None:
    counters = Counters()

    FirstDelta(counters, waited_seconds=1.0, seen=True).look([_frame("response.output_text.delta")])

    assert _observed(counters) == 0


def test_first_delta_when_measured_then_the_wait_before_the_claim_is_in_it() -> None:
    counters = Counters()

    FirstDelta(counters, waited_seconds=100.0).look([_frame("response.output_text.delta")])

    assert counters.take()[FIRST_DELTA.name, "sum"] >= 100.0


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (UpstreamError("upstream_timeout", "late"), "upstream_timeout"),
        (LeaseLost("cancelled"), "fenced"),
        (KeyError("bug"), "internal_error"),
    ],
)
def test_call_when_it_fails_then_counted_by_its_outcome(error: Exception, outcome: str) -> None:
    counters = Counters()

    with pytest.raises(type(error)), counting_call(counters, "main"):
        raise error

    assert counters.take() == {("respool_upstream_calls_total", "main", outcome): 1.0}


def test_call_when_it_succeeds_then_counted_as_ok() -> None:
    counters = Counters()

    with counting_call(counters, "main"):
        pass

    assert counters.take() == {("respool_upstream_calls_total", "main", "ok"): 1.0}


@pytest.mark.parametrize("usage", [None, {}, {"input_tokens": None, "output_tokens": "7"}, [1]])
def test_tokens_when_the_usage_is_strange_then_nothing_is_counted(usage: Any) -> None:
    counters = Counters()

    count_tokens(counters, {"usage": usage})

    assert counters.take() == {}


def test_tokens_when_reported_then_counted_by_direction() -> None:
    counters = Counters()

    count_tokens(counters, {"usage": {"input_tokens": 5, "output_tokens": 7}})

    assert counters.take() == {
        ("respool_tokens_total", "input"): 5.0,
        ("respool_tokens_total", "output"): 7.0,
    }
