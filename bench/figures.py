"""Arithmetic on samples: percentiles, and the spread of the rounds of one run. PURE."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median

Figures = dict[str, float]  # one round's figures, by name


@dataclass(frozen=True)
class Spread:
    min: float
    median: float
    max: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def percentile(samples: Sequence[float], share: float) -> float:
    """The sample that this share of all does not exceed; NaN of none."""
    if not samples:
        return math.nan
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def spread(values: Iterable[float]) -> Spread:
    """NaN is no value: a round in which nothing was measured does not count."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return Spread(math.nan, math.nan, math.nan)
    return Spread(min(known), median(known), max(known))


def spreads(rounds: Sequence[Figures]) -> dict[str, Spread]:
    names = dict.fromkeys(name for one in rounds for name in one)
    return {name: spread(one.get(name, math.nan) for one in rounds) for name in names}


def ratios(rounds: Sequence[tuple[Figures, Figures]]) -> dict[str, Spread]:
    """B against A, round by round, where both have the figure and A's is not nothing."""
    names = [name for name in rounds[0][0] if name in rounds[0][1]] if rounds else []
    return {name: spread(ratio(a[name], b[name]) for a, b in rounds) for name in names}


def latency(samples_seconds: Sequence[float]) -> Figures:
    return {
        "p50_ms": percentile(samples_seconds, 0.5) * 1000,
        "p95_ms": percentile(samples_seconds, 0.95) * 1000,
        "p99_ms": percentile(samples_seconds, 0.99) * 1000,
    }


def ratio(a: float, b: float) -> float:
    """B against A; NaN against nothing."""
    return b / a if a else math.nan
