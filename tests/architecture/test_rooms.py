"""docs/architecture.md names every room of the two processes, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_NO_ROOMS = {"__init__.py", "__pycache__/", "static/"}
_NAMED = re.compile(r"[a-z_0-9]+\.py|[a-z_]+/")


@pytest.mark.parametrize("folder", ["api", "workers"])
def test_rooms_in_the_document_are_those_of_the_tree(folder: str) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    (block,) = re.findall(rf"^{folder}/ .*\n((?:  .*\n)+)", text, re.MULTILINE)

    rooms = {p.name + ("/" if p.is_dir() else "") for p in (ROOT / folder).iterdir()}
    assert set(_NAMED.findall(block)) == rooms - _NO_ROOMS
