"""The chaos test as a long manual run: `python -m bench.chaos --minutes 10 --seed 7`.

Kills API, worker and Redis over and over under mixed load, then prints one verdict table. Exit
status 1 when an invariant is broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.support.chaos import Chaos
from tests.support.servers import PostgresServer
from tests.support.stack import SHORT, Stack


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--in-flight", type=int, default=50)
    parser.add_argument("--postgres", action="store_true", help="a PostgreSQL of its own, not SQLite")
    parser.add_argument("--keep", type=Path, help="folder for data and logs; default: a temporary one")
    arguments = parser.parse_args()
    if arguments.keep is not None:
        arguments.keep.mkdir(parents=True)
        return _run(arguments, arguments.keep)
    with tempfile.TemporaryDirectory(prefix="respool-chaos-") as folder:
        return _run(arguments, Path(folder))


def _run(arguments: argparse.Namespace, folder: Path) -> int:
    database = PostgresServer(folder / "postgres").start() if arguments.postgres else None
    env = SHORT if database is None else {**SHORT, "DATABASE_URL": database.new_database()}
    stack = Stack(folder / "stack", env).start()
    try:
        chaos = Chaos(stack, seed=arguments.seed, in_flight=arguments.in_flight).start()
        until = time.monotonic() + arguments.minutes * 60
        while time.monotonic() < until:
            chaos.kill_each()
            print(f"{sum(chaos.kills.values())} kills, {len(chaos.checker.rows())} responses", flush=True)
        return _report(chaos, chaos.finish(), arguments.seed)
    finally:
        stack.stop()
        if database is not None:
            database.stop()


def _report(chaos: Chaos, findings: list[str], seed: int) -> int:
    lines = [("seed", seed), *(("kills of " + role, n) for role, n in sorted(chaos.kills.items()))]
    lines += [("responses " + outcome, n) for outcome, n in sorted(chaos.outcomes().items())]
    lines += [
        ("streams", len(chaos.transcripts)),
        ("connections cut", sum(t.cuts for t in chaos.transcripts)),
        ("events seen", sum(len(t.frames) for t in chaos.transcripts)),
        ("broken invariants", len(findings)),
    ]
    for name, value in lines:
        print(f"{name:<28} {value}")
    for finding in findings:
        print("  " + finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
