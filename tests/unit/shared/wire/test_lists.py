"""The list object and the query parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.errors import InvalidRequest
from shared.wire import lists


@pytest.mark.parametrize("has_more", [True, False])
def test_a_page_names_its_first_and_last(has_more: bool) -> None:
    data = [{"id": "a"}, {"id": "b"}, {"id": "c"}]

    assert lists.page(data, has_more) == {
        "object": "list",
        "data": data,
        "first_id": "a",
        "last_id": "c",
        "has_more": has_more,
    }


def test_an_empty_page_has_null_ids() -> None:
    page = lists.page([], False)

    assert (page["data"], page["first_id"], page["last_id"]) == ([], None, None)


@pytest.mark.parametrize(
    ("read", "raw", "value"),
    [
        (lists.parse_limit, [], 20),
        (lists.parse_limit, ["1"], 1),
        (lists.parse_limit, ["100"], 100),
        (lists.parse_order, [], "desc"),
        (lists.parse_order, ["asc"], "asc"),
        (lists.parse_order, ["desc"], "desc"),
        (lists.parse_starting_after, [], None),
        (lists.parse_starting_after, ["0"], 0),
        (lists.parse_starting_after, ["9223372036854775807"], 2**63 - 1),
        (lists.parse_include, [], frozenset()),
        (lists.parse_include, ["reasoning.encrypted_content"] * 2, {"reasoning.encrypted_content"}),
    ],
)
def test_a_parameter_in_its_bounds_is_read(
    read: Callable[[list[str]], Any], raw: list[str], value: Any
) -> None:
    assert read(raw) == value


@pytest.mark.parametrize(
    ("read", "param", "raw"),
    [
        *[
            (lists.parse_limit, "limit", [raw])
            for raw in ("0", "101", "-1", "x", "", "+5", "1_0", "1.0", " 5", "5\n")
        ],
        (lists.parse_limit, "limit", ["5", "5"]),
        *[(lists.parse_order, "order", [raw]) for raw in ("ASC", "", "up")],
        *[
            (lists.parse_starting_after, "starting_after", [raw])
            for raw in ("-1", "abc", "1.5", "1" + "0" * 30, "", "٣", "9223372036854775808", "1\n")
        ],
        (lists.parse_starting_after, "starting_after", ["1", "2"]),
        (lists.parse_include, "include", ["tomorrow.value"]),
        (lists.parse_include, "include", ["reasoning.encrypted_content"] * 33),
    ],
)
def test_a_parameter_out_of_bounds_is_invalid_value(
    read: Callable[[list[str]], Any], param: str, raw: list[str]
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(raw)

    assert (refused.value.code, refused.value.param) == ("invalid_value", param)


@pytest.mark.parametrize(("raw", "value"), [([], False), (["true"], True), (["false"], False)])
def test_a_boolean_parameter_is_read(raw: list[str], value: bool) -> None:
    assert lists.parse_bool("stream", raw) is value


@pytest.mark.parametrize("raw", [["1"], ["True"], [""], ["true", "true"]])
def test_a_boolean_parameter_that_is_none_is_invalid_value(raw: list[str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        lists.parse_bool("stream", raw)

    assert (refused.value.code, refused.value.param) == ("invalid_value", "stream")
