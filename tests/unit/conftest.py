"""A real store for the parts that read one, emptied before each test."""

from __future__ import annotations

import pytest

from tests.support.backends import Backends


@pytest.fixture
def backends(embedded_backends: Backends) -> Backends:
    embedded_backends.empty()
    return embedded_backends
