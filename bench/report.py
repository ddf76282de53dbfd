"""The one table of a run, in Markdown, and its JSON. PURE but for the file it writes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.compare import Comparison
from bench.figures import Spread
from bench.goals import GOALS, SHOWN, Rows

JUDGED = "postgres"  # the goals are set for it


def table(databases: Mapping[str, Rows]) -> Iterator[str]:
    """A line a figure: min / median / max of the rounds on each database, and the goal where there is one."""
    names = list(databases)
    yield "| scenario | figure | " + " | ".join(names) + " | must | aim | |"
    yield "| --- " * (len(names) + 5) + "|"
    judged = databases.get(JUDGED, {})
    for scenario in dict.fromkeys(key for rows in databases.values() for key in rows):
        for figure in SHOWN[scenario.split(" ")[0]]:
            found = [databases[name].get(scenario, {}).get(figure) for name in names]
            if all(value is None or math.isnan(value.median) for value in found):
                continue
            goal = GOALS.get((scenario, figure))
            judgement = goal.verdict(judged.get(scenario, {}).get(figure)) if goal and judged else ""
            limits = (goal.shown(goal.must), goal.shown(goal.aim)) if goal else ("", "")
            cells = (scenario, figure, *map(cell, found), *limits, judgement)
            yield "| " + " | ".join(cells) + " |"


def missed(rows: Rows) -> list[str]:
    return [
        f"{scenario}: {figure}"
        for (scenario, figure), goal in GOALS.items()
        if scenario in rows and goal.verdict(rows[scenario].get(figure)) == "MISSED"
    ]


def cell(value: Spread | None) -> str:
    if value is None or math.isnan(value.median):
        return "-"
    if value.min == value.max:
        return number(value.median)
    return f"{number(value.min)} / {number(value.median)} / {number(value.max)}"


def number(value: float) -> str:
    """Three digits that say something."""
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def plain(rows: Rows) -> dict[str, Any]:
    return {key: {name: value.as_dict() for name, value in row.items()} for key, row in rows.items()}


def compared(comparison: Comparison) -> dict[str, Any]:
    sides = {name: comparison.of(name) for name in (comparison.a, comparison.b)}
    ratios = {f"{comparison.b} / {comparison.a}": comparison.ratios}
    return {**plain({**sides, **ratios}), "rounds": comparison.rounds}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_known(content), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _known(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, Mapping):
        return {key: _known(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_known(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value
