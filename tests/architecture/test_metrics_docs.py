"""docs/operations.md has a row for each metric, with its labels; alarms name metrics that exist."""

from __future__ import annotations

import re

from shared.metrics import METRICS, RESCUES
from tests.architecture.tree import read
from workers.retry import Rung

_ROW = re.compile(r"^\| `(respool_\w+)` \| ([^|]*) \|", re.MULTILINE)
_NAME = re.compile(r"\brespool_[a-z_]+")


def test_metrics_documented_are_the_metrics_there_are() -> None:
    documented = {name: re.findall(r"`(\w+)`", labels) for name, labels in _ROW.findall(_section())}

    assert documented == {metric.name: list(metric.labels) for metric in METRICS}


def test_metrics_named_in_the_alarms_exist() -> None:
    unknown = set(_NAME.findall(_section())) - {metric.name for metric in METRICS}

    assert unknown == set()


def test_rungs_shown_before_they_are_counted_are_those_of_the_ladder() -> None:
    assert set(RESCUES.known) == {rung.value for rung in Rung}


def _section() -> str:
    return read("docs/operations.md").partition("\n## Metrics\n")[2].partition("\n## ")[0]
