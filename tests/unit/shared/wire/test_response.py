"""The Response object: complete at every status, with the values in effect."""

from __future__ import annotations

from typing import Any

import pytest

from shared.wire.response import envelope, error_object, snapshot, with_defaults
from tests.unit.shared.wire.builders import parsed

# CONTRACT 2.3
REQUIRED = {
    "id",
    "object",
    "created_at",
    "completed_at",
    "status",
    "incomplete_details",
    "model",
    "previous_response_id",
    "instructions",
    "output",
    "error",
    "tools",
    "tool_choice",
    "truncation",
    "parallel_tool_calls",
    "text",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "top_logprobs",
    "temperature",
    "reasoning",
    "usage",
    "max_output_tokens",
    "max_tool_calls",
    "store",
    "background",
    "service_tier",
    "metadata",
    "safety_identifier",
    "prompt_cache_key",
}
NULLABLE = {
    "completed_at",
    "incomplete_details",
    "previous_response_id",
    "instructions",
    "error",
    "reasoning",
    "usage",
    "max_output_tokens",
    "max_tool_calls",
    "safety_identifier",
    "prompt_cache_key",
}
ALSO = {"provider", "user", "conversation", "prompt", "prompt_cache_retention"}


def shown(**changes: Any) -> dict[str, Any]:
    return envelope(parsed(**changes), model="gpt-x", provider="openai")


@pytest.mark.parametrize("given", [{}, dict.fromkeys(REQUIRED - {"model"})])
def test_an_envelope_has_every_required_key_and_no_null_where_none_is_allowed(given: dict[str, Any]) -> None:
    response = shown(**given)

    assert set(response) == REQUIRED | ALSO
    assert {name for name in REQUIRED if response[name] is None} == NULLABLE


def test_an_envelope_without_wishes_shows_the_defaults_in_effect() -> None:
    response = shown()

    expected = {
        "object": "response",
        "status": "queued",
        "model": "gpt-x",
        "provider": "openai",
        "temperature": 1.0,
        "top_p": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "top_logprobs": 0,
        "text": {"format": {"type": "text"}},
        "tools": [],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "truncation": "disabled",
        "service_tier": "default",
        "store": True,
        "background": False,
        "metadata": {},
        "output": [],
    }
    assert {name: response[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0.0),
        ("top_p", 0.0),
        ("presence_penalty", -1.5),
        ("top_logprobs", 5),
        ("parallel_tool_calls", False),
        ("store", False),
        ("background", True),
        ("truncation", "auto"),
        ("service_tier", "flex"),
        ("instructions", "be kind"),
        ("metadata", {"a": "b"}),
        ("max_output_tokens", 16),
        ("max_tool_calls", 3),
        ("previous_response_id", "resp_1"),
        ("user", "u"),
        ("safety_identifier", "s"),
        ("prompt_cache_key", "k"),
        ("prompt_cache_retention", "24h"),
        ("prompt_cache_options", {"ttl": "30m"}),
        ("prompt", {"id": "p", "variables": {"x": 1}}),
        ("tool_choice", "none"),
    ],
)
def test_an_envelope_echoes_what_was_asked(name: str, value: Any) -> None:
    assert shown(**{name: value})[name] == value


@pytest.mark.parametrize("conversation", ["conv_1", {"id": "conv_1"}])
def test_an_envelope_shows_a_conversation_as_an_object(conversation: Any) -> None:
    assert shown(conversation=conversation)["conversation"] == {"id": "conv_1"}


def test_an_envelope_shows_reasoning_with_both_keys() -> None:
    assert shown(reasoning={"effort": "low"})["reasoning"] == {"effort": "low", "summary": None}


def test_an_envelope_shows_text_with_a_format_always() -> None:
    assert shown(text={"verbosity": "low", "format": None})["text"] == {
        "verbosity": "low",
        "format": {"type": "text"},
    }


def test_an_envelope_shows_a_schema_format_whole() -> None:
    text = {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}}

    assert shown(text=text)["text"]["format"] == {**text["format"], "description": None}


def test_an_envelope_shows_tools_flat_and_others_whole() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}, {"type": "web_search", "x": 1}]

    assert shown(tools=tools)["tools"] == [
        {"type": "function", "name": "f", "description": None, "parameters": None, "strict": None},
        {"type": "web_search", "x": 1},
    ]


def test_a_snapshot_keeps_the_order_and_applies_the_changes() -> None:
    before = shown()

    now = snapshot(before, response_id="resp_1", created_at=12.9, status="completed", output=[1], extra=2)

    assert list(now) == [*before, "extra"]
    assert (now["id"], now["created_at"], now["status"], now["output"], now["extra"]) == (
        "resp_1",
        12,
        "completed",
        [1],
        2,
    )
    assert (before["id"], before["output"]) == ("", [])


FULL = {
    "input_tokens": 5,
    "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 2},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 12,
}
ZERO = {
    "input_tokens": 0,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 0,
}


@pytest.mark.parametrize(
    ("upstream", "usage"),
    [
        (None, None),
        ("many", None),
        (FULL, FULL),
        ({}, ZERO),
        ({"input_tokens": True, "output_tokens": "3", "total_tokens": -1}, ZERO),
        ({"input_tokens": float("inf"), "output_tokens": float("nan")}, ZERO),
        (
            {"input_tokens": 2.0, "output_tokens": 3, "input_tokens_details": None},
            {**ZERO, "input_tokens": 2, "output_tokens": 3, "total_tokens": 5},
        ),
        (
            {**FULL, "output_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 1, "note": "x"}},
            {**FULL, "output_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 1}},
        ),
    ],
)
def test_usage_of_any_upstream_has_every_count(upstream: Any, usage: dict[str, Any] | None) -> None:
    assert with_defaults(upstream) == usage


@pytest.mark.parametrize(
    ("code", "shown_code"),
    [("rate_limit_exceeded", "rate_limit_exceeded"), ("timeout", "server_error"), (None, "server_error")],
)
def test_an_error_object_has_a_code_of_the_closed_enum(code: str | None, shown_code: str) -> None:
    assert error_object(code, "why") == {"code": shown_code, "message": "why"}
