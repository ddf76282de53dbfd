"""No file knows the machine it was written on: no absolute paths of it, no package registry."""

from __future__ import annotations

import re

from tests.architecture.tree import text_files

# Written in pieces, or this file would be the first to be found.
_REGISTRIES = (
    "pypi" + r"\.org",
    "pythonhosted" + r"\.org",
    r"https?://[^ \"]*registry" + r"\.",
    "/simple" + "/",
)
_REGISTRY = re.compile("|".join(_REGISTRIES))
_HOMES = ("home", "root", "Users", "work", "opt", "tmp")
_MACHINE_PATH = re.compile(r"(?<![\w.\-/:}])/(?:" + "|".join(_HOMES) + r")/\w")


def test_files_name_no_package_registry() -> None:
    assert _found(_REGISTRY) == []


def test_locks_name_no_place_to_install_from() -> None:
    locks = [(path, text) for path, text in text_files() if str(path).startswith("requirements/")]

    assert locks
    places = ("file:" + "//", "--index", "--extra-index", "--find")
    assert [path for path, text in locks if any(place in text for place in places)] == []


def test_files_name_no_path_of_a_machine() -> None:
    assert _found(_MACHINE_PATH) == []


def _found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in text_files()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
