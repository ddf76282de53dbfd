"""Background work: everything submitted at once, then run to its end.

What a response waited for stands in Respool's own rows, so nobody polls and the figures hold no cost of
asking. A peer without such rows is asked by GET, one response after the other, oldest first.
"""

from __future__ import annotations

import json
import math
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing

import sqlalchemy as sa

from bench.figures import Figures, percentile
from bench.machine import cpu_seconds
from bench.scenarios import shares
from bench.target import Site, Target
from shared.store.tables import responses

_CONNECTIONS = 8
_LOOK_SECONDS = 0.25
_PATIENCE_SECONDS = 120.0  # without any progress
_ENDED = ("completed", "failed", "incomplete", "cancelled")


def background(site: Site, target: Target, *, count: int, database_url: str, model: str = "mock") -> Figures:
    spec = _spec(target, count, model)
    begun = time.time()
    cpu = cpu_seconds(target.groups["server"])
    outcome = site.drive(target, spec)
    with closing(_Rows(database_url, begun)) as rows:
        wait_for_all(rows.ended, outcome.answered)
        cpu = cpu_seconds(target.groups["server"]) - cpu
        waits, seconds, failed = rows.story()
    return {
        "submitted_s": outcome.answered / outcome.seconds,
        "completed_s": len(waits) / seconds,
        "queue_wait_p50_s": percentile(waits, 0.5),
        "queue_wait_p99_s": percentile(waits, 0.99),
        "refused": outcome.failed,
        "failed": failed,
        "cpu_ms": cpu * 1000 / max(1, len(waits)),
        **shares(outcome),
    }


def background_by_polling(site: Site, target: Target, *, count: int, model: str = "mock") -> Figures:
    started = time.perf_counter()
    outcome = site.drive(target, _spec(target, count, model))
    ids = list(outcome.merged("ids"))
    failed = 0

    def ended() -> int:
        nonlocal failed
        while ids:
            status = _status(target, ids[0])
            if status not in _ENDED:
                break
            failed += status != "completed"
            ids.pop(0)
        return outcome.answered - len(ids)

    wait_for_all(ended, outcome.answered)
    return {
        "submitted_s": outcome.answered / outcome.seconds,
        "completed_s": outcome.answered / (time.perf_counter() - started),
        "refused": outcome.failed,
        "failed": failed,
        **shares(outcome),
    }


def wait_for_all(ended: Callable[[], int], wanted: int) -> None:
    """Until all have ended; a queue that stands still is an error, however long the whole takes."""
    known, since = -1, time.monotonic()
    while (now := ended()) < wanted:
        if now > known:
            known, since = now, time.monotonic()
        elif time.monotonic() - since > _PATIENCE_SECONDS:
            raise RuntimeError(f"background work stands still: {now} of {wanted} ended")
        time.sleep(_LOOK_SECONDS)


class _Rows:
    """What was accepted since `begun`."""

    def __init__(self, database_url: str, begun: float) -> None:
        self._engine = sa.create_engine(database_url)
        self._mine = sa.and_(responses.c.created_at >= begun, responses.c.background)

    def ended(self) -> int:
        query = sa.select(sa.func.count()).where(self._mine, responses.c.terminal_at.is_not(None))
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def story(self) -> tuple[list[float], float, int]:
        """How long each one waited, seconds from the first submission to the last end, how many failed."""
        columns = (responses.c.created_at, responses.c.upstream_started_at, responses.c.terminal_at)
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(*columns, responses.c.status).where(self._mine)).all()
        if not rows:
            return [], math.nan, 0
        waits = [r.upstream_started_at - r.created_at for r in rows if r.upstream_started_at is not None]
        seconds = max(r.terminal_at for r in rows) - min(r.created_at for r in rows)
        return waits, seconds, sum(r.status != "completed" for r in rows)

    def close(self) -> None:
        self._engine.dispose()


def _spec(target: Target, count: int, model: str) -> dict[str, object]:
    body = target.body(model, background=True)
    connections = min(_CONNECTIONS, count)
    return target.spec("submissions", "POST", "/responses", connections=connections, count=count, body=body)


def _status(target: Target, response_id: str) -> str:
    headers = {"Authorization": f"Bearer {target.key}", **target.headers}
    request = urllib.request.Request(f"{target.base_url}/responses/{response_id}", headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return str(json.loads(answer.read())["status"])
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}"
