"""A store of its own for the parts of the API that read one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.backends import Backends, open_backends


@pytest.fixture(scope="session")
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    found = open_backends("embedded", request, tmp_path_factory.mktemp("api"))
    yield found
    found.close()


@pytest.fixture
def backends(opened: Backends) -> Backends:
    opened.empty()
    return opened
