"""Fixtures for all: real servers once a run, databases and stacks as they are asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers import PostgresServer, RedisServer
from tests.support.stack import Stack


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    # not below pytest's own folder: another run of pytest would close that to the server's user
    with tempfile.TemporaryDirectory(prefix="respool-postgres-") as folder:
        server = PostgresServer(Path(folder) / "data").start()
        yield server
        server.stop()


@pytest.fixture(scope="session", params=["embedded", "postgres"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product, shared by the functional tests: on SQLite, then on PostgreSQL."""
    env = {"RESPOOL_DISCONNECT_GRACE_SECONDS": "1"}
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        env["DATABASE_URL"] = server.new_database()
    running = Stack(tmp_path_factory.mktemp("stack"), env).start()
    yield running
    running.stop()
