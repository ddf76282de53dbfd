"""What an upstream keeps of a response is noted when that goes, and handed out once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.store import Store
from shared.store.copies import Copy
from shared.store.rows import ResponseRow
from tests.support.backends import Backends
from tests.support.rows import TENANT, claimed, ending, finished


def kept(store: Store, /, upstream_id: str | None = "resp_up", **changes: Any) -> ResponseRow:
    """An ended response with a copy upstream."""
    claim = claimed(store, **changes)
    said = replace(ending(claim, "a"), kept_upstream_id=upstream_id)
    ended = store.endings.finish(claim.row.id, claim.row.attempt, said, [])
    assert ended is not None
    return ended.row


def test_finish_when_the_upstream_keeps_a_copy_then_the_row_knows(backends: Backends) -> None:
    row = kept(backends.store)

    assert (row.kept_upstream_id, backends.row(row.id)) == ("resp_up", row)


def test_delete_when_there_is_a_copy_then_handed_out_once(store: Store) -> None:
    store.responses.delete(TENANT, kept(store).id)

    taken = [store.copies.take_unwanted(limit=10) for _ in range(2)]

    assert taken == [[Copy("main", "resp_up")], []]


def test_delete_when_there_is_no_copy_then_nothing_is_handed_out(store: Store) -> None:
    store.responses.delete(TENANT, finished(store).row.id)

    assert store.copies.take_unwanted(limit=10) == []


def test_delete_when_an_upstream_names_two_alike_then_both_go(store: Store) -> None:
    rows = [kept(store), kept(store)]

    assert [store.responses.delete(TENANT, row.id) for row in rows] == [True, True]
    assert len(store.copies.take_unwanted(limit=10)) == 2


@pytest.mark.parametrize(("store_it", "by"), [(True, "retire"), (False, "wipe_unstored")])
def test_removal_when_there_is_a_copy_then_handed_out(backends: Backends, store_it: bool, by: str) -> None:
    row = kept(backends.store, store=store_it)
    backends.hands.backdate(row.id, "terminal_at")
    backends.hands.set(row.id, terminal_seq=1)

    getattr(backends.store.sweeping, by)(age_seconds=60, limit=10)

    assert backends.store.copies.take_unwanted(limit=10) == [Copy("main", "resp_up")]


def test_take_when_there_are_more_than_asked_for_then_the_rest_stays(store: Store) -> None:
    for number in range(3):
        store.responses.delete(TENANT, kept(store, f"resp_{number}").id)

    assert [len(store.copies.take_unwanted(limit=2)) for _ in range(3)] == [2, 1, 0]
