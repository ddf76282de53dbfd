"""A client of the scripted upstream, whose ledger is empty before each test, and after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.unit.upstream.client import Client
from upstream.launch import Running


@pytest.fixture
def client(upstream: Running) -> Iterator[Client]:
    upstream.reset()
    with requests.Session() as session:
        session.trust_env = False
        yield Client(upstream, session)
    upstream.reset()
