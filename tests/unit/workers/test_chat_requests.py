"""A generation as a Chat Completions request: its tools, and fields under their names there."""

from __future__ import annotations

from typing import Any

import pytest

from shared.catalog import Provider
from shared.catalog.dialects import DIALECTS
from workers.providers import Generation
from workers.providers.chat.request import NOT_PASSED_ON, chat_request, limit_field

Item = dict[str, Any]
FUNCTION = {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": True}
OTHER = {"type": "function", "name": "other", "parameters": None}


def body_of(body: Item, items: list[Item] | str = "hi", **account: Any) -> Item:
    provider = Provider(name="chat", dialect="chat_completions", base_url="http://host/v1", **account)
    return chat_request(Generation("resp_1", 1, "m", body, items), provider)


def test_request_when_streamed_then_with_usage_and_nothing_of_ours() -> None:
    body = {"input": "hi", "store": True, "background": True, "metadata": {"a": "b"}, "truncation": "auto",
            "include": ["reasoning.encrypted_content"], "max_tool_calls": 1, "user": None}  # fmt: skip

    assert body_of(body) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_request_when_the_server_does_not_stream_then_no_stream_options() -> None:
    made = body_of({}, streaming=False)

    assert made["stream"] is False
    assert "stream_options" not in made


def test_request_when_the_server_lacks_stream_usage_then_not_asked_for() -> None:
    assert "stream_options" not in body_of({}, lacks=frozenset({"stream_usage"}))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"max_output_tokens": 99}, {"max_tokens": 99}),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, {"reasoning_effort": "low"}),
        ({"reasoning": {"max_tokens": 5}}, {"reasoning": {"max_tokens": 5}}),
        ({"text": {"format": {"type": "text"}, "verbosity": "low"}}, {"verbosity": "low"}),
        ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
        (
            {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "n",
                        "schema": {"type": "object"},
                        "strict": True,
                    }
                }
            },
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
                }
            },
        ),
        ({"top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
        ({"include": ["message.output_text.logprobs"]}, {"logprobs": True}),
        ({"temperature": 0.5, "top_k": 3, "seed": 1}, {"temperature": 0.5, "top_k": 3, "seed": 1}),
        (
            {"prompt_cache_key": "k", "service_tier": "flex"},
            {"prompt_cache_key": "k", "service_tier": "flex"},
        ),
        ({"parallel_tool_calls": False, "tool_choice": "auto", "tools": []}, {}),
    ],
)
def test_request_when_a_field_has_another_name_there_then_under_that(asked: Item, expected: Item) -> None:
    fixed = {"model", "messages", "stream", "stream_options"}

    assert {key: value for key, value in body_of(asked).items() if key not in fixed} == expected


def test_request_when_a_field_is_not_passed_on_then_said_otherwise_or_with_a_reason() -> None:
    said_otherwise = {
        *("background", "context_management", "conversation", "input", "instructions", "max_output_tokens"),
        *("model", "previous_response_id", "reasoning", "store", "stream", "stream_options", "text"),
        *("tool_choice", "tools", "top_logprobs"),
    }
    dialect = DIALECTS["chat_completions"]

    assert NOT_PASSED_ON - said_otherwise <= dialect.refused.keys() | dialect.dropped.keys()


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ({"base_url": "http://localhost:8000/v1"}, "max_tokens"),
        ({"base_url": "https://api.openai.com/v1"}, "max_completion_tokens"),
        ({"base_url": "https://mine.openai.azure.com/openai/deployments/d"}, "max_completion_tokens"),
        ({"base_url": "https://x/v1", "max_tokens_field": "max_completion_tokens"}, "max_completion_tokens"),
        ({"base_url": "https://api.openai.com/v1", "max_tokens_field": "max_tokens"}, "max_tokens"),
    ],
)
def test_limit_when_the_server_is_known_then_under_its_name(account: Item, expected: str) -> None:
    assert limit_field(Provider(dialect="chat_completions", **account)) == expected


# tools


def test_tools_when_offered_then_nested_with_parameters_always() -> None:
    made = body_of({"tools": [FUNCTION, OTHER], "parallel_tool_calls": False})

    assert made["tools"] == [
        {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}, "strict": True}},
        {
            "type": "function",
            "function": {"name": "other", "parameters": {"type": "object", "properties": {}}},
        },
    ]
    assert made["parallel_tool_calls"] is False


def test_tools_when_custom_then_a_function_of_one_text() -> None:
    made = body_of({"tools": [{"type": "custom", "name": "c", "description": "d"}]})

    function = made["tools"][0]["function"]
    assert (function["name"], function["description"]) == ("c", "d")
    assert function["parameters"]["required"] == ["input"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("none", "none"),
        ("auto", "auto"),
        ("required", "required"),
        ({"type": "function", "name": "look"}, {"type": "function", "function": {"name": "look"}}),
        ({"type": "custom", "name": "look"}, {"type": "function", "function": {"name": "look"}}),
    ],
)
def test_choice_when_made_then_in_its_form_there(choice: Any, expected: Any) -> None:
    assert body_of({"tools": [FUNCTION], "tool_choice": choice})["tool_choice"] == expected


def test_choice_when_among_some_tools_then_only_those_are_offered() -> None:
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "other"}]}

    made = body_of({"tools": [FUNCTION, OTHER], "tool_choice": allowed})

    assert [t["function"]["name"] for t in made["tools"]] == ["other"]
    assert made["tool_choice"] == "required"


def test_choice_when_none_and_the_server_knows_no_choice_then_no_tools_are_offered() -> None:
    made = body_of({"tools": [FUNCTION], "tool_choice": "none"}, lacks=frozenset({"tool_choice"}))

    assert not {"tools", "tool_choice"} & made.keys()
