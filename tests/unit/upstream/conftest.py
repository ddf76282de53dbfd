"""One scripted upstream for all these tests, its ledger emptied before each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.unit.upstream.client import Client
from upstream.launch import Running, start


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    process = start()
    yield process
    process.stop()


@pytest.fixture
def client(running: Running) -> Iterator[Client]:
    running.reset()
    with requests.Session() as session:
        session.trust_env = False
        yield Client(running, session)
