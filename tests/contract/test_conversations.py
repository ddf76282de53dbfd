"""Conversations in the store: their items, their numbers, their ends, on every database."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from shared.errors import InvalidRequest
from shared.store import Store
from shared.store.conversations import Conversation
from shared.store.tables import conversation_items, conversations
from shared.wire.items import normalise_input
from tests.support.backends import Hands
from tests.support.paging import walked
from tests.support.rows import TENANT, finished

OTHER = "tenant-b"


def said(*texts: str, **changes: Any) -> list[dict[str, Any]]:
    """Items in their stored form, their ids made out of their texts."""
    return normalise_input("/".join(texts), [{"role": "user", "content": t, **changes} for t in texts])


def made(store: Store, *texts: str) -> Conversation:
    return store.conversations.create(TENANT, {}, said(*texts))


def texts(store: Store, conversation_id: str) -> list[str]:
    items, more = store.conversations.page(TENANT, conversation_id, limit=100, descending=False, after=None)
    assert not more
    return [i["content"][0]["text"] for i in items]


def rows(hands: Hands, table: sa.Table) -> int:
    return int(
        hands.database.read(lambda c: c.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
    )


def test_create_when_read_back_then_all_is_kept(store: Store) -> None:
    made_ = store.conversations.create(TENANT, {"line": "a\r\nb"}, said("one", "two"))

    assert store.conversations.find(TENANT, made_.id) == made_
    assert (made_.metadata, made_.last_seq) == ({"line": "a\r\nb"}, 2)
    assert texts(store, made_.id) == ["one", "two"]


def test_find_when_the_tenant_is_another_then_none(store: Store) -> None:
    assert store.conversations.find(OTHER, made(store).id) is None


def test_update_when_given_metadata_then_it_replaces_the_old(store: Store) -> None:
    old = store.conversations.create(TENANT, {"a": "1"}, [])

    new = store.conversations.update(TENANT, old.id, {"b": "2"})

    assert new is not None and new == store.conversations.find(TENANT, old.id)
    assert new.metadata == {"b": "2"}


def test_every_verb_when_the_tenant_is_another_then_nothing_is_seen_or_changed(store: Store) -> None:
    own = made(store, "mine")
    (item,) = said("mine")
    verbs = store.conversations

    seen = (
        verbs.update(OTHER, own.id, {"a": "1"}),
        verbs.append(OTHER, own.id, said("theirs")),
        verbs.page(OTHER, own.id, limit=5, descending=True, after=None),
        verbs.item(OTHER, own.id, item["id"]),
        verbs.delete_item(OTHER, own.id, item["id"]),
        verbs.paired(OTHER, own.id, 9),
        verbs.delete(OTHER, own.id),
    )

    assert seen == (None, None, ([], False), None, False, [], False)
    assert store.conversations.find(TENANT, own.id) == own
    assert texts(store, own.id) == ["mine"]


def test_append_when_several_then_in_order_after_what_is_there(store: Store) -> None:
    own = made(store, "one")

    added = store.conversations.append(TENANT, own.id, said("two", "three"))

    assert added is not None and [i["content"][0]["text"] for i in added] == ["two", "three"]
    assert texts(store, own.id) == ["one", "two", "three"]


def test_append_when_an_id_is_taken_then_the_item_gets_a_new_one(store: Store) -> None:
    own = made(store, "same")
    (first,) = said("same")

    added = store.conversations.append(TENANT, own.id, said("same"))

    assert added is not None and added[0]["id"] != first["id"]
    assert added[0] == {**first, "id": added[0]["id"]}
    assert store.conversations.item(TENANT, own.id, added[0]["id"]) == added[0]


def test_append_when_sealed_reasoning_is_there_already_then_it_stays_alone(store: Store) -> None:
    sealed = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"}
    own = store.conversations.create(TENANT, {}, [sealed])

    added = store.conversations.append(TENANT, own.id, [sealed])

    assert added == []


def test_append_when_more_items_than_a_statement_holds_then_all_are_there(store: Store) -> None:
    own = made(store)
    many = said(*(str(n) for n in range(2_500)))

    store.conversations.append(TENANT, own.id, many)

    found = store.conversations.find(TENANT, own.id)
    assert found is not None and found.last_seq == 2_500
    assert store.conversations.item(TENANT, own.id, many[-1]["id"]) == many[-1]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6])
def test_page_when_followed_by_its_last_id_then_each_item_once(
    store: Store, limit: int, descending: bool
) -> None:
    own = made(store, "1", "2", "3", "4", "5")

    items = walked(partial(store.conversations.page, TENANT, own.id, limit=limit, descending=descending))

    found = [i["content"][0]["text"] for i in items]
    assert found == (["5", "4", "3", "2", "1"] if descending else ["1", "2", "3", "4", "5"])


def test_page_when_after_is_unknown_then_refused(store: Store) -> None:
    own = made(store, "1")

    with pytest.raises(InvalidRequest) as refused:
        store.conversations.page(TENANT, own.id, limit=5, descending=True, after="msg_unknown")

    assert refused.value.param == "after"


def test_delete_item_when_it_is_the_newest_then_its_number_is_not_given_again(store: Store) -> None:
    own = made(store, "one", "two")
    newest = said("one", "two")[1]

    assert store.conversations.delete_item(TENANT, own.id, newest["id"])
    store.conversations.append(TENANT, own.id, said("three"))

    assert texts(store, own.id) == ["one", "three"]
    found = store.conversations.find(TENANT, own.id)
    assert found is not None and found.last_seq == 3


def test_delete_item_when_it_is_gone_then_false(store: Store) -> None:
    own = made(store, "one")

    assert store.conversations.delete_item(TENANT, own.id, "msg_unknown") is False


def test_paired_when_calls_and_outputs_are_there_then_only_these_up_to_the_number(store: Store) -> None:
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "id": "fco_1", "call_id": "call_1", "output": "x"}
    own = store.conversations.create(TENANT, {}, [*said("hi"), call, output])

    assert store.conversations.paired(TENANT, own.id, 3) == [call, output]
    assert store.conversations.paired(TENANT, own.id, 2) == [call]


def test_by_ids_when_an_item_is_only_in_a_conversation_then_found(store: Store) -> None:
    made(store, "one")
    (item,) = said("one")

    assert store.items.by_ids(TENANT, [item["id"], "msg_unknown"]) == {item["id"]: item}
    assert store.items.by_ids(OTHER, [item["id"]]) == {}


def test_by_ids_when_more_ids_than_a_statement_holds_then_found(store: Store) -> None:
    made(store, "one")
    (item,) = said("one")
    many = [f"msg_{n}" for n in range(70_000)]

    assert store.items.by_ids(TENANT, [*many, item["id"]]) == {item["id"]: item}


def test_delete_when_no_response_was_made_from_it_then_nothing_is_left(store: Store, hands: Hands) -> None:
    own = made(store, "one")

    assert store.conversations.delete(TENANT, own.id)

    assert (rows(hands, conversations), rows(hands, conversation_items)) == (0, 0)
    assert store.conversations.delete(TENANT, own.id) is False


def test_delete_when_a_response_was_made_from_it_then_it_goes_with_that_response(
    store: Store, hands: Hands
) -> None:
    own = made(store, "one")
    response = finished(store, conversation_id=own.id).row

    store.conversations.delete(TENANT, own.id)
    kept = (store.conversations.find(TENANT, own.id), rows(hands, conversation_items))
    store.responses.delete(TENANT, response.id)

    assert kept == (None, 3)
    assert (rows(hands, conversations), rows(hands, conversation_items)) == (0, 0)


def test_delete_response_when_its_conversation_lives_then_the_conversation_is_left_alone(
    store: Store,
) -> None:
    own = made(store, "one")
    row = finished(store, "question", "answer", conversation_id=own.id).row

    store.responses.delete(TENANT, row.id)

    assert texts(store, own.id) == ["one", "question", "answer"]


def test_delete_when_a_descendant_of_its_response_lives_then_it_is_kept(store: Store, hands: Hands) -> None:
    own = made(store, "one")
    first = finished(store, conversation_id=own.id).row
    second = finished(store, previous_response_id=first.id).row
    store.conversations.delete(TENANT, own.id)

    store.responses.delete(TENANT, first.id)
    kept = rows(hands, conversations)
    store.responses.delete(TENANT, second.id)

    assert (kept, rows(hands, conversations)) == (1, 0)


@pytest.mark.parametrize("stored", [True, False])
def test_sweep_when_it_removes_the_last_response_then_the_deleted_conversation_goes_too(
    store: Store, hands: Hands, stored: bool
) -> None:
    own = made(store, "one")
    row = finished(store, conversation_id=own.id, store=stored).row
    store.conversations.delete(TENANT, own.id)
    hands.backdate(row.id, "terminal_at")
    sweep = store.sweeping.retire if stored else store.sweeping.wipe_unstored

    sweep(age_seconds=60, limit=10)

    assert rows(hands, conversations) == 0
