"""Roles started by hand beside a `respool dev`: only by its directory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.stack import ROOT, Stack


@pytest.mark.parametrize("stack", ["embedded"], indirect=True, scope="session")
def test_role_when_given_the_urls_of_a_development_then_refused_in_one_line(stack: Stack) -> None:
    dev = stack.dev
    environ = {
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": dev["database_url"],
        "REDIS_URL": dev["redis_url"],
        "RESPOOL_SECRET_KEY": "pepper",
    }

    done = subprocess.run(
        [sys.executable, "-m", "cli", "work"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")
    assert done.stderr.startswith("respool: REDIS_URL is the Redis of a `respool dev`")
