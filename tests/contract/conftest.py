"""Each test of this folder runs on both pairs of backends, from empty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.log import EventLog
from shared.store import Store
from tests.support.backends import PAIRS, Backends, Hands, open_backends


@pytest.fixture(scope="session", params=PAIRS)
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    found = open_backends(request.param, request, tmp_path_factory.mktemp("contract"))
    yield found
    found.close()


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
