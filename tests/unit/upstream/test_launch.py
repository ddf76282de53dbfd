"""Starting and ending the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.unit.upstream.client import eventually
from upstream.launch import Running, start


def test_start_on_a_taken_port_says_so(upstream: Running) -> None:
    with pytest.raises(RuntimeError):
        start(port=upstream.port)


def test_stop_ends_the_process_and_may_be_repeated() -> None:
    process = start()

    process.stop()
    process.stop()

    assert process.process.returncode == 0


def test_process_ends_when_its_starter_is_killed() -> None:
    code = "from upstream.launch import start; r = start(); print(r.pid, flush=True); input()"
    starter = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert starter.stdout is not None and starter.stdin is not None
    pid = int(starter.stdout.readline())

    starter.kill()
    starter.wait()

    assert eventually(lambda: not _runs(pid))
    starter.stdout.close()
    starter.stdin.close()


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False
