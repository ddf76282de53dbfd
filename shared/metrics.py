"""What a process counts, and the text in which Prometheus reads it. PURE.

A label holds names of a closed set (statuses, reasons, providers, tenants): never an id, a key or a
word of a prompt. Counting costs a dictionary entry and no I/O; see shared/log/board.py for the rest.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"
MAX_SERIES = 200  # of one metric in one process; what comes after is counted as OTHER
OTHER = "(other)"
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_INFINITE = "+Inf"
_SUM = "sum"

Series = tuple[str, ...]  # a metric's name and its labels' values; of a histogram also the bucket
Samples = Mapping[Series, float]


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()
    known: tuple[str, ...] = ()  # values of the one label that are shown as 0 before they are counted
    worst: bool = False  # of a gauge: over the processes the greatest value counts, not the sum


QUEUE_DEPTH = Metric("respool_queue_depth", GAUGE, "responses that wait for a worker", ("tenant",))
QUEUE_OLDEST = Metric(
    "respool_queue_oldest_seconds", GAUGE, "age of the oldest response that waits", ("tenant",)
)
IN_PROGRESS = Metric("respool_in_progress", GAUGE, "responses that a worker holds", ("tenant",))
ENDED = Metric(
    "respool_responses_ended_total",
    COUNTER,
    "responses that came to their end; reason is empty where all went well",
    ("status", "reason"),
)
RESCUES = Metric(
    "respool_rescues_total",
    COUNTER,
    "leases that ran out, by what became of the response",
    ("rung",),
    known=("expire", "requeue", "give_up", "resume", "restart", "fail"),
)
FENCED = Metric(
    "respool_fenced_writes_total",
    COUNTER,
    "attempts that were stopped because another hand (a cancel, a rescue) has the response",
)
SEALED = Metric(
    "respool_terminal_events_by_helper_total",
    COUNTER,
    "terminal events written by another process than the one that ended the response",
)
RESEEDS = Metric(
    "respool_log_reseeds_total", COUNTER, "event logs lost by Redis and written again from memory"
)
UPSTREAM_CALLS = Metric(
    "respool_upstream_calls_total",
    COUNTER,
    "generations sent to a provider, by outcome: ok, fenced or an error's reason",
    ("provider", "outcome"),
)
PUT_BACK = Metric(
    "respool_put_back_total", COUNTER, "refusals that wait in the queue for a second try", ("provider",)
)
FALLBACKS = Metric(
    "respool_fallbacks_total",
    COUNTER,
    "responses that went to another target of their alias",
    ("from", "to"),
)
AT_LIMIT = Metric(
    "respool_provider_at_limit",
    GAUGE,
    "whether the provider took nothing more because of a limit of its own, when a worker last looked",
    ("provider",),
    worst=True,
)
BREAKER = Metric(
    "respool_breaker_state",
    GAUGE,
    "the provider's breaker, the worst of all workers: 0 closed, 1 ramping, 2 open",
    ("provider",),
    worst=True,
)
FIRST_DELTA = Metric(
    "respool_time_to_first_delta_seconds",
    HISTOGRAM,
    "from a response's creation to its first delta, the wait in the queue included",
)
TOKENS = Metric(
    "respool_tokens_total",
    COUNTER,
    "tokens as the providers reported them",
    ("direction",),
    known=("input", "output"),
)
FOLLOWERS = Metric("respool_followers", GAUGE, "clients that wait for a response or follow one")
HTTP_REQUESTS = Metric("respool_http_requests_total", COUNTER, "answers of the API", ("status",))
PROCESSES = Metric("respool_processes", GAUGE, "processes that were heard of within seconds", ("role",))
SWEEP_AGE = Metric("respool_last_sweep_seconds", GAUGE, "since a worker has last looked for forgotten work")
REACHABLE = Metric(
    "respool_reachable", GAUGE, "whether this API process reaches the database and Redis", ("dependency",)
)
CONFIG_REFUSED = Metric(
    "respool_config_refused",
    GAUGE,
    "1 where a process goes on with older providers because their file has a mistake",
    worst=True,
)

METRICS = (
    QUEUE_DEPTH,
    QUEUE_OLDEST,
    IN_PROGRESS,
    ENDED,
    RESCUES,
    FENCED,
    SEALED,
    RESEEDS,
    UPSTREAM_CALLS,
    PUT_BACK,
    FALLBACKS,
    AT_LIMIT,
    BREAKER,
    FIRST_DELTA,
    TOKENS,
    FOLLOWERS,
    HTTP_REQUESTS,
    PROCESSES,
    SWEEP_AGE,
    REACHABLE,
    CONFIG_REFUSED,
)
_BY_NAME = {metric.name: metric for metric in METRICS}


class Counters:
    """What one process has counted and not yet handed on."""

    def __init__(self) -> None:
        self._deltas: dict[Series, float] = defaultdict(float)
        self._known: dict[str, set[Series]] = defaultdict(set)
        self._lock = threading.Lock()

    def add(self, metric: Metric, *values: str, by: float = 1.0) -> None:
        assert len(values) == len(metric.labels)
        with self._lock:
            self._deltas[self._series(metric.name, values)] += by

    def observe(self, metric: Metric, value: float) -> None:
        bucket = next((str(limit) for limit in BUCKETS if value <= limit), _INFINITE)
        with self._lock:
            self._deltas[metric.name, bucket] += 1.0
            self._deltas[metric.name, _SUM] += value

    def take(self) -> dict[Series, float]:
        """What was counted since the last time."""
        with self._lock:
            taken, self._deltas = self._deltas, defaultdict(float)
        return dict(taken)

    def give_back(self, deltas: Samples) -> None:
        """It could not be handed on."""
        with self._lock:
            for series, delta in deltas.items():
                self._deltas[series] += delta

    def _series(self, name: str, values: tuple[str, ...]) -> Series:
        series, known = (name, *values), self._known[name]
        if series not in known:
            if len(known) >= MAX_SERIES:
                return (name, *(OTHER for _ in values))
            known.add(series)
        return series


def merged(of_processes: Iterable[Samples]) -> dict[Series, float]:
    """The gauges of several processes as those of all."""
    result: dict[Series, float] = {}
    for gauges in of_processes:
        for series, value in gauges.items():
            metric = _BY_NAME.get(series[0])
            before = result.get(series, 0.0)
            result[series] = max(before, value) if metric is not None and metric.worst else before + value
    return result


def zeros() -> dict[Series, float]:
    """Counters that must be seen before their first increase: a rise from nothing shows in no rate."""
    result: dict[Series, float] = {}
    for metric in METRICS:
        if metric.kind == COUNTER and not metric.labels:
            result[(metric.name,)] = 0.0
        result.update({(metric.name, value): 0.0 for value in metric.known})
    return result


def exposition(samples: Samples) -> str:
    """The text format 0.0.4, in the order of METRICS; metrics without a sample are left out."""
    by_metric: dict[str, list[tuple[Series, float]]] = defaultdict(list)
    for series, value in sorted(samples.items()):
        by_metric[series[0]].append((series[1:], value))
    lines: list[str] = []
    for metric in METRICS:
        found = by_metric.get(metric.name)
        if found:
            lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
            lines += _histogram(metric, dict(found)) if metric.kind == HISTOGRAM else _plain(metric, found)
    return "".join(line + "\n" for line in lines)


def _plain(metric: Metric, found: list[tuple[Series, float]]) -> list[str]:
    return [
        f"{metric.name}{_labels(zip(metric.labels, values, strict=True))} {_number(value)}"
        for values, value in found
        if len(values) == len(metric.labels)  # else another release counted it
    ]


def _histogram(metric: Metric, found: dict[Series, float]) -> list[str]:
    lines, total = [], 0.0
    for limit in (*map(str, BUCKETS), _INFINITE):
        total += found.get((limit,), 0.0)
        lines.append(f"{metric.name}_bucket{_labels([('le', limit)])} {_number(total)}")
    lines.append(f"{metric.name}_sum {_number(found.get((_SUM,), 0.0))}")
    lines.append(f"{metric.name}_count {_number(total)}")
    return lines


def _labels(pairs: Iterable[tuple[str, str]]) -> str:
    text = ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)
    return f"{{{text}}}" if text else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(round(value, 6))
