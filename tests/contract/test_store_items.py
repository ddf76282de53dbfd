"""Items and chains: what a response was made from, in order, page by page, on every database."""

from __future__ import annotations

import itertools

import pytest

from shared.errors import InvalidRequest
from shared.store import Store
from tests.support.rows import accepted, finished


def text(item: dict[str, object]) -> object:
    content = item["content"]
    assert isinstance(content, list)
    return content[0]["text"]


def three_turns(store: Store) -> str:
    first = finished(store, "q0", "a0").row
    second = finished(store, "q1", "a1", previous_response_id=first.id).row
    return finished(store, "q2", "a2", previous_response_id=second.id).row.id


def pages(store: Store, response_id: str, limit: int, *, descending: bool) -> list[str]:
    """All ids, collected page by page as a client does."""
    found: list[str] = []
    after: str | None = None
    for _ in range(100):
        page, more = store.items.inputs(response_id, limit=limit, descending=descending, after=after)
        assert len(page) <= limit
        found += [i["id"] for i in page]
        if not more:
            return found
        after = page[-1]["id"]
    raise AssertionError("the pages never end")


def test_history_when_a_chain_then_oldest_first_with_its_own_output(store: Store) -> None:
    last = three_turns(store)

    assert [text(i) for i in store.items.history(last)] == ["q0", "a0", "q1", "a1", "q2", "a2"]


def test_history_when_unknown_then_empty(store: Store) -> None:
    assert store.items.history("resp_unknown") == []


def test_history_when_the_chain_is_deep_then_whole(store: Store) -> None:
    parent: str | None = None
    for turn in range(60):
        parent = finished(store, f"q{turn}", f"a{turn}", previous_response_id=parent).row.id
    assert parent is not None

    found = [text(i) for i in store.items.history(parent)]

    assert found == list(itertools.chain.from_iterable((f"q{n}", f"a{n}") for n in range(60)))


def test_inputs_when_a_chain_then_earlier_turns_but_not_its_own_output(store: Store) -> None:
    last = three_turns(store)

    page, more = store.items.inputs(last, limit=20, descending=False, after=None)

    assert ([text(i) for i in page], more) == (["q0", "a0", "q1", "a1", "q2"], False)


def test_inputs_when_descending_then_exactly_reversed(store: Store) -> None:
    last = three_turns(store)

    up, _ = store.items.inputs(last, limit=20, descending=False, after=None)
    down, _ = store.items.inputs(last, limit=20, descending=True, after=None)

    assert down == up[::-1]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 20])
def test_inputs_when_read_by_pages_then_each_item_once_in_order(
    store: Store, limit: int, descending: bool
) -> None:
    last = three_turns(store)
    whole, _ = store.items.inputs(last, limit=100, descending=descending, after=None)

    assert pages(store, last, limit, descending=descending) == [i["id"] for i in whole]


@pytest.mark.parametrize("descending", [False, True])
def test_inputs_when_two_turns_hold_the_same_id_then_the_pages_end(store: Store, descending: bool) -> None:
    twin = [{"type": "message", "role": "user", "content": "twin", "id": "msg_twin"}]
    first = finished(store, twin).row  # type: ignore[arg-type]
    last = accepted(store, twin, previous_response_id=first.id).id

    found = pages(store, last, 1, descending=descending)

    assert found.count("msg_twin") in (1, 2)
    assert len(found) == len(set(found)) + found.count("msg_twin") - 1


def test_inputs_when_after_is_not_in_the_list_then_refused(store: Store) -> None:
    last = three_turns(store)

    with pytest.raises(InvalidRequest) as refused:
        store.items.inputs(last, limit=20, descending=False, after="msg_unknown")

    assert (refused.value.code, refused.value.param) == ("invalid_value", "after")


def test_inputs_when_after_is_its_own_output_then_refused(store: Store) -> None:
    last = three_turns(store)
    own_output = store.items.history(last)[-1]["id"]

    with pytest.raises(InvalidRequest):
        store.items.inputs(last, limit=20, descending=False, after=own_output)


def test_inputs_when_after_is_the_last_then_an_empty_page(store: Store) -> None:
    last = three_turns(store)
    whole, _ = store.items.inputs(last, limit=20, descending=False, after=None)

    assert store.items.inputs(last, limit=5, descending=False, after=whole[-1]["id"]) == ([], False)


def test_items_when_stored_then_keys_keep_their_order_and_numbers_their_form(store: Store) -> None:
    given = [{"zebra": 1.0, "type": "odd_item", "alpha": [1, 2.50], "big": 2**60}]
    row = accepted(store, input_items=[{"id": "x_1", **given[0]}])

    (item,), _ = store.items.inputs(row.id, limit=5, descending=False, after=None)

    assert list(item.items()) == [("id", "x_1"), *given[0].items()]
