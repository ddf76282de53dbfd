"""One very short iteration of the benchmark, so that it cannot rot. No time is judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from bench.goals import GOALS
from tests.support.stack import ROOT

pytestmark = pytest.mark.timeout(600)  # the whole set once, on whatever machine


@dataclass
class Finished:
    table: str
    scenarios: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    file = tmp_path_factory.mktemp("bench") / "bench.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench", "--scale", "0.001"),
            *("--databases", "sqlite", "--generators", "1", "--json", str(file)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return Finished(done.stdout, json.loads(file.read_text())["databases"]["sqlite"])


def test_benchmark_when_run_then_nothing_has_failed(finished: Finished) -> None:
    failed = {
        scenario: figures["failed"]["max"]
        for scenario, figures in finished.scenarios.items()
        if figures.get("failed", {"max": 0})["max"]
    }

    assert failed == {}


def test_benchmark_when_run_then_each_goal_has_its_figure(finished: Finished) -> None:
    known = {
        (scenario, figure)
        for scenario, figures in finished.scenarios.items()
        for figure, value in figures.items()
        if value["median"] is not None
    }

    assert set(GOALS) - known == set()


def test_benchmark_when_run_then_each_scenario_is_in_the_table(finished: Finished) -> None:
    missing = [scenario for scenario in finished.scenarios if f"| {scenario} |" not in finished.table]

    assert missing == []


def test_benchmark_when_run_then_the_mock_and_the_generator_show_their_share(finished: Finished) -> None:
    figures = finished.scenarios["create c=32 0 ms"]

    assert {"upstream_core", "generator_core", "redis_core", "memory_ns"} <= figures.keys()
