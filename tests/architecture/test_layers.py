"""Who may import whom: the contracts of pyproject.toml, and who is admitted to `shared`."""

from __future__ import annotations

import subprocess
import sysconfig
import tomllib
from pathlib import Path

import grimp

from tests.architecture.tree import PACKAGES, ROOT, read


def test_import_contracts_when_linted_are_kept() -> None:
    program = Path(sysconfig.get_path("scripts")) / "lint-imports"

    result = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr


def test_import_contracts_when_listed_are_all_there() -> None:
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]

    ids = {contract["id"] for contract in contracts}

    libraries = {"flask", "sqlalchemy", "requests", "celery", "redis", "wsproto"}
    assert ids == {"house", "upstream-alone", "shared", *libraries}


def test_every_package_of_the_house_is_under_the_contracts() -> None:
    linter = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]

    assert set(linter["root_packages"]) == set(PACKAGES)


def test_every_module_of_shared_is_reached_by_api_and_by_workers() -> None:
    graph = grimp.build_graph("api", "workers", "shared", cache_dir=None)

    lonely = {
        f"{module} is not reached by {side}"
        for module in graph.find_children("shared")
        for side in ("api", "workers")
        if not _reaches(graph, side, module)
    }

    assert not lonely, "what one side alone uses lives on that side"


def _reaches(graph: grimp.ImportGraph, side: str, module: str) -> bool:
    return graph.find_shortest_chain(importer=side, imported=module, as_packages=True) is not None
