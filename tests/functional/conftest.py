"""What many files ask for: keys of two tenants, once for each stack, and a response that has ended."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.support.stack import Stack
from tests.support.wire import create, follow


@dataclass(frozen=True)
class Keys:
    """Two of one tenant, one of another."""

    mine: str
    also_mine: str
    theirs: str


@pytest.fixture(scope="session")
def made() -> dict[str, Keys]:
    """By the address of their stack: `stack` changes back and forth."""
    return {}


@pytest.fixture(scope="session")
def keys(stack: Stack, made: dict[str, Keys]) -> Keys:
    if stack.base_url not in made:
        made[stack.base_url] = Keys(stack.new_key("first"), stack.new_key("first"), stack.new_key("second"))
    return made[stack.base_url]


@pytest.fixture(scope="module")
def ended(stack: Stack) -> str:
    """A background response that has ended."""
    response_id: str = create(stack, model="mock-n12", background=True)["id"]
    follow(stack, response_id)
    return response_id
