"""How much a model is to think, and what its name says of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.workers.messages_calls import WEATHER
from tests.unit.workers.messages_requests import (
    CALLED,
    CLOSED,
    NEW,
    OPEN,
    Json,
    body_of,
    formed,
    made,
)
from workers.providers.anthropic import seals
from workers.providers.anthropic.closed_schemas import is_closed
from workers.providers.anthropic.models import Traits, traits


@pytest.mark.parametrize(
    ("reasoning", "limit", "thinking", "max_tokens"),
    [
        ({"effort": "low"}, None, {"type": "enabled", "budget_tokens": 2048}, 6144),
        ({"effort": "high"}, 10_000, {"type": "enabled", "budget_tokens": 5000}, 10_000),
        ({"summary": "auto"}, None, {"type": "enabled", "budget_tokens": 8192}, 12_288),
        ({"effort": "none"}, None, None, 4096),
        ({"effort": None}, None, None, 4096),
        (None, 500, None, 500),
    ],
)
def test_reasoning_when_the_model_has_a_budget_then_below_the_limit(
    reasoning: Json | None, limit: int | None, thinking: Json | None, max_tokens: int
) -> None:
    body, reading = made(reasoning=reasoning, max_output_tokens=limit)

    assert (body.get("thinking"), body["max_tokens"], reading.unthought) == (thinking, max_tokens, False)


@pytest.mark.parametrize(
    ("reasoning", "thinking", "effort"),
    [
        ({"effort": "minimal"}, {"type": "adaptive", "display": "summarized"}, "low"),
        ({"effort": "xhigh"}, {"type": "adaptive", "display": "summarized"}, "xhigh"),
        ({"summary": "auto"}, {"type": "adaptive", "display": "summarized"}, None),
        ({"effort": "none"}, {"type": "disabled"}, None),
        (None, None, None),
    ],
)
def test_reasoning_when_the_model_has_efforts_then_one_of_them(
    reasoning: Json | None, thinking: Json | None, effort: str | None
) -> None:
    body = body_of(NEW, reasoning=reasoning, max_output_tokens=500, tools=[WEATHER], tool_choice="required")

    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort
    assert body["max_tokens"] == 500


@pytest.mark.parametrize(
    ("items", "more"),
    [
        ("hi", {"max_output_tokens": 2047}),
        ("hi", {"tools": [WEATHER], "tool_choice": "required"}),
        ("hi", {"text": formed(OPEN)}),
        (CALLED, {"tools": [WEATHER]}),
    ],
)
def test_reasoning_when_a_budget_has_no_place_then_left_out_and_said_so(items: Any, more: Json) -> None:
    body, reading = made(items=items, reasoning={"effort": "high"}, **more)

    assert ("thinking" in body, reading.unthought) == (False, True)


def test_reasoning_when_the_request_has_its_own_thinking_then_that() -> None:
    own = {"type": "enabled", "budget_tokens": 3000}

    assert body_of(thinking=own, reasoning={"effort": "low"})["thinking"] == own


def test_reasoning_when_the_turn_began_with_thinking_then_it_goes_on() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    sealed: Json = {"type": "reasoning", "summary": [], "encrypted_content": seals.sealed(thought)}

    body = body_of(items=[CALLED[0], sealed, *CALLED[1:]], tools=[WEATHER], reasoning={"effort": "low"})

    assert body["thinking"]["type"] == "enabled"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-3-7-sonnet-20250219", Traits()),
        ("claude-sonnet-4-20250514", Traits()),
        ("claude-haiku-4-5-20251001", Traits(structured=True)),
        ("anthropic/claude-sonnet-4.6", Traits(adaptive=True, structured=True)),
        ("us.anthropic.claude-opus-4-8-v1:0", Traits(adaptive=True, structured=True)),
        ("claude-sonnet-5", Traits(adaptive=True, structured=True)),
        ("claude-mythos-preview", Traits(adaptive=True, structured=True)),
        ("claude-fable-5-1", Traits(adaptive=True, structured=True, forceable=False)),
        ("claude-opus-5-5", Traits(adaptive=True, structured=True, forceable=False)),
        ("minimax-m2", Traits()),
    ],
)
def test_model_when_named_then_what_it_takes(model: str, expected: Traits) -> None:
    assert traits(model) == expected


@pytest.mark.parametrize(
    ("schema", "closed"),
    [
        (CLOSED, True),
        (OPEN, False),
        ({"type": "object", "properties": {}}, False),
        ({"type": "array", "items": CLOSED["$defs"]["A"]}, True),
        ({"anyOf": [CLOSED["$defs"]["A"], {"type": "integer", "maximum": 3}]}, False),
        ({"type": "string", "format": "date"}, True),
        ({"type": "string", "format": "phone"}, False),
        ({"$ref": "#/$defs/T", "$defs": {"T": {"type": "array", "items": {"$ref": "#/$defs/T"}}}}, False),
        ({"$ref": "elsewhere"}, False),
    ],
)
def test_schema_when_looked_at_then_whether_a_model_can_be_held_to_it(schema: Json, closed: bool) -> None:
    assert is_closed(schema) is closed
