"""A Responses request in the words of Anthropic's Messages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.workers.messages_calls import WEATHER
from tests.unit.workers.messages_requests import (
    CALLED,
    CLOSED,
    NEW,
    OLD,
    OPEN,
    PATCH,
    TIME,
    UNFORCED,
    Json,
    body_of,
    formed,
    made,
)
from workers.providers.anthropic.request import counted
from workers.providers.anthropic.tools import ANSWER


def test_request_when_plain_then_nothing_but_what_is_needed() -> None:
    assert body_of() == {
        "model": OLD,
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "stream": True,
    }


def test_request_when_it_has_fields_of_both_apis_then_ours_are_translated_and_theirs_pass() -> None:
    sent = body_of(
        instructions="Be brief.",
        max_output_tokens=99,
        temperature=0.5,
        top_p=1.0,
        user="u",
        safety_identifier="s",
        service_tier="default",
        metadata={"a": "b"},
        truncation="auto",
        prompt_cache_key="k",
        store=True,
        top_k=5,
        stop_sequences=["END"],
        cache_control={"type": "ephemeral"},
        output_config={"effort": "high"},
    )

    del sent["messages"]
    assert sent == {
        "model": OLD,
        "max_tokens": 99,
        "stream": True,
        "system": "Be brief.",
        "temperature": 0.5,
        "metadata": {"user_id": "s"},
        "service_tier": "standard_only",
        "top_k": 5,
        "stop_sequences": ["END"],
        "cache_control": {"type": "ephemeral"},
        "output_config": {"effort": "high"},
    }


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        ("auto", None),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "name": "get_time"}, {"type": "tool", "name": "get_time"}),
        ({"type": "custom", "name": "patch"}, {"type": "tool", "name": "patch"}),
    ],
)
def test_tool_choice_when_of_any_form_then_in_their_words(choice: Any, sent: Any) -> None:
    body = body_of(tools=[WEATHER, TIME, PATCH], tool_choice=choice)

    assert body.get("tool_choice") == sent
    assert [tool["name"] for tool in body["tools"]] == ["get_weather", "get_time", "patch"]


@pytest.mark.parametrize(("mode", "sent"), [("auto", None), ("required", {"type": "any"})])
def test_tool_choice_when_only_some_tools_are_allowed_then_no_others_are_offered(
    mode: str, sent: Any
) -> None:
    allowed = {"type": "allowed_tools", "mode": mode, "tools": [{"type": "function", "name": "get_time"}]}

    body = body_of(tools=[WEATHER, TIME, PATCH], tool_choice=allowed)

    assert [tool["name"] for tool in body["tools"]] == ["get_time"]
    assert body.get("tool_choice") == sent


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", {"type": "any", "disable_parallel_tool_use": True}),
        ("none", {"type": "none"}),
    ],
)
def test_tools_when_not_to_be_called_in_parallel_then_said_with_the_choice(choice: str, sent: Json) -> None:
    assert body_of(tools=[WEATHER], tool_choice=choice, parallel_tool_calls=False)["tool_choice"] == sent


def test_tools_when_sent_then_each_with_the_schema_of_an_object() -> None:
    body, reading = made(tools=[WEATHER, TIME, PATCH])

    assert body["tools"] == [
        {
            "name": "get_weather",
            "description": WEATHER["description"],
            "input_schema": WEATHER["parameters"],
        },
        {"name": "get_time", "input_schema": {"type": "object", "properties": {}}},
        {
            "name": "patch",
            "description": PATCH["description"],
            "input_schema": {
                "type": "object",
                "properties": {"input": {"type": "string"}},
                "required": ["input"],
            },
        },
    ]
    assert reading.custom_tools == {"patch"}


@pytest.mark.parametrize(
    ("model", "parameters", "strict"), [(NEW, CLOSED, True), (NEW, OPEN, None), (OLD, CLOSED, None)]
)
def test_tool_when_strict_then_so_where_the_model_can_be_held_to_its_schema(
    model: str, parameters: Json, strict: bool | None
) -> None:
    tool = {**WEATHER, "parameters": parameters, "strict": True}

    assert body_of(model, tools=[tool])["tools"][0].get("strict") == strict


def test_tools_when_only_the_conversation_has_them_then_declared_and_not_to_be_called() -> None:
    body = body_of(items=CALLED)

    assert [tool["name"] for tool in body["tools"]] == ["get_weather"]
    assert body["tool_choice"] == {"type": "none"}


def test_form_when_the_model_knows_schemas_then_asked_of_it() -> None:
    body, reading = made(NEW, text=formed(CLOSED), reasoning={"effort": "low"}, tools=[WEATHER])

    assert body["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": CLOSED},
    }
    assert ("tool_choice" in body, reading.answer_tool) == (False, None)


@pytest.mark.parametrize(("model", "schema"), [(OLD, CLOSED), (NEW, OPEN), (NEW, None)])
def test_form_when_the_model_cannot_be_held_to_it_then_the_answer_is_a_call(
    model: str, schema: Json | None
) -> None:
    body, reading = made(model, text=formed(schema))

    assert body["tools"][0]["name"] == reading.answer_tool == ANSWER
    assert body["tools"][0]["input_schema"] == (schema or {"type": "object", "properties": {}})
    assert body["tool_choice"] == {"type": "tool", "name": ANSWER, "disable_parallel_tool_use": True}


def test_form_when_there_are_tools_then_one_of_them_or_the_answer_is_called() -> None:
    named_so = {**TIME, "name": ANSWER}

    body, reading = made(tools=[WEATHER, named_so], text=formed(OPEN))

    assert [tool["name"] for tool in body["tools"]] == ["get_weather", ANSWER, reading.answer_tool]
    assert body["tool_choice"] == {"type": "any"}


def test_form_when_no_tool_may_be_called_then_the_answer_alone() -> None:
    body, reading = made(tools=[WEATHER], tool_choice="none", text=formed(OPEN))

    assert [tool["name"] for tool in body["tools"]] == [reading.answer_tool]


def test_form_when_a_tool_must_be_called_then_the_form_has_to_wait() -> None:
    body, reading = made(tools=[WEATHER], tool_choice="required", text=formed(OPEN))

    assert [tool["name"] for tool in body["tools"]] == ["get_weather"]
    assert reading.answer_tool is None


def test_form_when_the_model_cannot_be_forced_then_by_its_grammar_or_by_asking() -> None:
    held, asked = (
        body_of(UNFORCED, text=formed(OPEN)),
        body_of(UNFORCED, text=formed(None), instructions="A."),
    )

    assert held["output_config"]["format"]["schema"] == OPEN
    assert (asked["system"], "tools" in asked) == (
        "A.\n\nAnswer with one JSON object and nothing else.",
        False,
    )


def test_count_when_asked_for_then_without_what_makes_an_answer() -> None:
    body = counted(body_of(instructions="A.", tools=[WEATHER], temperature=0.1, top_k=3))

    assert sorted(body) == ["messages", "model", "system", "tools"]
