"""No file and no function grows without end."""

from __future__ import annotations

from pathlib import Path

from tests.architecture.tree import PACKAGES, functions, python_files, read

FILE_LINES = 300
FUNCTION_LINES = 60


def test_no_file_is_longer_than_the_limit() -> None:
    lengths = {path: len(read(path).splitlines()) for path in _measured()}

    assert {path: lines for path, lines in lengths.items() if lines > FILE_LINES} == {}


def test_no_function_is_longer_than_the_limit() -> None:
    long = [
        f"{path}:{function.line} {function.name}: {function.length} lines"
        for path in _measured()
        for function in functions(path)
        if function.length > FUNCTION_LINES
    ]

    assert long == []


def _measured() -> list[Path]:
    return [path for path in python_files(*PACKAGES) if "migrations" not in path.parts]
