"""Responses in a conversation: the history is fixed at create, a turn joins it whole or not at all."""

from __future__ import annotations

from functools import partial

import pytest

from shared.errors import NotFound
from shared.lifecycle import Status
from shared.store import Store
from shared.store.rows import Claim
from shared.store.tables import conversation_items
from tests.contract.test_conversations import OTHER, made, rows, said, texts
from tests.support.backends import Hands
from tests.support.lanes import together
from tests.support.paging import walked
from tests.support.rows import TENANT, accepted, claimed, ending, finished, new_response

LANES, TURNS = 4, 5


def gated_in(store: Store, conversation_id: str, text: str, **changes: object) -> Claim:
    claim = claimed(store, text, conversation_id=conversation_id, **changes)
    assert store.leases.gate(claim.row.id, claim.row.attempt)
    return claim


def finish(store: Store, claim: Claim, *answers: str, status: str = Status.COMPLETED) -> None:
    ended = store.endings.finish(
        claim.row.id, claim.row.attempt, ending(claim, *answers, status=status), [b""]
    )
    assert ended is not None


def inputs(store: Store, response_id: str) -> list[str]:
    items, _ = store.items.inputs(response_id, limit=100, descending=False, after=None)
    return [i["content"][0]["text"] for i in items]


def told(store: Store, response_id: str) -> list[str]:
    return [i["content"][0]["text"] for i in store.items.history(response_id)]


def test_insert_when_in_a_conversation_then_its_newest_number_is_kept(store: Store) -> None:
    own = made(store, "one", "two")

    row = accepted(store, conversation_id=own.id)

    assert (row.conversation_id, row.conversation_seq) == (own.id, 2)


def test_insert_when_its_maker_saw_less_then_the_history_ends_there(store: Store) -> None:
    own = made(store, "one", "two")

    row = accepted(store, conversation_id=own.id, conversation_seq=1)

    assert [i["content"][0]["text"] for i in store.items.said_before(row)] == ["one"]


@pytest.mark.parametrize("reason", ["unknown", "foreign", "deleted"])
def test_insert_when_the_conversation_cannot_be_seen_then_the_same_refusal_and_nothing_written(
    store: Store, reason: str
) -> None:
    own = made(store).id if reason != "unknown" else "conv_unknown"
    if reason == "deleted":
        store.conversations.delete(TENANT, own)
    new = new_response(conversation_id=own, tenant_id=OTHER if reason == "foreign" else TENANT)

    with pytest.raises(NotFound) as refused:
        store.responses.insert(new)

    assert refused.value.envelope()["error"] == {
        "message": f"Conversation with id '{own}' not found.",
        "type": "invalid_request_error",
        "param": "conversation",
        "code": "conversation_not_found",
    }
    assert store.responses.get(new.id) is None


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.INCOMPLETE])
def test_finish_when_the_response_came_to_its_end_then_input_and_output_are_appended(
    store: Store, status: str
) -> None:
    own = made(store, "before")

    finished(store, "question", "answer", conversation_id=own.id, status=status)

    assert texts(store, own.id) == ["before", "question", "answer"]


def test_finish_when_the_response_failed_then_nothing_is_appended(store: Store) -> None:
    own = made(store, "before")

    finished(store, "question", "answer", conversation_id=own.id, status=Status.FAILED)

    assert texts(store, own.id) == ["before"]


def test_cancel_when_in_a_conversation_then_nothing_is_appended(store: Store) -> None:
    own = made(store, "before")
    row = accepted(store, conversation_id=own.id)

    assert store.endings.cancel(TENANT, row.id) is not None

    assert texts(store, own.id) == ["before"]


def test_finish_when_not_stored_then_the_history_is_read_and_nothing_is_appended(store: Store) -> None:
    own = made(store, "before")

    row = finished(store, "question", "answer", conversation_id=own.id, store=False).row

    assert [i["content"][0]["text"] for i in store.items.said_before(row)] == ["before"]
    assert texts(store, own.id) == ["before"]


def test_finish_when_the_conversation_was_deleted_meanwhile_then_it_ends_and_nothing_is_appended(
    store: Store, hands: Hands
) -> None:
    own = made(store, "before")
    claim = gated_in(store, own.id, "question")
    store.conversations.delete(TENANT, own.id)

    finish(store, claim, "answer")

    assert told(store, claim.row.id) == ["before", "question", "answer"]
    assert rows(hands, conversation_items) == 1


def test_finish_when_another_hand_was_faster_then_nothing_is_appended(store: Store) -> None:
    own = made(store, "before")
    claim = gated_in(store, own.id, "question")

    late = store.endings.finish(claim.row.id, claim.row.attempt + 1, ending(claim, "answer"), [])

    assert late is None
    assert texts(store, own.id) == ["before"]


def test_finish_when_the_caller_sent_an_id_that_is_taken_then_the_turn_is_appended_under_another(
    store: Store,
) -> None:
    own = made(store, "same")

    finished(store, conversation_id=own.id, input_items=said("same"))

    assert texts(store, own.id) == ["same", "same", "ho"]


def test_history_when_others_wrote_after_the_create_then_it_stays_as_it_was(store: Store) -> None:
    own = made(store, "before")
    claim = gated_in(store, own.id, "question")
    store.conversations.append(TENANT, own.id, said("meanwhile"))

    assert [i["content"][0]["text"] for i in store.items.said_before(claim.row)] == ["before"]


def test_inputs_when_in_a_conversation_then_its_history_and_its_own_input(store: Store) -> None:
    own = made(store, "one", "two")
    row = finished(store, "question", "answer", conversation_id=own.id).row
    store.conversations.append(TENANT, own.id, said("later"))

    assert inputs(store, row.id) == ["one", "two", "question"]


@pytest.mark.parametrize("descending", [True, False])
def test_inputs_when_paged_then_each_item_of_conversation_and_input_once(
    store: Store, descending: bool
) -> None:
    own = made(store, "one", "two", "three")
    row = finished(store, "question", conversation_id=own.id).row

    items = walked(partial(store.items.inputs, row.id, limit=1, descending=descending))

    found = [i["content"][0]["text"] for i in items]
    in_order = ["one", "two", "three", "question"]
    assert found == (in_order[::-1] if descending else in_order)


def test_history_when_a_chain_goes_on_from_a_conversation_then_the_conversation_comes_first(
    store: Store,
) -> None:
    own = made(store, "one")
    first = finished(store, "q1", "a1", conversation_id=own.id).row
    second = finished(store, "q2", "a2", previous_response_id=first.id).row

    assert told(store, second.id) == ["one", "q1", "a1", "q2", "a2"]
    assert inputs(store, second.id) == ["one", "q1", "a1", "q2"]


def test_finish_when_many_at_once_then_no_turn_stands_between_the_items_of_another(store: Store) -> None:
    own = made(store)
    claims = [gated_in(store, own.id, f"question {n}") for n in range(LANES * TURNS)]
    answers = ("one", "two", "three")

    def lane(mine: list[Claim]) -> None:
        for claim in mine:
            finish(store, claim, *answers)

    together(*(partial(lane, claims[n::LANES]) for n in range(LANES)))

    found = texts(store, own.id)
    turns = [tuple(found[n : n + 4]) for n in range(0, len(found), 4)]
    assert sorted(turns) == sorted((f"question {n}", *answers) for n in range(LANES * TURNS))
