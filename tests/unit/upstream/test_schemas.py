"""Instances of JSON schemas are valid."""

from __future__ import annotations

from typing import Any

import pytest

from upstream.schemas import instance


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"const": 7}, 7),
        ({"enum": ["b", "a"]}, "b"),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "integer", "exclusiveMinimum": 3}, 4),
        ({"type": "integer", "minimum": 3, "multipleOf": 5}, 5),
        ({"type": "integer", "maximum": -2}, -2),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, 0.5),
        ({"type": "number", "minimum": 2.5}, 2.5),
        ({"type": "string", "minLength": 6}, "textxx"),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": ["integer", "null"]}, 1),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 1),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"type": "array", "items": {"type": "boolean"}, "maxItems": 0}, []),
        ({"type": "array", "items": {"type": "boolean"}}, [True]),
    ],
)
def test_instance_of_a_simple_schema_is_valid(schema: dict[str, Any], expected: Any) -> None:
    assert instance(schema) == expected


def test_instance_of_nested_objects_has_all_required_keys() -> None:
    inner = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    schema = {"type": "object", "properties": {"a": inner, "b": {}}, "required": ["a"]}

    made = instance(schema)

    assert made == {"a": {"n": 1}}


def test_instance_of_a_reference_uses_its_definition() -> None:
    schema = {
        "type": "object",
        "properties": {"x": {"$ref": "#/$defs/X"}},
        "required": ["x"],
        "$defs": {"X": {"enum": [9]}},
    }

    made = instance(schema)

    assert made == {"x": 9}


def test_instance_of_a_recursive_schema_ends_with_null() -> None:
    node = {
        "type": "object",
        "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        "required": ["next"],
    }

    made = instance(node)

    while made["next"] is not None:
        made = made["next"]
    assert made == {"next": None}


def test_instance_takes_words_for_named_strings() -> None:
    schema = {"type": "object", "properties": {"location": {"type": "string"}}}

    made = instance(schema, {"location": "Oslo"})

    assert made == {"location": "Oslo"}
