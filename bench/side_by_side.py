"""`python -m bench.side_by_side`: Respool on PostgreSQL and each peer, in turn, in one run.

Only such neighbours compare: the same machine gives other figures a minute later.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench import report
from bench.background import background, background_by_polling
from bench.compare import Comparison, alternate
from bench.driving import ROOT
from bench.figures import Figures
from bench.goals import PEER_GOALS, SHOWN
from bench.machine import Pinning, allow_many_files, description, pin, pinned, stop_in_order
from bench.peers import PEERS, Peer, PeerMissing
from bench.product import Respool, answers, end
from bench.scenarios import create, stream
from bench.suite import Scale
from bench.target import Site, Target
from tests.support.servers import PostgresServer, free_port
from tests.support.waiting import wait_until
from upstream import launch

_START_SECONDS = 120
_SUBMITTED = 200
Compared = dict[str, Comparison]  # by scenario; A is the peer, B is Respool


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    allow_many_files()
    stop_in_order()
    pinning = Pinning.usual()
    facts: dict[str, Any] = {"machine": description(pinning), "scale": options.scale}
    results: dict[str, Compared | str] = {}
    upstream = launch.start()
    pin(upstream.pid, pinning.load)
    try:
        site = Site(upstream, pinning, options.generators)
        with _respool(site) as respool:
            for peer in PEERS:
                if peer.name in options.peers:
                    results[peer.name] = _beside(site, respool, peer, Scale(options.scale), options.folder)
    finally:
        upstream.stop()
    for line in table(results):
        print(line)
    rounds = {name: _plain(result) for name, result in results.items()}
    report.write_json(options.json, {**facts, "peers": rounds})
    print(f"\nwritten to {options.json}")
    return 0


def table(results: dict[str, Compared | str]) -> Iterator[str]:
    yield "| peer | scenario | figure | peer's | Respool | Respool / peer | must | aim | |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, result in results.items():
        if isinstance(result, str):
            yield f"| {name} | not measured: {result} | | | | | | | |"
            continue
        for scenario, comparison in result.items():
            theirs, ours = comparison.of(comparison.a), comparison.of(comparison.b)
            for figure in SHOWN[scenario.split(" ")[0]]:
                if figure not in theirs or math.isnan(theirs[figure].median):
                    continue
                ratio, goal = comparison.ratios.get(figure), PEER_GOALS.get((name, scenario, figure))
                limits = (
                    (goal.shown(goal.must), goal.shown(goal.aim), goal.verdict(ratio)) if goal else ("",) * 3
                )
                cells = map(report.cell, (theirs[figure], ours.get(figure), ratio))
                yield "| " + " | ".join((name, scenario, figure, *cells, *limits)) + " |"


def _beside(site: Site, respool: Respool, peer: Peer, scale: Scale, folder: Path) -> Compared | str:
    try:
        _say(f"{peer.name} {peer.version}: installing")
        home = peer.install(folder)
        with _running(site, peer, home) as target:
            return _measured(site, respool, peer, target, scale)
    except PeerMissing as reason:
        return str(reason)


def _measured(site: Site, respool: Respool, peer: Peer, target: Target, scale: Scale) -> Compared:
    def beside(name: str, measure: Callable[[Target], Figures]) -> Comparison:
        _say(f"{peer.name}: {name}")
        us = respool.target()
        return alternate(peer.name, lambda: measure(target), "respool", lambda: measure(us), scale.rounds)

    compared: Compared = {}
    for key, connections, model in (
        ("create c=1", 1, "mock"),
        ("create loaded", peer.loaded, "mock"),
        ("create c=4 50 ms", 4, "mock-l50"),
    ):
        made = partial(create, site, connections=connections, model=model, seconds=scale.seconds)
        compared[key] = beside(key, made)
    for key, connections, model, timed in (
        ("stream 1 x 5 ms", 1, "mock-n50-i5", True),
        ("stream firehoses", peer.firehoses, "mock-n200", False),
    ):
        streamed = partial(stream, site, connections=connections, model=model, seconds=scale.seconds)
        compared[key] = beside(key, partial(streamed, timed=timed))
    if peer.stores:
        _say(f"{peer.name}: background")
        count = scale.count(_SUBMITTED)
        url = respool.database_url
        theirs = background_by_polling(site, target, count=count)
        ours = background(site, respool.target(), count=count, database_url=url)
        compared["background"] = Comparison(peer.name, "respool", [(theirs, ours)])
    return compared


@contextmanager
def _running(site: Site, peer: Peer, home: Path) -> Iterator[Target]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="respool-bench-") as scratch:
        plan = peer.launch(home, Path(scratch), port, site.upstream.url)
        log = Path(scratch) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                pinned(site.pinning.server, plan.command),
                cwd=plan.cwd,
                env={**os.environ, **plan.env},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            target = peer.target(port, process.pid, site.upstream.url)
            _wait_for(peer, process, target, log)
            yield target
        finally:
            end(process)


def _wait_for(peer: Peer, process: subprocess.Popen[bytes], target: Target, log: Path) -> None:
    def up() -> bool:
        if process.poll() is not None:
            raise PeerMissing("ended: " + " | ".join(log.read_text(errors="replace").splitlines()[-3:]))
        return answers(target.base_url.removesuffix("/v1") + peer.alive)

    try:
        wait_until(up, f"{peer.name} answers", seconds=_START_SECONDS)
    except AssertionError as error:
        raise PeerMissing(f"did not answer within {_START_SECONDS} seconds") from error


@contextmanager
def _respool(site: Site) -> Iterator[Respool]:
    with tempfile.TemporaryDirectory(prefix="respool-bench-") as folder:
        server = PostgresServer(Path(folder) / "postgres").start()
        if server.is_own:
            pin(server.pid, site.pinning.load)
        url = server.new_database()
        respool = Respool(
            "respool", Path(folder) / "respool", url, upstream=site.upstream.url, pinning=site.pinning
        )
        try:
            yield respool.start()
        finally:
            respool.stop()
            server.stop()


def _plain(result: Compared | str) -> Any:
    if isinstance(result, str):
        return {"not measured": result}
    return {scenario: report.compared(comparison) for scenario, comparison in result.items()}


def _say(line: str) -> None:
    print(f"… {time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    names = [peer.name for peer in PEERS]
    parser = argparse.ArgumentParser(prog="python -m bench.side_by_side", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="part of the whole (default: %(default)s)")
    parser.add_argument("--peers", nargs="+", choices=names, default=names)
    home = Path.home() / ".cache" / "respool-bench"
    parser.add_argument("--folder", type=Path, default=home, help="where peers are installed (%(default)s)")
    parser.add_argument("--json", type=Path, default=ROOT / "var" / "bench" / "peers.json", metavar="FILE")
    parser.add_argument("--generators", type=int, default=2, help="processes that make the load")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
