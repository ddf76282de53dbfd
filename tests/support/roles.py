"""One production role (`respool serve`, `respool work`, …) as a process of a test's own."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import requests

from tests.support.servers import free_port
from tests.support.stack import ROOT, Stack
from tests.support.waiting import wait_until


def run(*arguments: str, env: Mapping[str, str]) -> str:
    """A command to its end; its output."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env=_environment(env),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


class Role:
    def __init__(self, *arguments: str, env: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cli", *arguments],
                cwd=ROOT,
                env=_environment(env),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.alive:
            self._process.send_signal(how)
        self._process.wait(30)


class ApiProcess:
    """An API process beside those of a stack: same data, another port."""

    def __init__(self, data_dir: Path, api_key: str, env: Mapping[str, str], log: Path) -> None:
        port = free_port()
        self.api_key = api_key
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self._role = Role("serve", "--data-dir", str(data_dir), "--port", str(port), env=env, log=log)

    def start(self) -> ApiProcess:
        wait_until(self._is_ready, "the API process is ready")
        return self

    def stop(self) -> None:
        self._role.stop()

    def _is_ready(self) -> bool:
        assert self._role.alive, self._role.log.read_text()
        try:
            return requests.get(self.base_url.removesuffix("/v1") + "/healthz", timeout=5).status_code == 200
        except requests.exceptions.RequestException:
            return False


def freeze_worker(stack: Stack) -> int:
    """SIGSTOP its worker, but not in the middle of a transaction: that would freeze SQLite for all."""
    pid = stack.pid("worker")

    def frozen() -> bool:
        os.kill(pid, signal.SIGSTOP)
        connection = sqlite3.connect(stack.data_dir / "respool.db", timeout=0.5, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            os.kill(pid, signal.SIGCONT)
            return False
        finally:
            connection.close()
        return True

    wait_until(frozen, "the worker is frozen outside a transaction")
    return pid


def thaw(pid: int) -> None:
    os.kill(pid, signal.SIGCONT)


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("RESPOOL_", "OPENAI_"))}
    return {**plain, "PYTHONPATH": str(ROOT), **env}
