"""Drives the generator's processes through one job, and measures everybody's CPU meanwhile.

What is measured begins when every process is connected and warm, and ends when the last one is done.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.machine import cpu_seconds, pinned

ROOT = Path(__file__).resolve().parents[1]
GENERATOR = "generator"
Json = dict[str, Any]
Groups = Mapping[str, list[int]]  # root pids by what they are


@dataclass(frozen=True)
class Outcome:
    seconds: float
    cpu: dict[str, float]  # seconds, by group
    reports: list[Json]

    @property
    def statuses(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for report in self.reports:
            total.update(report["statuses"])
        return total

    @property
    def latencies(self) -> list[float]:
        return self.merged("latencies")

    @property
    def answered(self) -> int:
        return self.statuses["200"]

    @property
    def failed(self) -> int:
        return self.statuses.total() - self.answered

    def merged(self, name: str) -> list[Any]:
        return [value for report in self.reports for value in report[name]]

    def total(self, name: str) -> int:
        return int(sum(report[name] for report in self.reports))

    def share(self, group: str) -> float:
        """Of one core."""
        return self.cpu[group] / self.seconds


class Crew:
    """The generator's processes for one job, one line of protocol after the other."""

    def __init__(self, spec: Json, *, workers: int, cores: str) -> None:
        command = pinned(cores, [sys.executable, "-m", "bench.generator"])
        parts = list(_split(spec, workers))
        self._workers = [
            subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in parts
        ]
        for worker, part in zip(self._workers, parts, strict=True):
            self._tell(worker, json.dumps(part))

    @property
    def pids(self) -> list[int]:
        return [worker.pid for worker in self._workers]

    def prepare(self) -> None:
        for worker in self._workers:
            self._hear(worker, "ready")

    def run(self, groups: Groups) -> Outcome:
        everyone = {**groups, GENERATOR: self.pids}
        before = {name: cpu_seconds(pids) for name, pids in everyone.items()}
        started = time.perf_counter()
        for worker in self._workers:
            self._tell(worker, "go")
        for worker in self._workers:
            self._hear(worker, "done")
        seconds = time.perf_counter() - started
        cpu = {name: cpu_seconds(pids) - before[name] for name, pids in everyone.items()}
        outcome = Outcome(seconds, cpu, [json.loads(self._line(worker)) for worker in self._workers])
        if outcome.failed:
            print(f"  answers: {dict(outcome.statuses)}", file=sys.stderr, flush=True)
        return outcome

    def dismiss(self) -> None:
        for worker in self._workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
            for pipe in (worker.stdin, worker.stdout):
                if pipe is not None:
                    pipe.close()

    def _tell(self, worker: subprocess.Popen[str], line: str) -> None:
        assert worker.stdin is not None
        worker.stdin.write(line + "\n")
        worker.stdin.flush()

    def _hear(self, worker: subprocess.Popen[str], word: str) -> None:
        line = self._line(worker)
        if line != word:
            raise RuntimeError(f"the load generator ended before it was {word}; its traceback is above")

    def _line(self, worker: subprocess.Popen[str]) -> str:
        assert worker.stdout is not None
        return worker.stdout.readline().strip()


@contextmanager
def crew(spec: Json, *, workers: int, cores: str) -> Iterator[Crew]:
    gang = Crew(spec, workers=workers, cores=cores)
    try:
        yield gang
    finally:
        gang.dismiss()


def drive(
    spec: Json, groups: Groups, *, workers: int, cores: str, before: Callable[[], None] | None = None
) -> Outcome:
    """One job from its start to its end; `before` is called when all is warm, right before it runs."""
    with crew(spec, workers=workers, cores=cores) as gang:
        gang.prepare()
        if before is not None:
            before()
        return gang.run(groups)


def _split(spec: Json, workers: int) -> Iterator[Json]:
    """Connections and counts dealt out; no process without a connection."""
    workers = max(1, min(workers, spec["connections"]))
    for number in range(workers):
        part = {**spec, "first_number": number * 10_000_000}
        for name in ("connections", "count"):
            if name in spec:
                part[name] = spec[name] // workers + (number < spec[name] % workers)
        yield part
