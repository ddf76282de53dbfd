"""Files are named for one role; test folders are packages; every module says what it promises."""

from __future__ import annotations

import ast

from tests.architecture.tree import PACKAGES, ROOT, project_files, python_files, read

BANNED = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "handler", "handlers"}


def test_no_module_is_named_for_a_kind_of_code() -> None:
    named = [
        path for path in project_files() if path.suffix == ".py" and BANNED & {path.stem, *path.parts[:-1]}
    ]

    assert named == []


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in python_files("tests")}

    missing = [folder for folder in sorted(folders) if not (ROOT / folder / "__init__.py").is_file()]

    assert missing == [], "a folder `api` below tests would hide the real one"


def test_every_module_says_what_it_promises() -> None:
    modules = [
        path for path in python_files(*PACKAGES) if read(path).strip() and "versions" not in path.parts
    ]

    assert [path for path in modules if ast.get_docstring(ast.parse(read(path))) is None] == []
