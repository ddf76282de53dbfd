"""What the benchmark must reach, and what it aims at; which figures its table shows. Data only."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.figures import Spread

Rows = dict[str, dict[str, Spread]]  # figures by scenario


@dataclass(frozen=True)
class Goal:
    must: float
    aim: float
    at_least: bool = False

    def verdict(self, value: Spread | None) -> str:
        """By the median: a busy neighbour spoils a round, not all of them."""
        if value is None or math.isnan(value.median):
            return "not measured"
        sign = -1 if self.at_least else 1
        if sign * value.median <= sign * self.aim:
            return "aim"
        return "met" if sign * value.median <= sign * self.must else "MISSED"

    def shown(self, limit: float) -> str:
        return f"{'≥' if self.at_least else '≤'} {limit:g}"


def at_least(must: float, aim: float) -> Goal:
    return Goal(must, aim, at_least=True)


IDLE_STREAMS, SUBMITTED, FOLLOWERS = 9_000, 10_000, 1_000

# scenario and figure, as `bench.suite` names them
GOALS: dict[tuple[str, str], Goal] = {
    ("create c=32 0 ms", "cpu_ms"): Goal(6.5, 4),
    ("create c=1 0 ms", "added_p50_ms"): Goal(10, 6),
    ("create c=4 50 ms", "against_direct"): Goal(1.9, 1.3),
    ("stream 1 x 5 ms", "first_delta_ms"): Goal(14, 8),
    ("stream 20 x 20 ms", "delay_ms"): Goal(15, 10),
    ("stream 20 x 20 ms", "cpu_us_delta"): Goal(300, 150),
    ("stream 16 firehoses", "cpu_us_delta"): Goal(100, 50),
    ("idle streams", "failed"): Goal(0, 0),
    ("idle streams", "kib_each"): Goal(36, 26),
    ("fan-out", "cpu_us_delta"): Goal(12, 6),
    ("background", "refused"): Goal(0, 0),
    ("background", "submitted_s"): at_least(90, 200),
    ("background", "completed_s"): at_least(60, 120),
    **{(f"growth {act}", "p50_ratio"): Goal(1.4, 1.1) for act in ("create", "get", "list", "claim")},
    ("chain 100 against 1", "cpu_ratio"): Goal(3, 2),
    ("chain 100 against 1", "statements"): Goal(1, 1),
}

# peer, scenario and figure, as `bench.side_by_side` names them: Respool's figure over the peer's
PEER_GOALS: dict[tuple[str, str, str], Goal] = {
    ("litellm", "create loaded", "cpu_ms"): Goal(0.32, 0.2),
    ("litellm", "create loaded", "rps"): at_least(3, 5),
    ("ogx", "create loaded", "cpu_ms"): Goal(0.25, 0.15),
    ("ogx", "create loaded", "rps"): at_least(4, 7),
    ("portkey", "create loaded", "rps"): at_least(0.25, 0.45),
    ("portkey", "stream 1 x 5 ms", "first_delta_ms"): Goal(0.5, 0.3),
    ("ogx", "stream 1 x 5 ms", "first_delta_ms"): Goal(0.9, 0.5),
    ("ogx", "stream firehoses", "deltas_s"): at_least(3, 8),
}

_CREATE = ("rps", "p50_ms", "p95_ms", "p99_ms", "added_p50_ms", "against_direct", "cpu_ms")
_STREAM = ("first_delta_ms", "delay_ms", "deltas_s", "cpu_us_delta")
_SHARES = ("upstream_core", "generator_core", "memory_ns")
SHOWN: dict[str, tuple[str, ...]] = {  # by the first word of the scenario
    "create": (*_CREATE, "failed", *_SHARES),
    "stream": (*_STREAM, "failed", *_SHARES),
    "idle": ("alive", "failed", "kib_each", "opened_s"),
    "background": (
        *("submitted_s", "completed_s", "queue_wait_p50_s", "queue_wait_p99_s", "refused", "failed"),
        "cpu_ms",
    ),
    "fan-out": ("delivered_s", "cpu_us_delta", "slower_than_the_model", "failed", "generator_core"),
    "resume": ("first_event_ms", "rps", "cpu_ms", "failed"),
    "growth": ("few_p50_ms", "many_p50_ms", "p50_ratio", "cpu_ratio", "failed"),
    "chain": ("p50_ms", "cpu_ms", "cpu_ratio", "items", "statements"),
}
