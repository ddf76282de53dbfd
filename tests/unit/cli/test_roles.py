"""What `respool serve` and `respool work` become, and what they refuse to start without."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cli.main import main
from cli.roles import api_command, worker_command
from tests.support.stack import ROOT

ENVIRONMENT = {"DATABASE_URL": "sqlite:///x", "REDIS_URL": "redis://h", "RESPOOL_SECRET_KEY": "s"}


def _after(command: list[str], flag: str) -> str:
    return command[command.index(flag) + 1]


def test_api_when_started_binds_where_it_is_told() -> None:
    command = api_command("127.0.0.1", 8000, 3)

    assert (_after(command, "--bind"), _after(command, "--workers")) == ("127.0.0.1:8000", "3")


def test_api_when_given_a_version_6_address_brackets_it() -> None:
    assert _after(api_command("::1", 8000, 1), "--bind") == "[::1]:8000"


def test_worker_when_started_has_its_pool_its_slots_and_a_name_of_its_own() -> None:
    command = worker_command("gevent", 7, "info", 42)

    assert _after(command, "--pool") == "gevent"
    assert _after(command, "--concurrency") == "7"
    assert _after(command, "--hostname") == "respool-42@%h"
    assert _after(command, "--loglevel") == "INFO"


def test_worker_when_started_joins_no_gossip() -> None:
    command = worker_command("threads", 1, "INFO", 1)

    assert {"--without-gossip", "--without-mingle", "--without-heartbeat"} <= set(command)


_BECOME = """
import os, sys
from cli.roles import _become
if sys.argv[1] != "usual":
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
_become([sys.executable, "-c", "import os; print(os.sched_getscheduler(0))"], dict(os.environ))
"""


@pytest.mark.parametrize(("given", "then"), [("usual", "SCHED_BATCH"), ("chosen", "SCHED_IDLE")])
def test_role_when_it_becomes_its_server_then_gives_way_seldom(given: str, then: str) -> None:
    if sys.platform != "linux":
        pytest.skip("schedulers are chosen on Linux only")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}

    said = subprocess.run([sys.executable, "-c", _BECOME, given], env=env, capture_output=True, check=True)

    assert int(said.stdout) == getattr(os, then)


@pytest.mark.parametrize("role", ["serve", "work"])
@pytest.mark.parametrize("missing", sorted(ENVIRONMENT))
def test_role_without_a_required_setting_names_it_in_one_line(
    role: str, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {name: value for name, value in ENVIRONMENT.items() if name != missing}

    status = main([role], environ)

    error = capsys.readouterr().err
    assert status == 2
    assert error.startswith(f"respool: {missing} is not set")
    assert error.count("\n") == 1


def test_role_with_an_unknown_setting_refuses_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["work"], {**ENVIRONMENT, "RESPOOL_LEESE_SECONDS": "3"})

    assert status == 2
    assert "RESPOOL_LEESE_SECONDS" in capsys.readouterr().err
