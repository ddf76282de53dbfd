"""Items: stored, sent upstream, shown."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import input_item_id
from shared.wire.input_items import check_input
from shared.wire.items import normalise_input, public, to_upstream

RESPONSE = "resp_1"
IDS = st.sampled_from([None, "", "a", "b", "x" * 129]) | st.builds(
    input_item_id, st.just(RESPONSE), st.integers(0, 3), st.just("message")
)
PARTS = st.sampled_from(
    [
        {"type": "input_text", "text": "x"},
        {"type": "input_image", "image_url": "http://x/y", "detail": None},
        {"type": "output_text", "text": "y", "annotations": None},
        {"type": "tomorrow"},
    ]
)
MESSAGES = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "system"]),
        "content": st.text(max_size=3) | st.lists(PARTS, max_size=2),
    },
    optional={
        "type": st.sampled_from([None, "message"]),
        "id": IDS,
        "status": st.sampled_from([None, "completed"]),
    },
)
CALLS = st.fixed_dictionaries(
    {
        "type": st.just("function_call"),
        "call_id": st.just("c"),
        "name": st.just("f"),
        "arguments": st.just("{}"),
    },
    optional={"id": IDS, "status": st.none()},
)
OTHERS = st.fixed_dictionaries({"type": st.sampled_from(["program", "compaction"])}, optional={"id": IDS})
INPUTS = st.text(max_size=5) | st.lists(MESSAGES | CALLS | OTHERS, max_size=6)


@given(INPUTS)
def test_normalising_what_is_normal_changes_nothing(given_input: str | list[dict[str, Any]]) -> None:
    once = normalise_input(RESPONSE, given_input)

    assert normalise_input(RESPONSE, once) == once


@given(INPUTS)
def test_normalised_ids_are_never_empty_and_unique(given_input: str | list[dict[str, Any]]) -> None:
    ids = [item["id"] for item in normalise_input(RESPONSE, given_input)]

    assert all(ids)
    assert len(set(ids)) == len(ids)


@given(INPUTS)
def test_normalising_leaves_what_it_was_given_alone(given_input: str | list[dict[str, Any]]) -> None:
    before = copy.deepcopy(given_input)

    normalise_input(RESPONSE, given_input)

    assert given_input == before


def test_a_string_when_normalised_is_one_user_message() -> None:
    assert normalise_input(RESPONSE, "hi") == [
        {
            "id": input_item_id(RESPONSE, 0, "message"),
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_text", "text": "hi"}],
        }
    ]


def test_an_assistant_string_when_normalised_is_output_text() -> None:
    (item,) = normalise_input(RESPONSE, [{"role": "assistant", "content": "yes"}])

    assert item["content"] == [{"type": "output_text", "text": "yes", "annotations": [], "logprobs": []}]


def test_parts_when_normalised_get_the_defaults_of_their_type() -> None:
    parts = [
        {"type": "output_text", "text": "y"},
        {"type": "input_image", "image_url": "http://x/y"},
        {"type": "input_image", "file_id": "f", "detail": "low"},
    ]

    (item,) = normalise_input(RESPONSE, [{"role": "user", "content": parts}])

    assert item["content"] == [
        {"type": "output_text", "text": "y", "annotations": [], "logprobs": []},
        {"type": "input_image", "image_url": "http://x/y", "detail": "auto"},
        {"type": "input_image", "file_id": "f", "detail": "low"},
    ]


@pytest.mark.parametrize(
    "item",
    [
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "status": None, "id": None},
        {"type": "function_call_output", "call_id": "c", "output": "x"},
    ],
)
def test_a_call_or_output_when_normalised_is_completed(item: dict[str, Any]) -> None:
    (stored,) = normalise_input(RESPONSE, [item])

    assert stored["status"] == "completed"
    assert stored["id"] == input_item_id(RESPONSE, 0, item["type"])


def test_an_item_when_its_client_named_it_keeps_its_id_and_status() -> None:
    given_item = {"role": "assistant", "content": [], "id": "msg_of_client", "status": "incomplete"}

    (stored,) = normalise_input(RESPONSE, [given_item])

    assert (stored["id"], stored["status"]) == ("msg_of_client", "incomplete")


def test_the_second_of_two_items_with_one_id_gets_a_derived_one() -> None:
    message = {"role": "user", "content": "x", "id": "same"}

    ids = [item["id"] for item in normalise_input(RESPONSE, [message, message])]

    assert ids == ["same", input_item_id(RESPONSE, 1, "message")]


def test_a_reference_when_normalised_keeps_what_it_refers_to() -> None:
    stored = normalise_input(
        RESPONSE, [{"id": "msg_1", "type": None}, {"type": "item_reference", "id": "msg_1"}]
    )

    assert stored == [{"id": "msg_1", "type": "item_reference"}] * 2


def test_an_item_of_unknown_type_when_normalised_is_kept_whole() -> None:
    (stored,) = normalise_input(RESPONSE, [{"type": "program", "code": None, "status": "odd"}])

    assert stored == {
        "id": input_item_id(RESPONSE, 0, "program"),
        "type": "program",
        "code": None,
        "status": "odd",
    }


def test_a_message_sent_upstream_has_neither_our_id_nor_status_nor_nulls() -> None:
    (stored,) = normalise_input(
        RESPONSE,
        [
            {
                "role": "assistant",
                "phase": None,
                "content": [{"type": "output_text", "text": "y", "parsed": None}],
            }
        ],
    )

    assert to_upstream(stored) == {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "y", "annotations": []}],
    }


@pytest.mark.parametrize("kind", ["function_call", "function_call_output", "custom_tool_call"])
def test_a_call_sent_upstream_has_neither_our_id_nor_status(kind: str) -> None:
    sent = to_upstream({"id": "fc_1", "type": kind, "status": "completed", "call_id": "c", "x": None})

    assert sent == {"type": kind, "call_id": "c"}


def test_reasoning_sent_upstream_keeps_its_id() -> None:
    item: dict[str, Any] = {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [],
        "encrypted_content": "e",
        "content": None,
        "status": "x",
    }

    assert to_upstream(item) == {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "e"}


def test_an_item_of_unknown_type_sent_upstream_loses_only_an_id_we_made() -> None:
    named, unnamed = normalise_input(
        RESPONSE, [{"type": "program", "id": "p", "x": None}, {"type": "program"}]
    )

    assert to_upstream(named) == {"type": "program", "id": "p", "x": None}
    assert to_upstream(unnamed) == {"type": "program"}


@given(
    INPUTS.filter(
        lambda value: isinstance(value, str) or all(item.get("type") != "compaction" for item in value)
    )
)
def test_what_is_sent_upstream_is_legal_input(given_input: str | list[dict[str, Any]]) -> None:
    check_input([to_upstream(item) for item in normalise_input(RESPONSE, given_input)])


@pytest.mark.parametrize(
    ("content", "include", "shown"),
    [
        ("secret", frozenset[str](), False),
        ("secret", frozenset({"reasoning.encrypted_content"}), True),
        (None, frozenset({"reasoning.encrypted_content"}), False),
    ],
)
def test_encrypted_content_is_shown_only_when_asked_for(
    content: str | None, include: frozenset[str], shown: bool
) -> None:
    item: dict[str, Any] = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": content}

    assert ("encrypted_content" in public(item, include)) is shown
    assert "encrypted_content" in item


def test_a_phase_when_null_is_not_shown() -> None:
    assert public({"type": "message", "phase": None}, frozenset()) == {"type": "message"}
    assert public({"type": "message", "phase": "commentary"}, frozenset())["phase"] == "commentary"
