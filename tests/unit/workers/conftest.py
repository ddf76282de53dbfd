"""What the workers' parts stand on in these tests: an event log, and a client of upstreams."""

from __future__ import annotations

from collections.abc import Iterator

import fakeredis
import pytest

from shared.log import EventLog
from workers.providers import HttpClient


@pytest.fixture
def client() -> Iterator[HttpClient]:
    made = HttpClient(pool_size=4)
    yield made
    made.close()


@pytest.fixture
def redis_core() -> fakeredis.FakeServer:
    """A Redis whose network can be cut: `connected = False`."""
    return fakeredis.FakeServer()


@pytest.fixture
def log(redis_core: fakeredis.FakeServer) -> Iterator[EventLog]:
    client = fakeredis.FakeRedis(server=redis_core, protocol=2)
    yield EventLog(client)
    client.close()
