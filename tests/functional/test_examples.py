"""The programs of examples/ run as they stand, with nothing but an address and a key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stack import ROOT, Stack

_EXAMPLES = ROOT / "examples"
_LAST_LINES = {
    "background": "deleted",
    "create": "given to the model: message",
    "resume": "complete",
    "stream": "completed, ",
    "tools": "The tool answered:",
}


def test_examples_when_listed_are_all_run_here() -> None:
    assert {path.stem for path in _EXAMPLES.glob("*.py")} == set(_LAST_LINES)


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
@pytest.mark.parametrize("name", sorted(_LAST_LINES))
def test_example_when_run_then_prints_its_result(stack: Stack, name: str) -> None:
    ended = _run(_EXAMPLES / f"{name}.py", stack)

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1].startswith(_LAST_LINES[name])


def _run(program: Path, stack: Stack) -> subprocess.CompletedProcess[str]:
    address = {"OPENAI_BASE_URL": stack.base_url, "OPENAI_API_KEY": stack.api_key}
    return subprocess.run(
        [sys.executable, program], env={**os.environ, **address}, capture_output=True, text=True, timeout=60
    )
