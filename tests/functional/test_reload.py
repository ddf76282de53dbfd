"""A changed providers file is followed while the product runs; a wrong one is refused and told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.support.running import started
from tests.support.stack import Stack
from tests.support.waiting import wait_until
from tests.support.wire import create

ADDED = """providers:
  added:
    base_url: {url}/v1
    api_key: upstream-key
    models: {{only-here: demo}}
"""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """One of its own: others rely on theirs."""
    with started(Stack(tmp_path / "stack")) as stack:
        yield stack


def test_a_changed_file_is_followed_and_a_wrong_one_refused(stack: Stack) -> None:
    file = stack.folder / "providers.yaml"
    before = file.read_text()

    # an account that is added serves, in the API and in the worker
    file.write_text(before.replace("providers:\n", ADDED.format(url=stack.upstream.url), 1))
    wait_until(lambda: "only-here" in _listed(stack), "the added account is listed")
    response = create(stack, model="only-here")
    assert (response["status"], response["provider"], response["model"]) == ("completed", "added", "demo")

    # a mistake changes nothing, and is told
    file.write_text(file.read_text() + "defautl_provider: main\n")
    wait_until(lambda: _config(stack) != "ok", "the mistake is told")
    assert create(stack, model="only-here")["status"] == "completed"

    # what is taken away is gone
    file.write_text(before)
    wait_until(lambda: "only-here" not in _listed(stack), "the account is gone")
    assert _config(stack) == "ok"


def _listed(stack: Stack) -> set[str]:
    return {model["id"] for model in stack.request("GET", "/models").json()["data"]}


def _config(stack: Stack) -> str:
    answer = requests.get(stack.base_url.removesuffix("/v1") + "/readyz", timeout=10)
    outcome: str = answer.json()["checks"]["config"]
    return outcome
