"""The files of the project, as the architecture tests see them.

Walks the folder rather than asking git, so that the tests also run where only the sources are.
"""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("api", "workers", "shared", "cli", "upstream")
_SKIPPED = {"__pycache__", "var", "build", "dist"}
_KEPT_DOTS = {".ci", ".gitignore", ".dockerignore"}
_BINARY = {".png", ".jpg", ".gif", ".ico", ".pyc", ".db"}


@dataclass(frozen=True)
class Function:
    name: str
    line: int
    length: int


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that belongs to the project, relative to its root."""
    return tuple(sorted(_walk()))


def python_files(*folders: str) -> list[Path]:
    return [path for path in project_files() if path.suffix == ".py" and path.parts[0] in folders]


def text_files() -> Iterator[tuple[Path, str]]:
    for path in project_files():
        if path.suffix not in _BINARY:
            yield path, read(path)


def document_files() -> list[Path]:
    return [
        path for path in project_files() if path.suffix == ".md" and path.parts[0] in {"README.md", "docs"}
    ]


def read(path: Path | str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def functions(path: Path) -> list[Function]:
    return [
        Function(node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(ast.parse(read(path)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _walk() -> Iterator[Path]:
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if _belongs(name)]
        for name in files:
            if _belongs(name):
                yield (Path(folder) / name).relative_to(ROOT)


def _belongs(name: str) -> bool:
    if name.startswith("."):
        return name in _KEPT_DOTS
    return name not in _SKIPPED and not name.endswith(".egg-info")
