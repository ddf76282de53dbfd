"""docs/settings.md and shared/settings.py say the same, and no document names a setting that is not."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from shared.settings import TEST_PREFIX, Settings
from tests.architecture.tree import document_files, read

_ROW = re.compile(r"^\|\s*`([A-Z][A-Z0-9_]*)`\s*\|([^|]*)\|", re.MULTILINE)
_NAME = re.compile(r"\bRESPOOL_[A-Z0-9_]*[A-Z0-9]\b")
_NOTHING = {"", "-", "–", "—", "none", "unset", "empty"}


def test_settings_documented_are_the_settings_there_are() -> None:
    documented = [name for name, _ in _ROW.findall(read("docs/settings.md"))]

    assert sorted(documented) == sorted(_defaults())


def test_settings_documented_have_the_defaults_of_the_code() -> None:
    documented = dict(_ROW.findall(read("docs/settings.md")))

    wrong = {
        name: (documented[name].strip(), default)
        for name, default in _defaults().items()
        if name in documented and not _says(documented[name], default)
    }

    assert wrong == {}


def test_settings_named_in_documents_exist() -> None:
    places = [*document_files(), Path("compose.yaml"), Path("CONTRIBUTING.md"), Path("Makefile")]
    known = set(_defaults())

    unknown = {
        f"{place}: {name}"
        for place in places
        for name in _NAME.findall(read(place))
        if name not in known and not name.startswith(TEST_PREFIX)
    }

    assert unknown == set()


def _defaults() -> dict[str, object]:
    return {field.metadata["env"]: field.default for field in dataclasses.fields(Settings)}


def _says(cell: str, default: object) -> bool:
    text = cell.strip().strip("`")
    if default == "":
        return text.lower() in _NOTHING
    if isinstance(default, int | float):
        try:
            return float(text.replace("_", "").replace(",", "")) == default
        except ValueError:
            return False
    return text == default
