"""Stacks with short leases, shared by all: faults are settled within seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.checker import Checker
from tests.support.running import started
from tests.support.servers import PostgresServer
from tests.support.stack import SHORT, Stack


@pytest.fixture(scope="package")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with started(Stack(tmp_path_factory.mktemp("embedded"), SHORT)) as stack:
        yield stack


@pytest.fixture(scope="package")
def postgres(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Iterator[Stack]:
    env = {**SHORT, "DATABASE_URL": postgres_server.new_database()}
    with started(Stack(tmp_path_factory.mktemp("postgres"), env)) as stack:
        yield stack


@pytest.fixture(scope="package", params=["embedded", "postgres"])
def either(request: pytest.FixtureRequest) -> Stack:
    """On SQLite, then on PostgreSQL; both go on running."""
    found: Stack = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def checker(embedded: Stack) -> Checker:
    return Checker(embedded)
