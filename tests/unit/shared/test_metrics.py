"""Counting, merging over processes, and the text that Prometheus reads."""

from __future__ import annotations

import pytest

from shared import metrics
from shared.metrics import MAX_SERIES, OTHER, Counters, Series, exposition, merged


def test_counters_when_taken_then_begin_anew() -> None:
    counters = Counters()
    counters.add(metrics.PUT_BACK, "main")
    counters.add(metrics.PUT_BACK, "main")

    taken = [counters.take(), counters.take()]

    assert taken == [{("respool_put_back_total", "main"): 2.0}, {}]


def test_counters_when_given_back_then_nothing_is_lost() -> None:
    counters = Counters()
    counters.add(metrics.FENCED)
    deltas = counters.take()
    counters.add(metrics.FENCED)

    counters.give_back(deltas)

    assert counters.take() == {("respool_fenced_writes_total",): 2.0}


def test_counters_when_labels_never_end_then_the_rest_is_one_series() -> None:
    counters = Counters()

    for number in range(MAX_SERIES + 50):
        counters.add(metrics.PUT_BACK, f"provider-{number}")

    taken = counters.take()
    assert len(taken) == MAX_SERIES + 1
    assert taken["respool_put_back_total", OTHER] == 50


def test_exposition_of_a_counter_has_help_type_and_line() -> None:
    text = exposition({("respool_http_requests_total", "200"): 3.0})

    assert text == (
        "# HELP respool_http_requests_total answers of the API\n"
        "# TYPE respool_http_requests_total counter\n"
        'respool_http_requests_total{status="200"} 3\n'
    )


def test_exposition_when_a_label_has_quotes_and_line_breaks_then_escaped() -> None:
    text = exposition({("respool_queue_depth", 'a"b\\c\nd'): 1.0})

    assert text.splitlines()[-1] == r'respool_queue_depth{tenant="a\"b\\c\nd"} 1'


def test_exposition_of_a_histogram_is_cumulative_and_counts_all() -> None:
    counters = Counters()
    for seconds in (0.01, 0.2, 0.2, 1000.0):
        counters.observe(metrics.FIRST_DELTA, seconds)

    lines = dict(
        line.rsplit(" ", 1) for line in exposition(counters.take()).splitlines() if not line.startswith("#")
    )

    name = metrics.FIRST_DELTA.name
    assert [lines[f'{name}_bucket{{le="{le}"}}'] for le in ("0.05", "0.1", "0.25", "300.0", "+Inf")] == [
        "1", "1", "3", "3", "4",
    ]  # fmt: skip
    assert (lines[f"{name}_count"], lines[f"{name}_sum"]) == ("4", "1000.41")


def test_exposition_when_another_release_counted_with_other_labels_then_left_out() -> None:
    strange: dict[Series, float] = {("respool_put_back_total", "a", "b"): 1.0, ("gone_total",): 1.0}

    assert "a" not in exposition(strange).partition("counter\n")[2]


@pytest.mark.parametrize(
    ("metric", "expected"), [(metrics.FOLLOWERS, 5.0), (metrics.BREAKER, 3.0)], ids=["sum", "worst"]
)
def test_gauges_of_two_processes_when_merged_then_summed_or_the_worst(
    metric: metrics.Metric, expected: float
) -> None:
    series: Series = (metric.name, *("x" for _ in metric.labels))

    assert merged([{series: 2.0}, {series: 3.0}]) == {series: expected}


def test_counters_without_labels_are_shown_before_they_are_counted() -> None:
    assert metrics.zeros()[("respool_fenced_writes_total",)] == 0.0


def test_metric_names_are_each_used_once() -> None:
    names = [metric.name for metric in metrics.METRICS]

    assert sorted(set(names)) == sorted(names)
