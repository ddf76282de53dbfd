"""What a full database costs: the same calls beside few stored rows and beside many; chains of depths.

Two deployments stand side by side and are measured in turn. Claims and chains are measured at the store,
where nothing else is in the way.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from bench.compare import Comparison, alternate
from bench.figures import Figures, latency
from bench.following import submit_and_wait
from bench.product import Respool
from bench.rows import Filler
from bench.scenarios import create, request_figures
from bench.target import Site, Target
from shared.store import Store, open_store

CHAINS = (1, 10, 100)
_CONNECTIONS = 4
_LIST = "/responses?limit=20"
_CLAIMS = 200
_WARM, _READS = 20, 100


def growth(
    site: Site, few: Respool, many: Respool, *, counts: tuple[int, int], seconds: float, rounds: int
) -> dict[str, Comparison]:
    """create, get, list and claim beside `counts` rows; workers of both are stopped on the way."""
    ids = {respool.name: _filled(respool, count) for respool, count in zip((few, many), counts, strict=True)}
    pair = (few.target(), many.target())

    def beside(measure: Callable[[Target], Figures]) -> Comparison:
        (a, b), (low, high) = pair, (few.name, many.name)
        return alternate(low, lambda: measure(a), high, lambda: measure(b), rounds)

    def get(target: Target) -> Figures:
        return _requests(site, target, [f"/responses/{one}" for one in ids[target.name]], seconds)

    compared = {
        "create": beside(lambda t: create(site, t, connections=_CONNECTIONS, model="mock", seconds=seconds)),
        "get": beside(get),
        "list": beside(lambda t: _requests(site, t, [_LIST], seconds)),
    }
    for respool in (few, many):
        respool.stop_worker()
    compared["claim"] = alternate(few.name, lambda: _claims(few), many.name, lambda: _claims(many), rounds)
    return compared


def chains(respool: Respool, *, rounds: int) -> dict[int, list[Figures]]:
    """What it takes to read a chain's items, by its depth; depths in turn."""
    with Filler(respool.database_url, _any_ended(respool.database_url)) as filler:
        last = {depth: filler.chain(depth) for depth in CHAINS}
    measured: dict[int, list[Figures]] = {depth: [] for depth in CHAINS}
    with closing(open_store(respool.database_url, pool_size=1)) as store:
        for _ in range(rounds):
            for depth in CHAINS:
                measured[depth].append(_history(store, last[depth]))
    return measured


def _filled(respool: Respool, count: int) -> list[str]:
    template = submit_and_wait(respool.target())
    with Filler(respool.database_url, template) as filler:
        ids = filler.fill(count)
    random.Random(7).shuffle(ids)
    return ids


def _requests(site: Site, target: Target, paths: list[str], seconds: float) -> Figures:
    prefix = target.spec("requests", "GET", "")["path"]
    spec = target.spec(
        "requests",
        "GET",
        paths[0],
        paths=[prefix + path for path in paths],
        connections=_CONNECTIONS,
        seconds=seconds,
        warmup=min(0.5, seconds),
    )
    return request_figures(site.drive(target, spec))


def _claims(respool: Respool) -> Figures:
    template = _any_ended(respool.database_url)
    with Filler(respool.database_url, template) as filler:
        filler.queue(_CLAIMS)
        taken = 0
        with closing(open_store(respool.database_url, pool_size=1)) as store:
            store.leases.claimable(background=True, limit=1)  # connects

            def claim() -> None:
                nonlocal taken
                taken += store.leases.claim_next("bench", background=True) is not None

            figures = _timed(claim, _CLAIMS)
        filler.drop_queue()
    return {**figures, "failed": _CLAIMS - taken}


def _history(store: Store, response_id: str) -> Figures:
    statements = 0

    def count(*_: Any) -> None:
        nonlocal statements
        statements += 1

    event.listen(sa.Engine, "before_cursor_execute", count)
    try:
        found = len(store.items.history(response_id))
    finally:
        event.remove(sa.Engine, "before_cursor_execute", count)
    _timed(lambda: store.items.history(response_id), _WARM)
    figures = _timed(lambda: store.items.history(response_id), _READS)
    return {**figures, "items": found, "statements": statements}


def _timed(act: Callable[[], Any], times: int) -> Figures:
    """Wall clock and this process's own CPU; the database's CPU is not in it."""
    samples = []
    cpu = time.process_time()
    for _ in range(times):
        started = time.perf_counter()
        act()
        samples.append(time.perf_counter() - started)
    return {**latency(samples), "cpu_ms": (time.process_time() - cpu) * 1000 / times}


def _any_ended(database_url: str) -> str:
    engine = sa.create_engine(database_url)
    try:
        with engine.connect() as connection:
            query = sa.text("SELECT id FROM responses WHERE status = 'completed' LIMIT 1")
            return str(connection.execute(query).scalar_one())
    finally:
        engine.dispose()
