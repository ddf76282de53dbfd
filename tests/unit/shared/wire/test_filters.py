"""The filters of a list: what a query string says, and what is refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidRequest
from shared.wire.filters import ListFilters, parse_filters


def test_filters_when_all_are_given_then_all_are_read() -> None:
    query = {
        "status": ["failed"],
        "model": ["org/model"],
        "background": ["false"],
        "metadata[a]": ["1"],
        "metadata[b[c]]": [""],
        "created_after": ["10"],
        "created_before": ["20"],
        "limit": ["3"],
    }

    assert parse_filters(query) == ListFilters("failed", "org/model", False, {"a": "1", "b[c]": ""}, 10, 20)


def test_filters_when_none_is_given_then_none() -> None:
    assert parse_filters({}) == ListFilters()


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("status", "error", "invalid_value"),
        ("status", "", "invalid_value"),
        ("status", "COMPLETED", "invalid_value"),
        ("model", "", "invalid_value"),
        ("model", "a\x00", "invalid_value"),
        ("model", "m" * 257, "invalid_value"),
        ("background", "1", "invalid_value"),
        ("background", "", "invalid_value"),
        ("created_after", "1.5", "invalid_value"),
        ("created_after", "\N{ARABIC-INDIC DIGIT ONE}", "invalid_value"),
        ("created_before", "-1", "invalid_value"),
        ("created_before", "1" * 13, "invalid_value"),
        ("metadata", "x", "invalid_value"),
        ("metadata[", "x", "invalid_value"),
        ("metadata[a]b", "x", "invalid_value"),
        ("metadata[a]", "x" * 513, "string_above_max_length"),
        ("metadata[" + "k" * 65 + "]", "x", "string_above_max_length"),
    ],
)
def test_filter_when_its_value_means_nothing_then_refused_by_name(name: str, value: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_filters({name: [value]})

    assert (refused.value.param, refused.value.code) == (name.partition("[")[0], code)


@pytest.mark.parametrize("name", ["status", "model", "background", "created_after", "metadata[a]"])
def test_filter_when_given_twice_then_refused_by_name(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_filters({name: ["1", "1"]})

    assert refused.value.param == name.partition("[")[0]


@given(st.dictionaries(st.text(max_size=12), st.lists(st.text(max_size=12), max_size=3), max_size=4))
def test_filters_when_the_query_is_anything_then_read_or_refused(query: dict[str, list[str]]) -> None:
    try:
        parse_filters(query)
    except InvalidRequest as refused:
        assert refused.param is not None
