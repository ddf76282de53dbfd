"""The typed view of a create request's plain fields. PURE.

`read_fields` checks types and bounds and fills in defaults; it never changes the body, which is
what is kept and forwarded. Unknown fields are not its business. Null means default everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import InvalidRequest, excerpt
from shared.wire import refusals

MAX_INT = 2**31 - 1
MAX_PAIRS, MAX_KEY, MAX_VALUE = 16, 64, 512

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
ShortString = Annotated[str, Field(max_length=64)]


class _View(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Reasoning(_View):
    effort: str | None = None
    summary: str | None = None


class Format(_View):
    type: Literal["text", "json_object", "json_schema"]


class Text(_View):
    format: Format | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class StreamOptions(_View):
    include_obfuscation: bool | None = None


class Prompt(_View):
    id: str
    version: str | None = None
    variables: dict[str, Any] | None = None


class ContextRule(_View):
    type: str
    compact_threshold: Annotated[int, Field(ge=1000)] | None = None


class CreateFields(_View):
    """CONTRACT 2.1 but for model, input, tools, tool_choice, metadata and conversation."""

    instructions: str | None = None
    previous_response_id: str | None = None
    include: Annotated[list[str], Field(fail_fast=True)] | None = None
    parallel_tool_calls: bool | None = None
    max_tool_calls: Annotated[int, Field(ge=1, le=MAX_INT)] | None = None
    max_output_tokens: Annotated[int, Field(ge=16, le=MAX_INT)] | None = None
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] | None = None
    top_p: Fraction | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    text: Text | None = None
    reasoning: Reasoning | None = None
    truncation: Literal["auto", "disabled"] | None = None
    store: bool | None = None
    background: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    service_tier: str | None = None
    safety_identifier: ShortString | None = None
    prompt_cache_key: ShortString | None = None
    prompt_cache_retention: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    user: str | None = None
    prompt: Prompt | None = None
    moderation: dict[str, Any] | None = None
    context_management: Annotated[list[ContextRule], Field(fail_fast=True, min_length=1)] | None = None


_EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "a boolean",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
}


def read_fields(body: dict[str, Any]) -> CreateFields:
    try:
        return CreateFields.model_validate(body)
    except ValidationError as refused:
        first = refused.errors(include_url=False)[0]
        raise _refusal(first["type"], path_of(first["loc"]), first["input"], first.get("ctx", {})) from None


def path_of(parts: Sequence[str | int]) -> str:
    """`("tools", 0, "name")` as callers write it: `tools[0].name`."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _refusal(kind: str, path: str, value: object, limits: dict[str, Any]) -> InvalidRequest:
    if kind == "missing":
        return refusals.missing(path)
    if kind in _EXPECTED:
        return refusals.wrong_type(path, _EXPECTED[kind], value)
    if kind == "literal_error":
        if not isinstance(value, str):
            return refusals.wrong_type(path, "a string", value)
        return refusals.invalid(path, f"'{path}' must be {limits['expected']}, not '{excerpt(value)}'.")
    if kind == "greater_than_equal":
        return refusals.out_of_range(path, limits["ge"], above=False)
    if kind == "less_than_equal":
        return refusals.out_of_range(path, limits["le"], above=True)
    if kind == "string_too_long":
        return refusals.too_long(path, limits["max_length"])
    if kind == "too_short":
        return refusals.empty(path)
    return refusals.invalid(path, f"'{path}' is not valid.")


def check_metadata(metadata: object) -> None:
    """At most 16 pairs of short strings; the parameter named is always `metadata`: keys can be long."""
    if metadata is None:
        return
    if not isinstance(metadata, dict):
        raise refusals.wrong_type("metadata", "an object", metadata)
    if len(metadata) > MAX_PAIRS:
        raise refusals.invalid("metadata", f"'metadata' must have at most {MAX_PAIRS} pairs.")
    for key, value in metadata.items():
        if len(key) > MAX_KEY:
            raise InvalidRequest(
                f"A key of 'metadata' has more than {MAX_KEY} characters: '{excerpt(key)}'.",
                code="string_above_max_length",
                param="metadata",
            )
        if not isinstance(value, str):
            raise InvalidRequest(
                f"The value of '{excerpt(key)}' in 'metadata' must be a string.",
                code="invalid_type",
                param="metadata",
            )
        if len(value) > MAX_VALUE:
            raise InvalidRequest(
                f"The value of '{excerpt(key)}' in 'metadata' has more than {MAX_VALUE} characters.",
                code="string_above_max_length",
                param="metadata",
            )
