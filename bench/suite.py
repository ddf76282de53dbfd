"""The set of `make bench`: every scenario against one deployment after the other, scaled as asked."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.background import background
from bench.compare import Comparison, alternate
from bench.figures import Figures, Spread, ratio, spread, spreads
from bench.following import fan_out, idle, resume
from bench.goals import FOLLOWERS, IDLE_STREAMS, SUBMITTED, Rows
from bench.growth import CHAINS, chains, growth
from bench.product import Respool
from bench.quiet import QUIET_NS, Memory
from bench.scenarios import create, stream
from bench.target import Site, Target

CREATES = [(c, 0) for c in (1, 16, 32, 64)] + [(c, 50) for c in (1, 4, 16, 64)]  # clients, upstream ms
STREAMS = (
    ("1 x 5 ms", 1, "mock-n50-i5", True),
    ("20 x 20 ms", 20, "mock-n100-i20", True),
    ("16 firehoses", 16, "mock-n200", False),
)
PARTS = ("create", "stream", "following", "background", "idle", "growth")


@dataclass(frozen=True)
class Scale:
    """How much of the whole set: 1 is what the goals are set for."""

    factor: float = 1.0

    @property
    def seconds(self) -> float:
        return max(0.1, 3.0 * self.factor)

    @property
    def rounds(self) -> int:
        return 3 if self.factor >= 1 else 1

    def count(self, whole: int, least: int = 20) -> int:
        return max(least, int(whole * self.factor))


class Suite:
    """One database's measurements. `new_database`: a fresh URL; empty for a file of Respool's own.

    `patience`: seconds a round may wait for a quiet machine and be measured again where it did not stay so.
    The machine's memory alone decides that, never what was measured.
    """

    def __init__(
        self,
        site: Site,
        name: str,
        new_database: Callable[[], str],
        scale: Scale,
        say: Callable[[str], None],
        *,
        patience: float = 0.0,
    ) -> None:
        self._site = site
        self._name = name
        self._new_database = new_database
        self._scale = scale
        self._say = say
        self._patience = patience
        self._memory = Memory()

    def run(self, parts: tuple[str, ...]) -> Rows:
        rows: Rows = {}
        shared = [part for part in parts if part not in ("idle", "growth")]
        if shared:
            with self._respool() as respool:
                for part in shared:
                    rows |= getattr(self, part)(respool)
        for part in parts:
            if part in ("idle", "growth"):
                rows |= getattr(self, part)()
        return rows

    def create(self, respool: Respool) -> Rows:
        rows: Rows = {}
        for connections, latency_ms in CREATES:
            name = f"create c={connections} {latency_ms} ms"
            model = f"mock-l{latency_ms}" if latency_ms else "mock"
            load = partial(
                create, self._site, connections=connections, model=model, seconds=self._scale.seconds
            )
            rows[name] = self._beside_direct(name, respool.target(), load, "p50_ms")
        return rows

    def stream(self, respool: Respool) -> Rows:
        rows: Rows = {}
        for told, connections, model, timed in STREAMS:
            name = f"stream {told}"
            seconds = self._scale.seconds
            load = partial(
                stream, self._site, connections=connections, model=model, seconds=seconds, timed=timed
            )
            rows[name] = self._beside_direct(name, respool.target(), load, "first_delta_ms")
        return rows

    def following(self, respool: Respool) -> Rows:
        words = self._scale.count(1_000, 100)
        self._say("fan-out and resume")
        self._memory.wait(self._patience)
        figures, response_id = fan_out(
            self._site, respool.target(), followers=self._scale.count(FOLLOWERS), words=words
        )
        again = [
            resume(self._site, respool.target(), response_id, words=words, seconds=self._scale.seconds)
            for _ in range(self._scale.rounds)
        ]
        return {"fan-out": spreads([figures]), "resume": spreads(again)}

    def background(self, respool: Respool) -> Rows:
        count = self._scale.count(SUBMITTED)
        self._say(f"background, {count} at once")
        url = respool.database_url
        self._memory.wait(self._patience)
        return {
            "background": spreads([background(self._site, respool.target(), count=count, database_url=url)])
        }

    def idle(self) -> Rows:
        count = self._scale.count(IDLE_STREAMS)
        self._say(f"{count} idle streams")
        with self._respool(worker=False) as respool:
            return {
                "idle streams": spreads([idle(self._site, respool, count=count, seconds=self._scale.seconds)])
            }

    def growth(self) -> Rows:
        counts = (self._scale.count(1_000, 200), self._scale.count(1_000_000, 2_000))
        self._say(f"growth, {counts[0]} and {counts[1]} rows")
        seconds, rounds = self._scale.seconds, self._scale.rounds
        with self._respool("few") as few, self._respool("many") as many:
            compared = growth(self._site, few, many, counts=counts, seconds=seconds, rounds=rounds)
            self._say("chains")
            depths = chains(few, rounds=rounds)
        rows = {f"growth {act}": _grown(result) for act, result in compared.items()}
        rows |= {f"chain {depth}": spreads(depths[depth]) for depth in CHAINS}
        return {**rows, "chain 100 against 1": _chained(depths[1], depths[100])}

    def _beside_direct(
        self, name: str, target: Target, measured: Callable[[Target], Figures], compared: str
    ) -> dict[str, Spread]:
        """The gateway's figures, with what the same load takes without it."""
        self._say(name)
        direct = self._site.direct()
        pair = alternate(
            *("direct", lambda: measured(direct)),
            *(name, lambda: self._quietly(lambda: measured(target))),
            rounds=self._scale.rounds,
        )
        merged = []
        for without, through in pair.rounds:
            told = {f"direct_{key}": value for key, value in without.items() if key in through}
            added = {f"added_{compared.removesuffix('_ms')}_ms": through[compared] - without[compared]}
            merged.append(
                {**through, **told, **added, "against_direct": ratio(without[compared], through[compared])}
            )
        return spreads(merged)

    def _quietly(self, measure: Callable[[], Figures]) -> Figures:
        """With the worse of what memory took before and after."""
        until = time.monotonic() + self._patience
        while True:
            self._memory.wait(until - time.monotonic())
            before = self._memory.read_ns()
            figures = measure()
            worse = max(before, self._memory.read_ns())
            if worse <= QUIET_NS or time.monotonic() >= until:
                return {**figures, "memory_ns": worse}

    @contextmanager
    def _respool(self, name: str = "", *, worker: bool = True) -> Iterator[Respool]:
        with tempfile.TemporaryDirectory(prefix="respool-bench-") as folder:
            respool = Respool(
                name or self._name,
                Path(folder) / "respool",
                self._new_database(),
                upstream=self._site.upstream.url,
                pinning=self._site.pinning,
            )
            try:
                yield respool.start(worker=worker)
            finally:
                respool.stop()


def _grown(result: Comparison) -> dict[str, Spread]:
    few, many, ratio = result.of(result.a), result.of(result.b), result.ratios
    nothing = Spread(math.nan, math.nan, math.nan)
    return {
        "few_p50_ms": few["p50_ms"],
        "many_p50_ms": many["p50_ms"],
        "p50_ratio": ratio["p50_ms"],
        "cpu_ratio": ratio.get("cpu_ms", nothing),
        "failed": many["failed"],
    }


def _chained(short: list[Figures], long: list[Figures]) -> dict[str, Spread]:
    return {
        "cpu_ratio": spread(ratio(a["cpu_ms"], b["cpu_ms"]) for a, b in zip(short, long, strict=True)),
        "statements": spread(one["statements"] for one in long),
    }
