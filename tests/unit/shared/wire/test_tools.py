"""parse_create: tools and the choice among them; schemas: what is refused of them."""

from __future__ import annotations

from typing import Any

import pytest

from shared.wire import schemas
from shared.wire.request import parse_create
from shared.wire.tools import echo_tool
from tests.unit.shared.wire.builders import parsed, refusal

FLAT = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
CHAT = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}, "x": 1}


def test_a_chat_shaped_tool_when_parsed_is_flat_and_loses_nothing() -> None:
    request = parsed(tools=[CHAT], tool_choice={"type": "function", "function": {"name": "get_weather"}})

    assert request.body["tools"] == [{**FLAT, "x": 1}]
    assert request.body["tool_choice"] == {"type": "function", "name": "get_weather"}


def test_a_chat_shaped_tool_when_parsed_leaves_the_given_body_alone() -> None:
    given = {"model": "demo", "input": "hi", "tools": [dict(CHAT)]}

    parse_create(given)

    assert given == {"model": "demo", "input": "hi", "tools": [CHAT]}


@pytest.mark.parametrize(
    ("tools", "code", "param"),
    [
        ({}, "invalid_type", "tools"),
        (["x"], "invalid_type", "tools[0]"),
        ([{}], "missing_required_parameter", "tools[0].type"),
        ([{"type": 1}], "invalid_type", "tools[0].type"),
        ([{"type": "function"}], "missing_required_parameter", "tools[0].name"),
        ([{"type": "function", "function": {}}], "missing_required_parameter", "tools[0].name"),
        ([{**FLAT, "name": 1}], "invalid_type", "tools[0].name"),
        ([{**FLAT, "name": "a b"}], "invalid_value", "tools[0].name"),
        ([{**FLAT, "name": "a\n"}], "invalid_value", "tools[0].name"),
        ([{**FLAT, "name": "n" * 129}], "invalid_value", "tools[0].name"),
        ([{**FLAT, "description": 1}], "invalid_type", "tools[0].description"),
        ([{**FLAT, "strict": 1}], "invalid_type", "tools[0].strict"),
        ([{**FLAT, "parameters": []}], "invalid_type", "tools[0].parameters"),
        ([{**FLAT, "parameters": {"$ref": "#"}}], "invalid_function_parameters", "tools[0].parameters"),
        ([FLAT, {"type": "web_search"}, CHAT], "invalid_value", "tools[2].name"),
    ],
)
def test_tools_when_wrong_are_refused_by_path(tools: Any, code: str, param: str) -> None:
    assert refusal(tools=tools) == (code, param)


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "tomorrow", "function": {"name": "x"}, "name": 3},
        {"type": "function", "name": "n" * 128, "parameters": None, "strict": None, "description": None},
    ],
)
def test_a_tool_that_can_be_forwarded_is_kept_whole(tool: dict[str, Any]) -> None:
    assert parsed(tools=[tool]).body["tools"] == [tool]


@pytest.mark.parametrize(
    "choice",
    [
        "none",
        "auto",
        "required",
        {"type": "function", "name": "get_weather"},
        {"type": "web_search"},
        {"type": "mcp", "server_label": "x", "name": "y"},
        {"type": "custom", "name": "grouped"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_weather"}]},
    ],
)
def test_a_choice_among_the_tools_is_kept_as_sent(choice: Any) -> None:
    tools = [FLAT, {"type": "namespace", "name": "n", "tools": [{"type": "custom", "name": "grouped"}]}]

    assert parsed(tools=tools, tool_choice=choice).body["tool_choice"] == choice


@pytest.mark.parametrize(
    ("choice", "code", "param"),
    [
        ("any", "invalid_value", "tool_choice"),
        (3, "invalid_type", "tool_choice"),
        ({}, "missing_required_parameter", "tool_choice.type"),
        ({"type": "function"}, "missing_required_parameter", "tool_choice.name"),
        ({"type": "function", "name": "absent"}, "invalid_value", "tool_choice"),
        ({"type": "custom", "name": "get_weather"}, "invalid_value", "tool_choice"),
        ({"type": "allowed_tools", "tools": [FLAT]}, "missing_required_parameter", "tool_choice.mode"),
        ({"type": "allowed_tools", "mode": "none", "tools": [FLAT]}, "invalid_value", "tool_choice.mode"),
        ({"type": "allowed_tools", "mode": "auto"}, "missing_required_parameter", "tool_choice.tools"),
        ({"type": "allowed_tools", "mode": "auto", "tools": {}}, "invalid_type", "tool_choice.tools"),
        ({"type": "allowed_tools", "mode": "auto", "tools": []}, "empty_array", "tool_choice.tools"),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [FLAT] * 129},
            "array_above_max_length",
            "tool_choice.tools",
        ),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{**FLAT, "name": "absent"}]},
            "invalid_value",
            "tool_choice",
        ),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(choice: Any, code: str, param: str) -> None:
    assert refusal(tools=[FLAT], tool_choice=choice) == (code, param)


def test_a_choice_of_allowed_tools_in_chat_shape_is_flattened() -> None:
    choice = {
        "type": "allowed_tools",
        "allowed_tools": {
            "mode": "auto",
            "tools": [{"type": "function", "function": {"name": "get_weather"}}],
        },
    }

    assert parsed(tools=[FLAT], tool_choice=choice).body["tool_choice"] == {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "function", "name": "get_weather"}],
    }


def test_a_choice_of_an_absent_tool_when_a_prompt_may_bring_it_is_accepted() -> None:
    choice = {"type": "function", "name": "elsewhere"}

    assert parsed(prompt={"id": "pmpt_1"}, tool_choice=choice).body["tool_choice"] == choice


def test_echo_of_a_function_tool_has_every_key() -> None:
    assert echo_tool({"type": "function", "name": "f", "more": 1}) == {
        "type": "function",
        "name": "f",
        "description": None,
        "parameters": None,
        "strict": None,
        "more": 1,
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"pattern": "(a|" * 200_000},
    ],
)
def test_a_schema_that_cannot_be_meant_has_a_fault(schema: dict[str, Any]) -> None:
    assert schemas.fault_of(schema) is not None


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"properties": {"child": {"$ref": "#"}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"x": {"$ref": "#/$defs/a"}}}}},
        {"properties": {"$ref": {"type": "string"}}},
        {"$ref": "https://example.com/schema", "x": {"$ref": "#/nowhere"}, "y": {"$ref": "#/x"}},
    ],
)
def test_a_schema_that_can_be_meant_has_no_fault(schema: dict[str, Any]) -> None:
    assert schemas.fault_of(schema) is None
