"""Fixtures for all: real servers once a run, databases and stacks as they are asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.backends import Backends, open_backends
from tests.support.servers import PostgresServer, RedisServer
from tests.support.stack import Stack

QUICK = {"RESPOOL_DISCONNECT_GRACE_SECONDS": "1", "RESPOOL_SWEEP_SECONDS": "1"}


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


@pytest.fixture(scope="session")
def embedded_backends(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backends]:
    found = open_backends("embedded", request, tmp_path_factory.mktemp("backends"))
    yield found
    found.close()


@pytest.fixture(scope="session")
def servers_backends(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backends]:
    found = open_backends("servers", request, tmp_path_factory.mktemp("backends"))
    yield found
    found.close()


@pytest.fixture(scope="session")
def embedded_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("embedded"), QUICK).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def postgres_stack(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Iterator[Stack]:
    env = {**QUICK, "DATABASE_URL": postgres_server.new_database()}
    running = Stack(tmp_path_factory.mktemp("postgres"), env).start()
    yield running
    running.stop()


@pytest.fixture(scope="session", params=["embedded", "postgres"])
def stack(request: pytest.FixtureRequest) -> Stack:
    """The product, shared by the functional tests: on SQLite, then on PostgreSQL.

    Both go on running: every file has tests of the one, then of the other, and a start takes seconds.
    """
    running: Stack = request.getfixturevalue(f"{request.param}_stack")
    return running
