"""Each test of this folder runs on both pairs of backends, from empty."""

from __future__ import annotations

import pytest

from shared.log import EventLog
from shared.store import Store
from tests.support.backends import PAIRS, Backends, Hands


@pytest.fixture(scope="session", params=PAIRS)
def opened(request: pytest.FixtureRequest) -> Backends:
    found: Backends = request.getfixturevalue(f"{request.param}_backends")
    return found


@pytest.fixture
def backends(opened: Backends) -> Backends:
    opened.empty()
    return opened


@pytest.fixture
def store(backends: Backends) -> Store:
    return backends.store


@pytest.fixture
def log(backends: Backends) -> EventLog:
    return backends.log


@pytest.fixture
def hands(backends: Backends) -> Hands:
    return backends.hands
