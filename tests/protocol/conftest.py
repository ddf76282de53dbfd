"""The real store and log, one pair of backends after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support.backends import PAIRS, Backends, open_backends


@pytest.fixture(scope="module", params=PAIRS)
def backends(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    with closing(open_backends(request.param, request, tmp_path_factory.mktemp("protocol"))) as found:
        yield found
