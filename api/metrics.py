"""GET /metrics: what all processes have counted, what waits and what runs, for Prometheus.

Whichever API process is asked gives the same numbers. With RESPOOL_METRICS_KEY set they need that
key; without it they are for this machine alone, and everybody else finds no such route.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from ipaddress import ip_address

from flask import Flask, Response, request

from api.relay import Relay
from shared import metrics
from shared.catalog import Reloader
from shared.errors import LogUnavailable, NotFound, StoreUnavailable, Unauthorized
from shared.log import Board, Reporter
from shared.metrics import Series
from shared.services import Services

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# what a proxy adds: its peer is not who asks
_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Via")

Read = Callable[[], dict[Series, float]]


class MetricsResource:
    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._board = Board(services.redis)
        self._key = services.settings.metrics_key

    def routes(self, app: Flask) -> None:
        app.add_url_rule("/metrics", view_func=self.metrics, methods=["GET"], endpoint="metrics")

    def metrics(self) -> Response:
        self._check_access()
        samples: dict[Series, float] = {}
        for dependency, read in (("database", self._from_store), ("redis", self._from_board)):
            found = _read(read)
            samples[metrics.REACHABLE.name, dependency] = 0.0 if found is None else 1.0
            samples.update(found or {})
        return Response(metrics.exposition(samples), content_type=CONTENT_TYPE)

    def _check_access(self) -> None:
        if self._key:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            given = token.encode() if scheme.lower() == "bearer" else b""
            if not hmac.compare_digest(given, self._key.encode()):
                raise Unauthorized("Incorrect metrics key provided.")
        elif not _is_local() or any(name in request.headers for name in _FORWARDED):
            raise NotFound("Unknown request URL.", code="unknown_url")

    def _from_store(self) -> dict[Series, float]:
        samples: dict[Series, float] = {}
        for tenant, queued in self._store.gauges.queued().items():
            samples[metrics.QUEUE_DEPTH.name, tenant] = queued.count
            samples[metrics.QUEUE_OLDEST.name, tenant] = queued.oldest_seconds
        for tenant, count in self._store.gauges.in_progress().items():
            samples[metrics.IN_PROGRESS.name, tenant] = count
        age = self._store.sweeping.last_sweep_age()
        if age is not None:
            samples[(metrics.SWEEP_AGE.name,)] = max(age, 0.0)
        return samples

    def _from_board(self) -> dict[Series, float]:
        gauges = metrics.merged(self._board.gauges())
        return {**metrics.zeros(), **self._board.counted(), **gauges}


def install(app: Flask, counters: metrics.Counters) -> None:
    """Count every answer."""

    def count(response: Response) -> Response:
        counters.add(metrics.HTTP_REQUESTS, str(response.status_code))
        return response

    app.after_request(count)


def start_reporter(services: Services, relay: Relay, reloader: Reloader) -> Reporter:
    """What this process counts, put where all of them can be asked for it."""

    def gauges() -> dict[Series, float]:
        return {
            (metrics.FOLLOWERS.name,): float(relay.followers),
            (metrics.CONFIG_REFUSED.name,): float(reloader.refused),
        }

    reporter = Reporter(Board(services.redis), services.transitions.counters, role="api", gauges=gauges)
    reporter.start()
    return reporter


def _read(read: Read) -> dict[Series, float] | None:
    try:
        return read()
    except (StoreUnavailable, LogUnavailable):
        return None


def _is_local() -> bool:
    try:
        peer = ip_address(request.remote_addr or "")
    except ValueError:
        return False
    return (getattr(peer, "ipv4_mapped", None) or peer).is_loopback
