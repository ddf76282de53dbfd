"""Stacks with short leases, shared by all: faults are settled within seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.checker import Checker
from tests.support.servers import PostgresServer
from tests.support.stack import SHORT, Stack


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("embedded"), SHORT).start()
    yield running
    running.stop()


@pytest.fixture(scope="session", params=["embedded", "postgres"])
def either(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """On SQLite, then on PostgreSQL."""
    if request.param == "embedded":
        yield request.getfixturevalue("embedded")
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    env = {**SHORT, "DATABASE_URL": server.new_database()}
    running = Stack(tmp_path_factory.mktemp("postgres"), env).start()
    yield running
    running.stop()


@pytest.fixture
def checker(embedded: Stack) -> Checker:
    return Checker(embedded)
