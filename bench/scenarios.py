"""The scenarios that any target can run: blocking creates and streams. One round, one row of figures.

CPU is that of the target's own processes; what the upstream and the generator used of their core is
shown beside, so that a reader sees that neither was the limit.
"""

from __future__ import annotations

import math
from typing import Any

from bench.driving import Outcome
from bench.figures import Figures, latency, percentile
from bench.target import Site, Target
from upstream.directives import read_model

WARMUP_SECONDS = 0.7


def create(site: Site, target: Target, *, connections: int, model: str, seconds: float) -> Figures:
    """Stored, blocking creates: each client sends its next request when it has the answer."""
    spec = target.spec(
        "requests",
        "POST",
        "/responses",
        connections=connections,
        seconds=seconds,
        warmup=min(WARMUP_SECONDS, seconds),
        body=target.body(model),
    )
    return request_figures(site.drive(target, spec))


def request_figures(outcome: Outcome) -> Figures:
    return {
        "rps": outcome.answered / outcome.seconds,
        **latency(outcome.latencies),
        "cpu_ms": _each(outcome, 1000, outcome.answered),
        "failed": outcome.failed,
        **shares(outcome),
    }


def stream(
    site: Site, target: Target, *, connections: int, model: str, seconds: float, timed: bool
) -> Figures:
    """Streams one after the other on each connection. `timed`: how late each delta comes is measured."""
    spec = target.spec(
        "streams",
        "POST",
        "/responses",
        connections=connections,
        seconds=seconds,
        warmup=min(WARMUP_SECONDS, seconds),
        body=target.body(model, stream=True),
        arrivals=timed,
        keyed=target.keyed,
    )
    if timed:
        site.upstream.reset()
    outcome = site.drive(target, spec)
    streams = outcome.merged("streams")
    deltas = sum(one["deltas"] for one in streams)
    pause = read_model(model).interval * 1000  # the mock's own, before its first word
    firsts = [one["first_ms"] - pause for one in streams if one["first_ms"] is not None]
    delays = _delays(site, streams, model) if timed else []
    return {
        "first_delta_ms": percentile(firsts, 0.5),
        "first_delta_p99_ms": percentile(firsts, 0.99),
        "delay_ms": percentile(delays, 0.5) * 1000,
        "delay_p99_ms": percentile(delays, 0.99) * 1000,
        "deltas_s": deltas / outcome.seconds,
        "deltas_a_stream": deltas / max(1, len(streams)),
        "cpu_us_delta": _each(outcome, 1_000_000, deltas),
        "failed": outcome.failed + sum(not one["completed"] for one in streams),
        **shares(outcome),
    }


def shares(outcome: Outcome) -> Figures:
    """Of one core each: the upstream and the generator must not be the limit."""
    others = {f"{name}_core": outcome.share(name) for name in outcome.cpu}
    return dict(sorted(others.items()))


def _each(outcome: Outcome, factor: float, count: int) -> float:
    if "server" not in outcome.cpu or not count:
        return math.nan
    return outcome.cpu["server"] * factor / count


def _delays(site: Site, streams: list[dict[str, Any]], model: str) -> list[float]:
    """Seconds from when the mock was due to say a word until the client had it.

    The ledger knows when each generation began, and the mock says its words by the clock from there.
    """
    calls = site.upstream.ledger()["calls"]
    pace = read_model(model)
    delays = []
    for one in streams:
        begun = _begun(calls, one) if one["arrivals"] else None
        if begun is None:
            continue
        word = 0
        for at, count in one["arrivals"]:
            for _ in range(count):
                word += 1
                delays.append(at - (begun + pace.first_byte + pace.interval * word))
    return delays


def _begun(calls: dict[str, list[dict[str, Any]]], one: dict[str, Any]) -> float | None:
    """By the key that came to the upstream; where none did, by time: then streams come one at a time."""
    known = calls.get(one["key"]) or calls.get(one["id"])
    if known is None:
        first = one["arrivals"][0][0]
        known = [call for call in calls.get("anonymous", []) if call["started"] <= first][-1:]
    return float(known[0]["started"]) if known else None
