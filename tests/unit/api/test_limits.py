"""Memory for large bodies: reserved while somebody holds one, and given back with it."""

from __future__ import annotations

from functools import partial

import pytest

from api.limits import SMALL_BODY_BYTES, BodyBudget
from shared.errors import Unavailable

LARGE = SMALL_BODY_BYTES + 1


def test_take_for_when_full_then_refused_until_the_holder_is_gone() -> None:
    budget = BodyBudget(2 * LARGE)
    first, second = partial(print), partial(print)
    budget.take_for(LARGE, first)
    budget.take_for(LARGE, second)

    with pytest.raises(Unavailable):
        budget.take(LARGE)
    del first

    assert budget.take(LARGE) == LARGE


def test_take_for_when_small_then_not_counted() -> None:
    budget = BodyBudget(LARGE)
    holders = [partial(print) for _ in range(10)]

    for holder in holders:
        budget.take_for(SMALL_BODY_BYTES, holder)

    assert budget.take(LARGE) == LARGE
