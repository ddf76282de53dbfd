"""The directory that one `respool dev` has to itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.data_dir import DataDir


@pytest.fixture
def directory(tmp_path: Path) -> DataDir:
    made = DataDir(tmp_path / "data")
    made.prepare()
    return made
