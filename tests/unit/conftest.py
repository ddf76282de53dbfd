"""What stands beside the parts: a real store, emptied before each test, and the scripted upstream."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.backends import Backends
from upstream.launch import Running, start


@pytest.fixture
def backends(embedded_backends: Backends) -> Backends:
    embedded_backends.empty()
    return embedded_backends


@pytest.fixture(scope="session")
def upstream() -> Iterator[Running]:
    process = start()
    yield process
    process.stop()
