"""Identifiers: random where they must not be guessed, derived where they must come out the same."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from shared import ids


@pytest.mark.parametrize(
    ("make", "form"),
    [
        (ids.new_response_id, r"resp_[0-9a-f]{48}"),
        (ids.new_request_id, r"req_[0-9a-f]{32}"),
        (ids.new_key_id, r"key_[0-9a-f]{16}"),
        (ids.new_key, r"sk-rsp-[A-Za-z0-9_-]{43}"),
    ],
)
def test_new_id_when_made_then_of_its_form_and_never_the_same(make: Callable[[], str], form: str) -> None:
    made = [make() for _ in range(100)]

    assert all(re.fullmatch(form, one) for one in made)
    assert len(set(made)) == 100


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        ("message", "msg_"),
        ("function_call", "fc_"),
        ("function_call_output", "fco_"),
        ("custom_tool_call", "ctc_"),
        ("reasoning", "rs_"),
        ("compaction", "cmp_"),
        ("something_new", "item_"),
    ],
)
def test_output_item_id_when_derived_again_then_the_same_with_its_types_prefix(
    kind: str, prefix: str
) -> None:
    made = [ids.output_item_id("resp_1", 0, kind) for _ in range(2)]

    assert made[0] == made[1]
    assert re.fullmatch(prefix + r"[0-9a-f]{48}", made[0])


def test_item_ids_when_any_part_differs_then_all_differ() -> None:
    made = [
        ids.output_item_id("resp_1", 0, "message"),
        ids.output_item_id("resp_1", 1, "message"),
        ids.output_item_id("resp_2", 0, "message"),
        ids.input_item_id("resp_1", 0, "message"),
        ids.call_id("resp_1", 0),
        ids.call_id("resp_1", 1),
    ]

    assert len(set(made)) == len(made)


@pytest.mark.parametrize("value", ["resp_1", "resp_" + "a" * 128, "resp_A-z_9", "resp_" + "0a" * 24])
def test_is_response_id_when_of_the_form_then_true(value: str) -> None:
    assert ids.is_response_id(value) is True


@pytest.mark.parametrize(
    "value",
    [
        "",
        "resp_",
        "resp_" + "a" * 129,
        "resp_a\n",
        "resp_a b",
        "resp_\N{SNOWMAN}",
        "msg_1",
        "Resp_1",
        "resp_../x",
    ],
)
def test_is_response_id_when_anything_else_then_false(value: str) -> None:
    assert ids.is_response_id(value) is False


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("a", True),
        ("A.b_c-9", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("", False),
        ("a\n", False),
        ("a b", False),
    ],
)
def test_is_request_id_when_offered_then_kept_only_in_its_form(value: str, kept: bool) -> None:
    assert ids.is_request_id(value) is kept
