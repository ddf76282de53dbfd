"""The supervisor over real, small processes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cli.children import Role
from cli.supervisor import Stopped, Supervisor
from shared.errors import ConfigurationError

FOREVER = "import signal\nsignal.pause()"
STUBBORN = (
    "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\nsignal.pause()"
)


class Watched:
    """A supervisor, what it said, and the children it reported after each restart."""

    def __init__(self, logs: Path) -> None:
        self.said: list[str] = []
        self.logs = logs
        self.restarted: list[dict[str, int]] = []
        self.supervisor = Supervisor(logs, self.said.append, self._changed)

    def _changed(self, pids: dict[str, int]) -> None:
        self.restarted.append(pids)
        self.supervisor.stop()

    def start(self, name: str, source: str, stage: int = 0) -> psutil.Process:
        child = self.supervisor.start(Role(name, (sys.executable, "-c", source), os.environ, stage))
        return psutil.Process(child.pid)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.supervisor.stop()
    made.supervisor.stop()
    made.supervisor.end_children()


def test_child_when_it_dies_is_started_again_and_reported(watched: Watched) -> None:
    other = watched.start("other", FOREVER)
    dying = watched.start("dying", FOREVER)

    dying.send_signal(signal.SIGKILL)
    watched.supervisor.watch()

    assert watched.restarted[0]["other"] == other.pid
    assert watched.restarted[0]["dying"] != dying.pid
    assert any("dying stopped (killed by SIGKILL)" in line for line in watched.said)


def test_child_when_it_crashes_has_its_last_words_said(watched: Watched) -> None:
    watched.start("crashing", "raise SystemExit('the reason')")

    watched.supervisor.watch()

    assert "  crashing | the reason" in watched.said


def test_children_when_ended_are_gone(watched: Watched) -> None:
    processes = [watched.start("a", FOREVER), watched.start("b", FOREVER, stage=1)]

    watched.supervisor.end_children()

    assert [process for process in processes if process.is_running()] == []


def test_child_that_ignores_the_end_is_killed_at_the_second_stop(watched: Watched) -> None:
    process = watched.start("stubborn", STUBBORN)
    log = watched.logs / "stubborn.log"
    watched.supervisor.wait_until(lambda: "deaf" in log.read_text(), "it")

    watched.supervisor.stop()
    watched.supervisor.stop()
    watched.supervisor.end_children()

    assert not process.is_running()


def test_waiting_for_a_child_that_ends_says_so(watched: Watched) -> None:
    child = watched.supervisor.start(Role("brief", (sys.executable, "-c", "raise SystemExit(7)"), os.environ))

    with pytest.raises(ConfigurationError, match=r"the brief stopped at start \(exit status 7\)"):
        watched.supervisor.wait_until(lambda: False, "the brief", child)


def test_waiting_when_told_to_stop_ends(watched: Watched) -> None:
    threading.Timer(0.05, watched.supervisor.stop).start()

    with pytest.raises(Stopped):
        watched.supervisor.wait_until(lambda: False, "nothing")


def test_starting_when_told_to_stop_starts_nothing(watched: Watched) -> None:
    watched.supervisor.stop()

    with pytest.raises(Stopped):
        watched.start("late", FOREVER)

    assert watched.supervisor.pids() == {}


def test_signal_when_it_comes_ends_the_watch(watched: Watched) -> None:
    before: dict[signal.Signals, Any] = {number: signal.getsignal(number) for number in _SIGNALS}
    watched.supervisor.listen_for_signals()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        watched.supervisor.watch()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
