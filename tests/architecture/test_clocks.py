"""A machine's own clock decides nothing between processes: the database's does (F52)."""

from __future__ import annotations

import ast

from tests.architecture.tree import ROOT

ALLOWED = {"workers/providers/refusals.py"}  # an upstream's date, which is only an estimate


def test_wall_clock_when_looked_for_then_only_where_it_decides_nothing() -> None:
    found = set()
    for folder in ("api", "workers", "shared"):
        for file in (ROOT / folder).rglob("*.py"):
            nodes = list(ast.walk(ast.parse(file.read_text())))
            asked = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
            if asked & {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow"}:
                found.add(str(file.relative_to(ROOT)))

    assert found == ALLOWED
