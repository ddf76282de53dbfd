"""A chain of turns has an end: what is walked for each of its creates is bounded (RELIABILITY B43)."""

from __future__ import annotations

import pytest

from shared.errors import InvalidRequest
from shared.store import Store
from shared.store.items import MAX_CHAIN
from tests.support.backends import Hands
from tests.support.rows import accepted, finished


def test_insert_when_the_chain_is_full_then_refused(store: Store, hands: Hands) -> None:
    last = finished(store).row.id
    hands.set(last, turn=MAX_CHAIN - 1)

    with pytest.raises(InvalidRequest) as refused:
        accepted(store, previous_response_id=last)

    assert (refused.value.code, refused.value.param) == ("context_too_long", "previous_response_id")


def test_insert_when_one_turn_is_left_then_accepted_and_it_is_the_last(store: Store, hands: Hands) -> None:
    before = finished(store).row.id
    hands.set(before, turn=MAX_CHAIN - 2)

    last = finished(store, previous_response_id=before).row.id

    with pytest.raises(InvalidRequest, match="begin anew"):
        accepted(store, previous_response_id=last)


def test_insert_when_the_chain_is_refused_then_a_new_one_can_begin(store: Store, hands: Hands) -> None:
    hands.set(finished(store).row.id, turn=MAX_CHAIN - 1)

    assert accepted(store).previous_response_id is None
