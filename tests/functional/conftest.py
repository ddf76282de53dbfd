"""Keys of two tenants: made once for each stack, for every key costs a process."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.support.stack import Stack


@dataclass(frozen=True)
class Keys:
    """Two of one tenant, one of another."""

    mine: str
    also_mine: str
    theirs: str


@pytest.fixture(scope="session")
def keys(stack: Stack) -> Keys:
    return Keys(stack.new_key("first"), stack.new_key("first"), stack.new_key("second"))
