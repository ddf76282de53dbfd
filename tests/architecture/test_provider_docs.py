"""docs/settings.md has a row for each key of the providers file; files that documents show are valid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from shared.catalog import Catalog, Deadlines, Provider, Target
from tests.architecture.dialect_tables import with_tables
from tests.architecture.tree import read
from tests.support.providers_file import load

_ROW = re.compile(r"^\| `([a-z_]+)` \| ([^|]*) \|", re.MULTILINE)
_EXAMPLE = re.compile(r"```yaml\n(providers:.*?)```", re.DOTALL)
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_DOCUMENTS = ("README.md", "docs/settings.md", "docs/providers.md", "docs/operations.md")
_TABLES = [
    ("Of a provider:", Provider),
    ("Of `deadlines`, in seconds", Deadlines),
    ("Of an alias's target:", Target),
]
_SERVERS = (
    *("OpenAI", "Azure OpenAI", "Anthropic", "vLLM", "Ollama", "LM Studio", "llama.cpp", "TGI", "OpenRouter"),
    "Any OpenAI-compatible server",
)
_FROM_ELSEWHERE = {"name"}  # a provider's name is its key in the file
_WORDS: dict[str, tuple[object, ...]] = {"empty": ("", {}, frozenset()), "false": (False,), "true": (True,)}
_OWN_WORDS = ("below", "the name", "the alias", "by dialect", "by server")


@pytest.mark.parametrize(("heading", "model"), _TABLES)
def test_keys_documented_are_the_keys_there_are(heading: str, model: type[BaseModel]) -> None:
    documented = dict(_rows(heading))

    assert set(documented) == set(model.model_fields) - (_FROM_ELSEWHERE if model is Provider else set())


@pytest.mark.parametrize(("heading", "model"), _TABLES)
def test_keys_documented_have_the_defaults_of_the_code(heading: str, model: type[BaseModel]) -> None:
    wrong = {
        key: cell
        for key, cell in _rows(heading)
        if not _says(
            cell.strip("`"), model.model_fields[key].get_default(), model.model_fields[key].is_required()
        )
    }

    assert wrong == {}


def test_the_providers_file_of_the_settings_when_loaded_is_what_is_said_of_it(tmp_path: Path) -> None:
    shown = _EXAMPLE.findall(read("docs/settings.md"))

    catalog = _loaded(shown[0], tmp_path)

    assert (set(catalog.providers), catalog.default) == ({"main", "local"}, "main")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=f"{document}-{number}")
        for document in _DOCUMENTS
        for number, text in enumerate(_EXAMPLE.findall(read(document)))
    ],
)
def test_a_providers_file_shown_when_loaded_is_valid(text: str, tmp_path: Path) -> None:
    assert _loaded(text, tmp_path).providers


@pytest.mark.parametrize("server", _SERVERS)
def test_a_server_has_a_section_with_a_file(server: str) -> None:
    section = read("docs/providers.md").partition(f"\n## {server}\n")[2].partition("\n## ")[0]

    assert _EXAMPLE.search(section)


def test_tables_of_the_dialects_say_what_the_dialects_data_says() -> None:
    document = read("docs/providers.md")

    assert document == with_tables(document), "run `python -m tests.architecture.dialect_tables`"


def _loaded(text: str, folder: Path) -> Catalog:
    """With every variable set that the file uses."""
    return load(folder, text, **dict.fromkeys(_VARIABLE.findall(text), "sk-x"))


def _rows(heading: str) -> list[tuple[str, str]]:
    table = read("docs/settings.md").partition(heading)[2].partition("\n\n")[2].partition("\n\n")[0]
    assert table, f"docs/settings.md has no table under {heading!r}"
    return _ROW.findall(table)


def _says(cell: str, default: object, required: bool) -> bool:
    if required:
        return cell == "required"
    if cell in _OWN_WORDS:
        return isinstance(default, BaseModel) or default == ""
    if isinstance(default, (int, float)) and not isinstance(default, bool):
        return float(cell) == default
    return default in _WORDS.get(cell, (cell,))
