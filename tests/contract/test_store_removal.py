"""DELETE, retention and wiping: gone by id at once, items kept only for a living descendant."""

from __future__ import annotations

from functools import partial

import pytest

from shared.store import Store
from shared.store.rows import ResponseRow
from shared.store.tables import archives, items, payloads, responses
from tests.support.backends import Backends, Hands
from tests.support.lanes import together
from tests.support.rows import TENANT, accepted, claimed, finished, gated


def chain(store: Store, length: int) -> list[ResponseRow]:
    rows: list[ResponseRow] = []
    for turn in range(length):
        parent = rows[-1].id if rows else None
        rows.append(finished(store, f"q{turn}", f"a{turn}", previous_response_id=parent).row)
    return rows


def exists(hands: Hands, row: ResponseRow) -> bool:
    return hands.count(responses, row.id) == 1


def test_delete_when_nobody_descends_from_it_then_nothing_is_left(backends: Backends) -> None:
    row = finished(backends.store).row

    assert backends.store.responses.delete(TENANT, row.id) is True

    tables = (responses, payloads, items, archives)
    assert [backends.hands.count(t, row.id) for t in tables] == [0, 0, 0, 0]


def test_delete_when_repeated_then_false(store: Store) -> None:
    row = finished(store).row

    assert [store.responses.delete(TENANT, row.id) for _ in range(2)] == [True, False]


def test_delete_when_the_tenant_is_another_then_false_and_kept(backends: Backends) -> None:
    row = finished(backends.store).row

    assert backends.store.responses.delete("tenant-b", row.id) is False
    assert backends.row(row.id) == row


@pytest.mark.parametrize("state", ["queued", "in_progress"])
def test_delete_when_in_flight_then_false_and_kept(backends: Backends, state: str) -> None:
    row = claimed(backends.store).row if state == "in_progress" else accepted(backends.store)

    assert backends.store.responses.delete(TENANT, row.id) is False
    assert backends.row(row.id) == row


def test_delete_when_a_child_lives_then_only_its_items_stay(backends: Backends) -> None:
    parent, child = chain(backends.store, 2)

    backends.store.responses.delete(TENANT, parent.id)

    counts = [backends.hands.count(t, parent.id) for t in (responses, payloads, items, archives)]
    assert counts == [1, 0, 2, 0]
    assert backends.store.responses.find(TENANT, parent.id) is None
    texts = [i["content"][0]["text"] for i in backends.store.items.history(child.id)]
    assert texts == ["q0", "a0", "q1", "a1"]


def test_delete_when_the_last_descendant_goes_then_all_deleted_ancestors_go(backends: Backends) -> None:
    first, second, third = chain(backends.store, 3)
    backends.store.responses.delete(TENANT, first.id)
    backends.store.responses.delete(TENANT, second.id)

    backends.store.responses.delete(TENANT, third.id)

    assert [exists(backends.hands, r) for r in (first, second, third)] == [False, False, False]


def test_delete_when_the_chain_of_deleted_ancestors_is_long_then_none_is_left(backends: Backends) -> None:
    rows = chain(backends.store, 110)
    for row in rows:
        backends.store.responses.delete(TENANT, row.id)

    assert [exists(backends.hands, r) for r in rows] == [False] * len(rows)


def test_delete_when_a_sibling_lives_then_the_parent_stays_for_it(backends: Backends) -> None:
    store = backends.store
    parent, child = chain(store, 2)
    sibling = finished(store, "other", "way", previous_response_id=parent.id).row
    store.responses.delete(TENANT, parent.id)

    store.responses.delete(TENANT, child.id)
    while_sibling_lives = exists(backends.hands, parent)
    store.responses.delete(TENANT, sibling.id)

    assert (while_sibling_lives, exists(backends.hands, parent)) == (True, False)


@pytest.mark.parametrize("who", ["siblings", "parent and child"])
def test_delete_when_relatives_go_at_the_same_moment_then_none_is_left(backends: Backends, who: str) -> None:
    store = backends.store
    for _ in range(10):
        parent, child = chain(store, 2)
        rows = [parent, child]
        if who == "siblings":
            rows.append(finished(store, previous_response_id=parent.id).row)
            store.responses.delete(TENANT, parent.id)

        together(*(partial(store.responses.delete, TENANT, row.id) for row in rows[-2:]))

        assert [exists(backends.hands, r) for r in rows] == [False] * len(rows)


def test_delete_when_an_ancestor_was_not_deleted_then_it_stays(backends: Backends) -> None:
    first, second = chain(backends.store, 2)

    backends.store.responses.delete(TENANT, second.id)

    assert backends.row(first.id) == first
    assert backends.store.responses.find(TENANT, first.id) is not None


def test_wipe_when_unstored_and_old_then_removed_whole(backends: Backends) -> None:
    row = finished(backends.store, store=False).row
    backends.hands.backdate(row.id, "terminal_at", seconds=700)

    wiped = backends.store.sweeping.wipe_unstored(age_seconds=600, limit=10)

    assert wiped == [row.id]
    assert [backends.hands.count(t, row.id) for t in (responses, payloads, items)] == [0, 0, 0]


def test_wipe_when_young_running_or_stored_then_kept(backends: Backends) -> None:
    store = backends.store
    young = finished(store, store=False).row
    stored = finished(store).row
    backends.hands.backdate(stored.id, "terminal_at", seconds=700)
    running = gated(store, store=False).row

    assert store.sweeping.wipe_unstored(age_seconds=600, limit=10) == []
    assert all(exists(backends.hands, r) for r in (young, stored, running))


def test_wipe_when_its_deleted_parent_lived_only_for_it_then_the_parent_goes_too(
    backends: Backends,
) -> None:
    store = backends.store
    parent = finished(store).row
    child = finished(store, store=False, previous_response_id=parent.id).row
    store.responses.delete(TENANT, parent.id)
    backends.hands.backdate(child.id, "terminal_at", seconds=700)

    store.sweeping.wipe_unstored(age_seconds=600, limit=10)

    assert (exists(backends.hands, child), exists(backends.hands, parent)) == (False, False)


def test_wipe_when_its_parent_was_not_deleted_then_the_parent_stays(backends: Backends) -> None:
    store = backends.store
    parent = finished(store).row
    child = finished(store, store=False, previous_response_id=parent.id).row
    backends.hands.backdate(child.id, "terminal_at", seconds=700)

    store.sweeping.wipe_unstored(age_seconds=600, limit=10)

    assert backends.row(parent.id) == parent


def test_retire_when_past_retention_then_as_deleted(backends: Backends) -> None:
    row = finished(backends.store).row
    backends.hands.backdate(row.id, "terminal_at", seconds=700)

    assert backends.store.sweeping.retire(age_seconds=600, limit=10) == [row.id]

    tables = (responses, payloads, items, archives)
    assert [backends.hands.count(t, row.id) for t in tables] == [0, 0, 0, 0]


def test_retire_when_a_child_is_younger_then_its_chain_survives(backends: Backends) -> None:
    parent, child = chain(backends.store, 2)
    backends.hands.backdate(parent.id, "terminal_at", seconds=700)

    assert backends.store.sweeping.retire(age_seconds=600, limit=10) == [parent.id]

    assert backends.store.responses.find(TENANT, parent.id) is None
    assert len(backends.store.items.history(child.id)) == 4


def test_retire_when_a_whole_chain_is_past_then_nothing_is_left(backends: Backends) -> None:
    rows = chain(backends.store, 3)
    for row in rows:
        backends.hands.backdate(row.id, "terminal_at", seconds=700)

    retired = backends.store.sweeping.retire(age_seconds=600, limit=10)

    assert sorted(retired) == sorted(r.id for r in rows)
    assert [exists(backends.hands, r) for r in rows] == [False, False, False]


def test_retire_when_more_are_due_than_the_limit_then_the_oldest_first(backends: Backends) -> None:
    rows = [finished(backends.store).row for _ in range(3)]
    for age, row in enumerate(rows):
        backends.hands.backdate(row.id, "terminal_at", seconds=700 + 100 * age)

    assert sorted(backends.store.sweeping.retire(age_seconds=600, limit=2)) == sorted(r.id for r in rows[1:])
