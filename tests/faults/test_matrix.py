"""The table of faults names every row there is, and only tests that are there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.faults.matrix import ROWS

TESTS = Path(__file__).resolve().parents[1]
WANTED = {f"F{n}" for n in (*range(1, 54), *range(56, 61))}


def test_matrix_when_read_then_every_row_is_there() -> None:
    assert set(ROWS) == WANTED


@pytest.mark.parametrize("row", sorted(ROWS))
def test_matrix_when_a_row_names_a_test_then_it_exists(row: str) -> None:
    assert ROWS[row].tests
    for name in ROWS[row].tests:
        file, _, function = name.partition("::")
        tree = ast.parse((TESTS / file).read_text())
        assert function in {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}, name
