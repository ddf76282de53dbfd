"""docs/settings.md has a row for each key of the providers file; the file that it shows is valid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from shared.catalog import Deadlines, Provider, load_catalog
from shared.settings import Settings
from tests.architecture.tree import read

_ROW = re.compile(r"^\| `([a-z_]+)` \| ([^|]*) \|", re.MULTILINE)
_EXAMPLE = re.compile(r"```yaml\n(providers:.*?)```", re.DOTALL)
_FROM_ELSEWHERE = {"name"}  # a provider's name is its key in the file
_WORDS = {"empty": ("", ()), "required": (...,), "false": (False,)}


@pytest.mark.parametrize(
    ("heading", "model"), [("Of a provider:", Provider), ("Of `deadlines`, in seconds", Deadlines)]
)
def test_keys_documented_are_the_keys_there_are(heading: str, model: type[BaseModel]) -> None:
    documented = dict(_rows(heading))

    assert set(documented) == set(model.model_fields) - _FROM_ELSEWHERE


@pytest.mark.parametrize(
    ("heading", "model"), [("Of a provider:", Provider), ("Of `deadlines`, in seconds", Deadlines)]
)
def test_keys_documented_have_the_defaults_of_the_code(heading: str, model: type[BaseModel]) -> None:
    wrong = {
        key: cell
        for key, cell in _rows(heading)
        if not _says(
            cell.strip("`"), model.model_fields[key].get_default(), model.model_fields[key].is_required()
        )
    }

    assert wrong == {}


def test_providers_file_shown_when_loaded_is_valid(tmp_path: Path) -> None:
    shown = _EXAMPLE.search(read("docs/settings.md"))
    assert shown is not None
    file = tmp_path / "providers.yaml"
    file.write_text(shown.group(1), encoding="utf-8")

    catalog = load_catalog(Settings(config=str(file)), {"OPENAI_API_KEY": "sk-x"})

    assert (set(catalog.providers), catalog.default) == ({"main", "local"}, "main")


def _rows(heading: str) -> list[tuple[str, str]]:
    table = read("docs/settings.md").partition(heading)[2].partition("\n\n")[2].partition("\n\n")[0]
    assert table, f"docs/settings.md has no table under {heading!r}"
    return _ROW.findall(table)


def _says(cell: str, default: object, required: bool) -> bool:
    if required:
        return cell == "required"
    if cell in ("below", "the name"):
        return isinstance(default, BaseModel) or default == ""
    if isinstance(default, (int, float)) and not isinstance(default, bool):
        return float(cell) == default
    return default in _WORDS.get(cell, (cell,))
