"""Respool as it is deployed: `respool serve` and `respool work`, a Redis and a database beside them.

The API and the worker are pinned to the server's core, Redis to the load's, the database to none.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import psutil
import sqlalchemy as sa

from bench.driving import ROOT
from bench.machine import Pinning, pinned, processes
from bench.target import UPSTREAM_KEY, Target
from cli.embedded import redis_answers, redis_binary, redis_command
from tests.support.servers import free_port
from tests.support.waiting import wait_until

# One account, any model name; deadlines that do not end a stream that is held open on purpose.
_CONFIG = """
providers:
  main:
    dialect: responses
    base_url: {upstream}/v1
    api_key: {key}
    deadlines: {{first_byte: 3600, progress: 3600, total: 3600}}
default_provider: main
"""


class Redis:
    def __init__(self, folder: Path, pinning: Pinning) -> None:
        folder.mkdir(parents=True)
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        command = redis_command(redis_binary(os.environ), port, folder)
        self._process = subprocess.Popen(pinned(pinning.load, command), stdout=subprocess.DEVNULL)
        wait_until(lambda: redis_answers(self.url), "Redis answers")

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


class Respool:
    """One deployment on a database of its own; `name` says on which."""

    def __init__(
        self, name: str, folder: Path, database_url: str, *, upstream: str, pinning: Pinning
    ) -> None:
        self.name = name
        self.database_url = database_url or f"sqlite:///{folder / 'respool.db'}"
        self._folder = folder
        self._pinning = pinning
        folder.mkdir(parents=True)
        config = folder / "providers.yaml"
        config.write_text(_CONFIG.format(upstream=upstream, key=UPSTREAM_KEY))
        self._redis = Redis(folder / "redis", pinning)
        self._env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("RESPOOL_", "OPENAI_"))},
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self._redis.url,
            "RESPOOL_SECRET_KEY": secrets.token_hex(32),
            "RESPOOL_CONFIG": str(config),
            "RESPOOL_SPOOL_DIR": str(folder / "spool"),
            "LOG_LEVEL": "WARNING",
        }
        self._roles: dict[str, subprocess.Popen[bytes]] = {}
        self._port = free_port()
        self._key = ""

    def start(self, *, worker: bool = True) -> Respool:
        self._run("db", "migrate")
        self._key = self._run("keys", "create", "--tenant", "bench").splitlines()[-1]
        if worker:
            self.start_worker()
        self._roles["api"] = self._role("serve", "--port", str(self._port))
        wait_until(lambda: self._answers("/readyz" if worker else "/healthz"), "Respool is ready", seconds=60)
        return self

    def start_worker(self) -> None:
        self._roles["worker"] = self._role("work")

    def stop_worker(self) -> None:
        end(self._roles.pop("worker"))

    def stop(self) -> None:
        for process in self._roles.values():
            end(process)
        self._redis.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def api_pid(self) -> int:
        return self._roles["api"].pid

    def target(self) -> Target:
        groups = {"server": [process.pid for process in self._roles.values()], "redis": [self._redis.pid]}
        postmaster = self._postmaster()
        if postmaster is not None:
            groups["postgres"] = [postmaster]
        return Target(self.name, f"http://127.0.0.1:{self._port}/v1", self._key, groups)

    def _postmaster(self) -> int | None:
        """The local PostgreSQL's first process; None for SQLite and for a server elsewhere."""
        if self.database_url.startswith("sqlite"):
            return None
        engine = sa.create_engine(self.database_url)
        try:
            with engine.connect() as connection:
                backend = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
                process = psutil.Process(backend)
                return process.ppid() if "postgres" in process.name() else None
        except psutil.NoSuchProcess:
            return None
        finally:
            engine.dispose()

    def _role(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = pinned(self._pinning.server, [sys.executable, "-m", "cli", *arguments])
        with (self._folder / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=log, stderr=subprocess.STDOUT)

    def _run(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "cli", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self._env, stdout=subprocess.PIPE, text=True, check=True
        ).stdout

    def _answers(self, path: str) -> bool:
        for role, process in self._roles.items():
            if process.poll() is not None:
                raise RuntimeError(f"{role} ended: {(self._folder / 'serve.log').read_text()[-2000:]}")
        return answers(f"http://127.0.0.1:{self._port}{path}")


def answers(url: str) -> bool:
    """Whether a GET there is 200; asked directly, whatever proxy the environment names."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return int(answer.status) == 200
    except OSError:
        return False


def end(process: subprocess.Popen[bytes]) -> None:
    """At once: a drain would wait for streams that nobody ends."""
    for found in processes([process.pid]):
        with suppress(psutil.NoSuchProcess):
            found.kill()
    process.wait(10)
