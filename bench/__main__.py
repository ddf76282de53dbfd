"""`python -m bench`: the whole set on SQLite and on PostgreSQL, one table, one JSON file.

Everything is started for the run and removed after it. With `--scale 0.05` it is over in some
minutes and proves only that it works.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import report
from bench.driving import ROOT
from bench.goals import Rows
from bench.machine import Pinning, allow_many_files, description, pin, stop_in_order
from bench.suite import PARTS, Scale, Suite
from bench.target import Site
from tests.support.servers import PostgresServer
from upstream import launch

DATABASES = ("sqlite", "postgres")


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    allow_many_files()
    stop_in_order()
    usual = Pinning.usual()
    pinning = Pinning(
        usual.server if options.server_cpus is None else options.server_cpus,
        usual.load if options.load_cpus is None else options.load_cpus,
    )
    began = description(pinning)
    upstream = launch.start()
    pin(upstream.pid, pinning.load)
    try:
        site = Site(upstream, pinning, options.generators)
        databases = {name: _measure(site, name, options) for name in options.databases}
    finally:
        upstream.stop()
    for line in report.table(databases):
        print(line)
    facts = {
        "machine": began,
        "scale": options.scale,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    report.write_json(
        options.json, {**facts, "databases": {k: report.plain(v) for k, v in databases.items()}}
    )
    print(f"\nwritten to {options.json}")
    judged = databases.get(report.JUDGED)
    if judged is not None and options.scale >= 1:
        print("missed: " + ("; ".join(report.missed(judged)) or "nothing"))
    return 0


def _measure(site: Site, name: str, options: argparse.Namespace) -> Rows:
    scale = Scale(options.scale)
    if name == "sqlite":
        return Suite(site, name, lambda: "", scale, _say, patience=options.patience).run(options.only)
    # not below a folder of one user alone: the server may run as another
    with tempfile.TemporaryDirectory(prefix="respool-bench-") as folder:
        server = PostgresServer(Path(folder) / "postgres").start()
        try:
            if server.is_own:
                pin(server.pid, site.pinning.load)
            suite = Suite(site, name, server.new_database, scale, _say, patience=options.patience)
            return suite.run(options.only)
        finally:
            server.stop()


def _say(line: str) -> None:
    print(f"… {line}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="part of the whole (default: %(default)s)")
    parser.add_argument("--databases", type=_names(DATABASES), default=DATABASES, metavar="A,B")
    parser.add_argument("--only", type=_names(PARTS), default=PARTS, metavar="A,B", help=", ".join(PARTS))
    parser.add_argument("--json", type=Path, default=ROOT / "var" / "bench" / "bench.json", metavar="FILE")
    parser.add_argument("--server-cpus", metavar="LIST", help="cores of API and worker; empty: any")
    parser.add_argument("--load-cpus", metavar="LIST", help="cores of upstream, generator and Redis")
    parser.add_argument(
        "--patience",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="how long a round may wait for quiet memory (default: not at all)",
    )
    parser.add_argument("--generators", type=int, default=2, help="processes that make the load")
    return parser


def _names(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        chosen = tuple(text.split(","))
        unknown = set(chosen) - set(known)
        if unknown:
            raise argparse.ArgumentTypeError(
                f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}"
            )
        return chosen

    return parse


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
