"""`python -m bench.retention`: what it takes to remove half of a million stored responses, beside others.

The removal is the workers' own, in a process that is killed in the middle and started again. A reader
and a writer go on beside it. Exit status 1 when anything is left, or lost.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.driving import ROOT
from bench.figures import percentile
from bench.rows import FILLED, Filler
from shared.log import EventLog
from shared.sealing import opening_frames
from shared.services import connect_redis
from shared.settings import Settings
from shared.store import Store, migrate, open_store
from shared.store.tables import archives, items, payloads, responses
from tests.support.rows import TENANT, accepted, claimed, deltas, ending
from tests.support.servers import PostgresServer, RedisServer
from workers.retention import BATCH, Retention

DAYS = 30.0
_ALONE_SECONDS = 10.0
_PAUSE_SECONDS = 0.02  # of the reader and the writer, between two calls
_WORDS = 60


@dataclass
class Beside:
    """A caller that goes on all the time, at its own pace."""

    call: Callable[[], object]
    times: list[float] = field(default_factory=list)
    failed: int = 0

    def run(self, stopping: threading.Event) -> None:
        while not stopping.wait(_PAUSE_SECONDS):
            began = time.perf_counter()
            try:
                self.call()
                self.times.append(time.perf_counter() - began)
            except Exception:
                self.failed += 1


@contextmanager
def going_on(*all_of: Beside) -> Iterator[None]:
    stopping = threading.Event()
    threads = [threading.Thread(target=one.run, args=(stopping,)) for one in all_of]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def remove(database_url: str, redis_url: str) -> None:
    """The child: retention as a worker's sweep does it, again and again until nothing is due."""
    settings = Settings(database_url=database_url, redis_url=redis_url, retention_days=DAYS)
    client = connect_redis(redis_url)
    with closing(open_store(database_url, pool_size=1)) as store, closing(client):
        retire, last = store.sweeping.retire, BATCH

        def timed(**limits: Any) -> list[str]:
            nonlocal last
            began = time.perf_counter()
            gone = retire(**limits)
            last = len(gone)
            print(json.dumps([last, time.perf_counter() - began]), flush=True)
            return gone

        store.sweeping.retire = timed  # type: ignore[method-assign]
        retention = Retention(
            store=store, log=EventLog(client), settings=settings, stopping=threading.Event()
        )
        while last == BATCH:
            retention.retire()


def _removing(url: str, redis_url: str, enough: float) -> tuple[list[tuple[int, float]], float]:
    """Batches and seconds of one child, which is killed when it has removed `enough`."""
    command = [sys.executable, "-m", "bench.retention", "--remove", url, redis_url]
    batches: list[tuple[int, float]] = []
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if not batches:
                began = time.perf_counter() - json.loads(line)[1]
            batches.append((int(json.loads(line)[0]), float(json.loads(line)[1])))
            if sum(n for n, _ in batches) >= enough:
                child.kill()
                break
    return batches, time.perf_counter() - began


def _template(store: Store) -> str:
    """One ended response with the text of an ordinary one, and its archive."""
    claim = claimed(store, "What is a lease, and why has it a number? " * 4)
    store.leases.gate(claim.row.id, claim.row.attempt)
    journal = opening_frames(claim.row, claim.envelope)
    journal += deltas(len(journal), _WORDS)
    said = ending(claim, "a word or two " * _WORDS)
    assert store.endings.finish(claim.row.id, claim.row.attempt, said, journal) is not None
    return claim.row.id


def measure(url: str, redis_url: str, count: int) -> tuple[dict[str, Any], list[str]]:
    migrate.upgrade(url)
    with closing(open_store(url, pool_size=4)) as store:
        began = time.perf_counter()
        with Filler(url, _template(store)) as filler:
            filler.fill_to_retire(count, days=DAYS)
        _say(f"{count:,} rows in {time.perf_counter() - began:.0f} s")
        before, expected = _counts(url), _expected(url)
        young = [f"{FILLED}{n:010d}" for n in range(count * 6 // 10, count, max(1, count // 5_000))]
        rng = random.Random(7)

        def read() -> None:
            assert store.responses.find(TENANT, rng.choice(young)) is not None

        def write() -> None:
            accepted(store, "beside", queue_seconds=1e6)

        alone, beside = (Beside(read), Beside(write)), (Beside(read), Beside(write))
        with going_on(*alone):
            time.sleep(_ALONE_SECONDS)
        inserted = len(alone[1].times)
        due = before["responses"] - expected["kept"]
        with going_on(*beside):
            first, seconds = _removing(url, redis_url, due / 2)
            second, more = _removing(url, redis_url, float("inf"))
        inserted += len(beside[1].times)
        wrong = _wrong(store, url, expected, inserted)
    batches = first + second
    return {
        "rows, and due": f"{before['responses']:,}; {due:,}",
        "removed a second": f"{sum(n for n, _ in batches) / (seconds + more):,.0f}",
        "rows a batch": BATCH,
        "transaction, ms, p50 and longest": _pair([s for _, s in batches], longest=True),
        "read beside it, ms, p50 and p99 (alone)": _both(beside[0], alone[0]),
        "insert beside it, ms, p50 and p99 (alone)": _both(beside[1], alone[1]),
        "reads and inserts that failed": beside[0].failed + beside[1].failed,
        "killed after": f"{sum(n for n, _ in first):,}",
        "left that should be gone, or lost": sum(wrong.values()),
    }, [f"{name}: {n}" for name, n in wrong.items() if n]


_OLD = "terminal_at < {now} - 2592000"
_NOW = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "CAST(extract(epoch from now()) AS double precision)",
}


def _ask(url: str, *statements: str) -> list[int]:
    engine = sa.create_engine(url)
    now = _NOW[engine.dialect.name]
    try:
        with engine.connect() as connection:
            return [
                int(connection.execute(sa.text(s.format(old=_OLD.format(now=now)))).scalar_one())
                for s in statements
            ]
    finally:
        engine.dispose()


def _counts(url: str) -> dict[str, int]:
    names = [table.name for table in (responses, payloads, items, archives)]
    return dict(zip(names, _ask(url, *(f"SELECT count(*) FROM {name}" for name in names)), strict=True))


def _expected(url: str) -> dict[str, int]:
    """How many stay: the young, and of the old those that a young one's chain goes through."""
    chain = (
        "WITH RECURSIVE kept(id) AS (SELECT id FROM responses WHERE NOT {old} UNION "
        "SELECT r.previous_response_id FROM responses r JOIN kept ON kept.id = r.id "
        "WHERE r.previous_response_id IS NOT NULL) SELECT count(*) FROM kept"
    )
    young, kept = _ask(url, "SELECT count(*) FROM responses WHERE NOT {old}", chain)
    return {"young": young, "kept": kept}


def _wrong(store: Store, url: str, expected: dict[str, int], inserted: int) -> dict[str, int]:
    found = _counts(url)
    (orphans, broken) = _ask(
        url,
        "SELECT count(*) FROM responses WHERE {old} AND deleted_at IS NULL",
        "SELECT count(*) FROM responses r WHERE previous_response_id IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM responses p WHERE p.id = r.previous_response_id)",
    )
    wanted = {
        "responses": expected["kept"] + inserted,
        "payloads": expected["young"] + inserted,
        "items": 2 * expected["kept"] + inserted,
        "archives": expected["young"],
    }
    off = {name: abs(found[name] - wanted[name]) for name in wanted}
    return {**off, "past retention and readable": orphans, "chains without a parent": broken}


def _pair(samples: list[float], *, longest: bool = False) -> str:
    high = max(samples, default=float("nan")) if longest else percentile(samples, 0.99)
    return f"{percentile(samples, 0.5) * 1000:.1f}; {high * 1000:.1f}"


def _both(beside: Beside, alone: Beside) -> str:
    return f"{_pair(beside.times)} ({_pair(alone.times)})"


def _say(line: str) -> None:
    print(f"… {line}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.retention", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="a multiple of 200")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgres"])
    parser.add_argument("--remove", nargs=2, metavar=("DATABASE", "REDIS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.remove:
        remove(*options.remove)
        return 0
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="respool-bench-") as folder:
        server = RedisServer(Path(folder) / "redis").start()
        try:
            for name in options.databases:
                table, off = _measured(name, Path(folder), server.url, options.rows)
                wrong += off
                print(f"{name}\n" + "\n".join(f"  {what}: {value}" for what, value in table.items()))
        finally:
            server.stop()
    print("\n".join(wrong) or "nothing is left, nothing is lost")
    return 1 if wrong else 0


def _measured(name: str, folder: Path, redis_url: str, rows: int) -> tuple[dict[str, Any], list[str]]:
    if name == "sqlite":
        return measure(f"sqlite:///{folder / 'respool.db'}", redis_url, rows)
    server = PostgresServer(folder / "postgres").start()
    try:
        return measure(server.new_database(), redis_url, rows)
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
