"""`make soak MINUTES=10 SEED=7`: load and faults at random, then one verdict table.

Kills API, worker, Redis and the upstream's connections every 3 to 10 seconds, the database every two
minutes. The verdict comes two minutes after the last fault. Exit status 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import redis

from tests.support.servers import PostgresServer
from tests.support.soak import Soak, schedule
from tests.support.stack import SHORT, Stack

LOCK_SECONDS = 8.0  # of SQLite; longer than it waits for a lock
DOWN_SECONDS = 4.0  # of PostgreSQL
QUIET_SECONDS = 120.0
WIPE_SECONDS = 86_400  # what is not stored must be there for the verdict
MEMORY_SECONDS = 15.0
MIB = 1024 * 1024


class Memory:
    """Resident memory of the roles and Redis' own account of its data, in MiB, over the run."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._next = MEMORY_SECONDS
        self.samples: dict[str, list[float]] = {"api": [], "worker": [], "redis": [], "redis data": []}

    def look(self, at: float) -> None:
        if at < self._next:
            return
        self._next = at + MEMORY_SECONDS
        for role in ("api", "worker", "redis"):
            with suppress(psutil.Error, KeyError):
                self.samples[role].append(_resident(self._stack.pid(role)))
        with suppress(redis.exceptions.RedisError):
            client = redis.Redis.from_url(self._stack.dev["redis_url"])
            used = int(client.info("memory")["used_memory"])
            self.samples["redis data"].append(used / MIB)
            client.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=11.0, help="requests a second")
    parser.add_argument("--quiet", type=float, default=QUIET_SECONDS, help="seconds from the last fault on")
    parser.add_argument("--postgres", action="store_true", help="a PostgreSQL of its own, not SQLite")
    parser.add_argument("--keep", type=Path, help="folder for data and logs; default: a temporary one")
    arguments = parser.parse_args()
    if arguments.keep is not None:
        arguments.keep.mkdir(parents=True)
        return _run(arguments, arguments.keep)
    with tempfile.TemporaryDirectory(prefix="respool-soak-") as folder:
        return _run(arguments, Path(folder))


def _run(arguments: argparse.Namespace, folder: Path) -> int:
    database = PostgresServer(folder / "postgres").start() if arguments.postgres else None
    env = {**SHORT, "RESPOOL_WIPE_SECONDS": str(WIPE_SECONDS)}
    if database is not None:
        env["DATABASE_URL"] = database.new_database()
    stack = Stack(folder / "stack", env, proxied=True).start()
    try:
        moments = schedule(arguments.seed, seconds=arguments.minutes * 60, rate=arguments.rate)
        soak = Soak(stack, moments, _breaks(stack, database))
        memory = Memory(stack)
        began = time.monotonic()
        soak.run(memory.look)
        print(f"the schedule took {time.monotonic() - began:.0f} s; the verdict comes in a while", flush=True)
        time.sleep(arguments.quiet)
        memory.look(float("inf"))
        return _report(soak, memory, arguments.seed)
    finally:
        stack.stop()
        if database is not None:
            database.stop()


def _breaks(stack: Stack, server: PostgresServer | None) -> Callable[[], None]:
    """How the database fails: PostgreSQL crashes and is away, SQLite is locked by somebody."""
    if server is not None:

        def crash() -> None:
            server.crash()
            time.sleep(DOWN_SECONDS)
            server.start_again()

        return crash

    def lock() -> None:
        connection = sqlite3.connect(stack.data_dir / "respool.db", timeout=30, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        time.sleep(LOCK_SECONDS)
        connection.execute("ROLLBACK")
        connection.close()

    return lock


def _report(soak: Soak, memory: Memory, seed: int) -> int:
    findings = soak.findings()

    def count(*words: str) -> int:
        return sum(all(word in finding for word in words) for finding in findings)

    lines: list[tuple[str, object]] = [("seed", seed), ("requests sent", len(soak.orders))]
    lines += [("responses", len(soak.checker.rows()))]
    lines += [("faults of " + name, n) for name, n in sorted(soak.kills.items())]
    lines += [("ended " + outcome, n) for outcome, n in sorted(soak.outcomes().items())]
    lines += [
        ("streams", len(soak.transcripts)),
        ("connections cut", sum(t.cuts for t in soak.transcripts)),
        ("events seen", sum(len(t.frames) for t in soak.transcripts)),
        ("lost", count("I1 ", "lost")),
        ("paid twice", count("I3 ")),
        ("gaps", count("I7 ", "a gap")),
        ("repeats", count("I7 ", "a repeat")),
        ("not terminal", len(soak.checker.unsettled())),
        ("broken promises in all", len(findings)),
    ]
    for name, samples in memory.samples.items():
        if samples:
            shown = f"{samples[0]:.0f} -> {samples[-1]:.0f}, at most {max(samples):.0f}"
            lines.append((f"memory of {name}, MiB", shown))
    for name, value in lines:
        print(f"{name:<40} {value}")
    for finding in findings[:200]:
        print("  " + finding)
    return 1 if findings else 0


def _resident(pid: int) -> float:
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    return sum(p.memory_info().rss for p in family) / MIB


if __name__ == "__main__":
    sys.exit(main())
