"""Which schemas hold a model of Anthropic's: told in a moment, whatever a client makes them of."""

from __future__ import annotations

from typing import Any

import pytest

from workers.providers.anthropic.closed_schemas import is_closed

CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
MADE_OF_TWOS = 30


def test_schema_when_its_references_double_at_every_step_then_each_is_followed_once() -> None:
    doubled = {
        f"s{n}": {"anyOf": [{"$ref": f"#/$defs/s{n + 1}"}, {"$ref": f"#/$defs/s{n + 1}"}]}
        for n in range(MADE_OF_TWOS)
    }
    schema = {**CLOSED, "anyOf": [{"$ref": "#/$defs/s0"}], "$defs": {**doubled, f"s{MADE_OF_TWOS}": CLOSED}}

    assert is_closed(schema)


@pytest.mark.parametrize("odd", [{"format": ["date"]}, {"format": 5}, {"type": ["object"]}, {"$ref": []}])
def test_schema_when_a_keyword_has_an_odd_value_then_it_holds_nobody(odd: dict[str, Any]) -> None:
    assert not is_closed({**CLOSED, "properties": {"a": odd}})


@pytest.mark.parametrize("choices", [5, {"a": 1}, "x", None])
def test_schema_when_its_choices_are_no_list_then_none_are_looked_at(choices: Any) -> None:
    assert is_closed({**CLOSED, "anyOf": choices})


def test_schema_when_it_contains_itself_then_it_holds_nobody() -> None:
    assert not is_closed(
        {
            **CLOSED,
            "properties": {"a": {"$ref": "#/$defs/n"}},
            "$defs": {"n": {"anyOf": [{"$ref": "#/$defs/n"}]}},
        }
    )
