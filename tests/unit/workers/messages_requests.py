"""Requests of Anthropic's Messages, made of Responses requests for models of each kind."""

from __future__ import annotations

from typing import Any

from tests.unit.workers.messages_calls import generation
from workers.providers.anthropic.request import Reading, request

Json = dict[str, Any]

OLD, NEW, UNFORCED = "claude-sonnet-4-20250514", "claude-opus-4-8", "claude-opus-5-5"
CLOSED: Json = {
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/A"}},
    "required": ["a"],
    "additionalProperties": False,
    "$defs": {"A": {"type": ["string", "null"], "enum": ["x", None]}},
}
OPEN = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
TIME = {"type": "function", "name": "get_time", "parameters": None}
PATCH = {"type": "custom", "name": "patch", "description": "Applies a patch."}
CALLED = [
    {"role": "user", "content": "go"},
    {"type": "function_call", "call_id": "c", "name": "get_weather", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c", "output": "sunny"},
]


def made(model: str = OLD, items: Any = "hi", **body: Any) -> tuple[Json, Reading]:
    return request(generation(model, items, **body), default_limit=4096, streaming=True)


def body_of(model: str = OLD, items: Any = "hi", **body: Any) -> Json:
    return made(model, items, **body)[0]


def formed(schema: Json | None) -> Json:
    if schema is None:
        return {"format": {"type": "json_object"}}
    return {"format": {"type": "json_schema", "name": "n", "schema": schema}}
