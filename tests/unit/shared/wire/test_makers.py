"""The sign of its maker on what only its maker can read."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import InvalidRequest
from shared.ids import output_item_id
from shared.wire.makers import (
    check_compactions,
    is_foreign,
    last_maker,
    marked_id,
    signed,
    signed_event,
    unsigned,
)

SEALED = "gAAAA:with:colons=="


def reasoning(sealed: str | None = None, identity: str = "rs_1") -> dict[str, Any]:
    item: dict[str, Any] = {"id": identity, "type": "reasoning", "summary": []}
    return item if sealed is None else {**item, "encrypted_content": sealed}


@pytest.mark.parametrize("sealed", [SEALED, "anthropic:v1:x", signed(SEALED, "another gateway's")])
def test_item_when_signed_then_its_maker_gets_it_as_it_was(sealed: str) -> None:
    item = reasoning(signed(sealed, "main"))

    assert (is_foreign(item, "main"), unsigned(item)) == (False, reasoning(sealed))


def test_item_when_nothing_was_sealed_then_the_sign_alone_goes() -> None:
    assert unsigned(reasoning(signed("", "main"))) == reasoning()


@pytest.mark.parametrize("sealed", [SEALED, "", "a:b"])
def test_item_when_signed_by_another_then_foreign(sealed: str) -> None:
    assert is_foreign(reasoning(signed(sealed, "main")), "main.2")


@pytest.mark.parametrize("sealed", [None, SEALED, "", "rsm1:", "rsm1:no-end", "rsm1::x", "rsp1.d.x"])
def test_item_when_it_carries_no_sign_then_nobodys_and_unchanged(sealed: str | None) -> None:
    item = reasoning(sealed)

    assert (is_foreign(item, "main"), unsigned(item)) == (False, item)


@pytest.mark.parametrize(("asked", "foreign"), [("main", False), ("other", True)])
def test_item_when_its_content_was_not_shown_then_its_id_tells_its_maker(asked: str, foreign: bool) -> None:
    identity = marked_id(output_item_id("resp_1", 0, "reasoning"), "main")

    assert is_foreign(reasoning(identity=identity), asked) is foreign


def test_ids_when_marked_then_as_long_and_as_different_as_before() -> None:
    plain = [output_item_id("resp_1", index, "reasoning") for index in range(3)]
    marked = [marked_id(identity, "main") for identity in plain]

    assert (len(set(marked)), {len(i) for i in marked}) == (3, {len(plain[0])})


@pytest.mark.parametrize("kind", ["message", "function_call", "web_search_call"])
def test_event_when_its_item_is_nothing_sealed_then_unchanged(kind: str) -> None:
    event = {"type": "response.output_item.done", "item": {"type": kind, "encrypted_content": "x"}}

    assert signed_event(event, "main") == event


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda item: {"type": "response.output_item.done", "item": item},
        lambda item: {"type": "response.completed", "response": {"output": [item, "nonsense"]}},
        lambda item: {"object": "response", "output": [item]},
    ],
)
@pytest.mark.parametrize("kind", ["reasoning", "compaction"])
def test_event_when_it_carries_a_sealed_item_then_that_is_signed(wrapped: Any, kind: str) -> None:
    item = {"type": kind, "encrypted_content": SEALED}

    signed_item = {"type": kind, "encrypted_content": signed(SEALED, "main")}
    assert signed_event(wrapped(item), "main") == wrapped(signed_item)


def test_event_when_this_gateway_sealed_the_item_then_unsigned() -> None:
    event = {
        "type": "response.output_item.done",
        "item": {"type": "compaction", "encrypted_content": "rsp1.d.x"},
    }

    assert signed_event(event, "main") == event


def test_compaction_when_another_made_it_then_refused_by_its_place() -> None:
    given = [
        {"role": "user", "content": "x"},
        {"type": "compaction", "encrypted_content": signed("x", "main")},
    ]

    with pytest.raises(InvalidRequest) as raised:
        check_compactions({"input": given}, "other")
    assert (raised.value.code, raised.value.param) == ("unsupported_value", "input[1].encrypted_content")


@pytest.mark.parametrize("sealed", [signed("x", "main"), "as an upstream gave it", "rsp1.d.x"])
def test_compaction_when_this_one_may_read_it_then_accepted(sealed: str) -> None:
    check_compactions({"input": [{"type": "compaction", "encrypted_content": sealed}]}, "main")


@pytest.mark.parametrize(
    ("items", "maker"),
    [
        ("hi", None),
        ([reasoning(), reasoning("unsigned"), reasoning(signed("", "open"))], None),
        (
            [reasoning(signed("x", "old")), reasoning(signed("x", "new")), reasoning(signed("", "open"))],
            "new",
        ),
    ],
)
def test_items_when_a_caller_has_kept_them_then_the_maker_of_the_newest_that_is_sealed(
    items: Any, maker: str | None
) -> None:
    assert last_maker(items) == maker
