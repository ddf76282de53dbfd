"""Children as real processes, and the rule of their restarts."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cli.children import Child, Restarts, Role, describe_exit

FOREVER = "import signal\nprint('here', flush=True)\nsignal.pause()"


@pytest.fixture
def children(tmp_path: Path) -> Iterator[list[Child]]:
    made: list[Child] = []
    yield made
    for child in made:
        child.sweep()


def _start(children: list[Child], tmp_path: Path, source: str) -> Child:
    child = Child(Role("role", (sys.executable, "-c", source), os.environ), tmp_path / "role.log")
    children.append(child)
    child.start()
    return child


def _await_end(child: Child) -> None:
    """Leaves the exit status for the child itself to collect."""
    assert child.pid is not None
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)


def test_child_when_it_ends_has_its_exit_code_and_its_last_words(
    children: list[Child], tmp_path: Path
) -> None:
    child = _start(children, tmp_path, "import sys; print('out'); sys.exit('oh')")

    _await_end(child)

    assert child.exit_code() == 1
    assert sorted(child.last_lines()) == ["oh", "out"]


def test_child_when_started_leads_a_session_of_its_own(children: list[Child], tmp_path: Path) -> None:
    child = _start(children, tmp_path, FOREVER)

    assert child.pid is not None
    assert os.getsid(child.pid) == child.pid


def test_child_when_swept_takes_those_it_started_along(children: list[Child], tmp_path: Path) -> None:
    source = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {FOREVER!r}])"
    child = _start(children, tmp_path, source)
    grandchild = _grandchild(child)

    child.sweep()

    assert grandchild.wait(10) is None
    assert not child.running()


def _grandchild(child: Child) -> psutil.Process:
    while True:
        found = psutil.Process(child.pid).children()
        if found:
            return found[0]
        assert child.running()


def test_child_when_its_starter_is_killed_dies_too(tmp_path: Path) -> None:
    starter = f"""
import os, pathlib, signal, sys
from cli.children import Child, Role
role = Role("role", (sys.executable, "-c", {FOREVER!r}), os.environ)
child = Child(role, pathlib.Path({str(tmp_path)!r}) / "log")
child.start()
print(child.pid, flush=True)
signal.pause()
"""
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    process = psutil.Popen([sys.executable, "-c", starter], env=environ, stdout=-1)
    orphan = psutil.Process(int(process.stdout.readline()))

    process.kill()
    process.wait(10)

    assert psutil.wait_procs([orphan], timeout=10)[1] == []
    process.stdout.close()


def test_log_when_grown_too_large_is_set_aside(
    children: list[Child], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.children._LOG_LIMIT_BYTES", 3)
    (tmp_path / "role.log").write_text("old words")

    child = _start(children, tmp_path, "print('new')")
    _await_end(child)

    assert child.last_lines() == ["new"]
    assert (tmp_path / "role.log.1").read_text() == "old words"


def test_restart_after_a_first_death_is_soon() -> None:
    assert Restarts().delay_after_death(100.0) == Restarts.SOON


def test_restart_after_the_fifth_death_within_ten_seconds_is_late() -> None:
    restarts = Restarts()

    delays = [restarts.delay_after_death(100.0 + number) for number in range(5)]

    assert delays == [Restarts.SOON] * 4 + [Restarts.LATER]


def test_restart_of_a_child_that_keeps_dying_stays_late() -> None:
    restarts = Restarts()
    for number in range(5):
        restarts.delay_after_death(100.0 + number)

    delays = [restarts.delay_after_death(109.5 + number * 5.5) for number in range(5)]

    assert delays == [Restarts.LATER] * 5


def test_restart_after_a_life_of_some_length_is_soon_again() -> None:
    restarts = Restarts()
    for number in range(5):
        restarts.delay_after_death(100.0 + number)

    assert restarts.delay_after_death(150.0) == Restarts.SOON


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit status 0"),
        (3, "exit status 3"),
        (-signal.SIGKILL, "killed by SIGKILL"),
        (-200, "killed by signal 200"),
    ],
)
def test_exit_when_described_says_how(code: int, words: str) -> None:
    assert describe_exit(code) == words
