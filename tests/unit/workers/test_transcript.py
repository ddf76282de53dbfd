"""What is sent upstream: the whole chain from our own store, in the form an upstream takes."""

from __future__ import annotations

from typing import Any

import pytest

from shared.store import Store
from shared.store.rows import Claim
from tests.support.backends import Backends
from tests.support.rows import OWNER, accepted, claimed, ending, finished
from workers.sealed_content import make_sealer
from workers.transcript import Addressee, transcript


@pytest.fixture
def store(backends: Backends) -> Store:
    return backends.store


def sent(store: Store, claim: Claim) -> list[dict[str, Any]] | str:
    return transcript(store.items, claim, make_sealer("", "pepper"), Addressee("main"))


def texts(items: list[dict[str, Any]] | str) -> list[Any]:
    assert isinstance(items, list)
    contents = [item["content"] for item in items]
    return [c if isinstance(c, str) else c[0]["text"] for c in contents]


def test_transcript_when_a_string_without_earlier_turns_then_the_string(store: Store) -> None:
    assert sent(store, claimed(store, "hello")) == "hello"


def test_transcript_when_a_list_without_earlier_turns_then_the_callers_items(store: Store) -> None:
    own = [{"role": "user", "content": "hello"}]

    assert texts(sent(store, claimed(store, request={"model": "m", "input": own}))) == ["hello"]


def test_transcript_when_a_chain_then_every_turn_oldest_first(store: Store) -> None:
    first = finished(store, "q0", "a0").row
    second = finished(store, "q1", "a1", previous_response_id=first.id).row

    items = sent(store, claimed(store, "q2", previous_response_id=second.id))

    assert texts(items) == ["q0", "a0", "q1", "a1", "q2"]
    assert [item["role"] for item in items if isinstance(item, dict)] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]


def test_transcript_when_an_ancestor_was_deleted_then_it_is_still_sent(store: Store) -> None:
    first = finished(store, "q0", "a0").row
    second = finished(store, "q1", "a1", previous_response_id=first.id).row
    store.responses.delete(first.tenant_id, first.id)

    assert texts(sent(store, claimed(store, "q2", previous_response_id=second.id)))[:2] == ["q0", "a0"]


def test_transcript_when_sent_then_ids_and_status_of_ours_are_left_out(store: Store) -> None:
    first = finished(store, "q0", "a0").row

    items = sent(store, claimed(store, "q1", previous_response_id=first.id))

    assert isinstance(items, list)
    assert not any({"id", "status"} & item.keys() for item in items)


@pytest.mark.parametrize(
    ("item", "kept"),
    [
        ({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"}, True),
        ({"type": "reasoning", "id": "rs_1", "summary": []}, False),
        ({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": None}, False),
    ],
)
def test_transcript_when_reasoning_then_sent_only_where_it_means_something(
    store: Store, item: dict[str, Any], kept: bool
) -> None:
    claim = claimed(store, "q0")
    said = ending(claim, "a0")
    said.output_items.insert(0, item)
    store.leases.gate(claim.row.id, claim.row.attempt)
    store.endings.finish(claim.row.id, claim.row.attempt, said, [b"x"])
    accepted(store, "q1", previous_response_id=claim.row.id)
    following = store.leases.claim_next(OWNER, background=True)
    assert following is not None

    items = sent(store, following)

    assert isinstance(items, list)
    assert any(i.get("type") == "reasoning" for i in items) is kept


def test_transcript_when_sent_twice_then_the_same(store: Store) -> None:
    first = finished(store, "q0", "a0").row
    claim = claimed(store, "q1", previous_response_id=first.id)

    assert sent(store, claim) == sent(store, claim)
