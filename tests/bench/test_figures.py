"""Percentiles, ratios of neighbours, and what meets a goal."""

from __future__ import annotations

import math

from bench.figures import Spread, percentile, ratios, spread
from bench.goals import Goal, at_least


def test_percentile_when_samples_are_few_then_it_is_one_of_them() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.0


def test_percentile_of_a_hundred_when_asked_for_the_99th_then_one_is_above() -> None:
    assert percentile([float(n) for n in range(1, 101)], 0.99) == 99.0


def test_percentile_when_there_is_nothing_then_it_is_no_number() -> None:
    assert math.isnan(percentile([], 0.5))


def test_spread_when_a_round_measured_nothing_then_it_does_not_count() -> None:
    assert spread([3.0, math.nan, 1.0]) == Spread(1.0, 2.0, 3.0)


def test_ratios_when_rounds_differ_then_each_is_against_its_neighbour() -> None:
    # Given a machine that was three times slower in the second round
    rounds = [({"ms": 1.0}, {"ms": 2.0}), ({"ms": 3.0}, {"ms": 6.0})]

    assert ratios(rounds)["ms"] == Spread(2.0, 2.0, 2.0)


def test_goal_when_the_median_is_above_the_must_then_it_is_missed() -> None:
    assert Goal(10, 5).verdict(Spread(1, 11, 20)) == "MISSED"


def test_goal_when_the_median_is_within_the_must_then_it_is_met() -> None:
    assert Goal(10, 5).verdict(Spread(1, 9, 20)) == "met"


def test_goal_of_at_least_when_the_aim_is_reached_then_it_says_so() -> None:
    assert at_least(3, 8).verdict(Spread(7, 9, 10)) == "aim"


def test_goal_when_nothing_was_measured_then_it_is_not_met() -> None:
    assert Goal(10, 5).verdict(None) == "not measured"
