"""Fixtures for all: real servers once a run, databases and stacks as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support.backends import Backends, open_backends
from tests.support.running import started
from tests.support.servers import PostgresServer, RedisServer, postgres_of_its_own
from tests.support.stack import Stack

QUICK = {"RESPOOL_DISCONNECT_GRACE_SECONDS": "1", "RESPOOL_SWEEP_SECONDS": "1"}


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with started(RedisServer(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with postgres_of_its_own() as server:
        yield server


@pytest.fixture(scope="session")
def embedded_backends(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backends]:
    with closing(open_backends("embedded", request, tmp_path_factory.mktemp("backends"))) as found:
        yield found


@pytest.fixture(scope="session")
def servers_backends(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Backends]:
    with closing(open_backends("servers", request, tmp_path_factory.mktemp("backends"))) as found:
        yield found


@pytest.fixture(scope="session")
def embedded_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with started(Stack(tmp_path_factory.mktemp("embedded"), QUICK)) as stack:
        yield stack


@pytest.fixture(scope="session")
def postgres_stack(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Iterator[Stack]:
    env = {**QUICK, "DATABASE_URL": postgres_server.new_database()}
    with started(Stack(tmp_path_factory.mktemp("postgres"), env)) as stack:
        yield stack


@pytest.fixture(scope="session", params=["embedded", "postgres"])
def stack(request: pytest.FixtureRequest) -> Stack:
    """The product, shared by the functional tests: on SQLite, then on PostgreSQL.

    Both go on running: every file has tests of the one, then of the other, and a start takes seconds.
    """
    found: Stack = request.getfixturevalue(f"{request.param}_stack")
    return found
