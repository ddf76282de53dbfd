"""What Chat Completions can express of a Responses request. PURE.

Hosted tools and stored prompts live at OpenAI's Responses API alone: they are refused. Items that a
hosted tool left in a history are left out of it: their findings stand in the answers that followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.catalog.dialects import hosted
from shared.catalog.dialects.expression import (
    LOGPROBS,
    Dialect,
    Feature,
    asked,
    items_of,
    not_had,
    parts_of,
    unsupported,
)
from shared.errors import excerpt
from shared.wire.input_items import PART_TEXT, item_type

# a server without them is sent no `stream_options`: the one feature that no request asks for
STREAM_USAGE = "stream_usage"


def _check_parts(body: Mapping[str, Any]) -> None:
    for path, item in items_of(body):
        texts_only = item_type(item) == "message" and item.get("role") in ("system", "developer")
        for place, part in parts_of(path, item):
            if texts_only and part["type"] not in PART_TEXT:
                raise not_had(f"{place}.type", part["type"])
            if part["type"] == "input_image" and not part.get("image_url"):
                raise unsupported(f"{place}.file_id", "This provider takes images by 'image_url' only.")
            if part["type"] == "input_file" and part.get("file_url"):
                raise unsupported(f"{place}.file_url", "This provider takes no file by its 'file_url'.")


def _check_text(body: Mapping[str, Any]) -> None:
    for name, value in (body.get("text") or {}).items():
        if name not in ("format", "verbosity") and asked(value):
            raise unsupported(f"text.{name}", f"'text.{excerpt(name)}' cannot be had from this provider.")


def _check_answers(body: Mapping[str, Any]) -> None:
    """Fields of Chat Completions itself whose answers have no place in a Response, and would be lost."""
    several = body.get("n")
    if several is not None and several != 1:
        raise unsupported("n", "A Response has one answer: 'n' must be 1.")
    modalities = body.get("modalities")
    if modalities is not None and modalities != ["text"]:
        raise unsupported("modalities", "Answers other than text cannot be had from this provider.")


def _effort(body: Mapping[str, Any]) -> str | None:
    return "reasoning.effort" if asked((body.get("reasoning") or {}).get("effort")) else None


def _verbosity(body: Mapping[str, Any]) -> str | None:
    return "text.verbosity" if asked((body.get("text") or {}).get("verbosity")) else None


def _logprobs(body: Mapping[str, Any]) -> str | None:
    if body.get("top_logprobs"):
        return "top_logprobs"
    return "include" if LOGPROBS in (body.get("include") or []) else None


CHAT_COMPLETIONS = Dialect(
    "chat_completions",
    refused={
        "prompt": "stored prompts are kept at OpenAI, for its Responses API",
        "moderation": "verdicts come from OpenAI's Responses API only",
        "audio": "a Response has no place for spoken answers",
    },
    dropped={
        "metadata": "kept by the gateway, with the response",
        "include": "what it names is there anyway, or belongs to hosted tools; logprobs are asked for",
        "max_tool_calls": "it limits hosted tools, which are refused",
        "truncation": "nothing is cut: an input that is too long is refused by the server",
        "reasoning.summary": "there are no summaries: reasoning comes as its own text",
        "parallel_tool_calls": "only where no tools are given: it means nothing then",
        "input: reasoning": "most servers refuse it; `reasoning_field` names the field of one that wants it",
        **hosted.LEFT_OUT,
    },
    tool_types=hosted.TOOLS,
    item_types=hosted.SAID | hosted.RECORDS,
    part_types=frozenset({*PART_TEXT, "reasoning_text", "input_image", "input_file", "input_audio"}),
    checks=(
        hosted.check_choice,
        hosted.check_custom_tools,
        hosted.check_shapes,
        _check_parts,
        hosted.check_compactions,
        _check_text,
        _check_answers,
    ),
    features={
        "images": Feature(parts=frozenset({"input_image"})),
        "files": Feature(parts=frozenset({"input_file"})),
        "audio": Feature(parts=frozenset({"input_audio"})),
        "tools": Feature(fields=frozenset({"tools"})),
        "tool_choice": Feature(asks=hosted.forced_tool),
        "structured_outputs": Feature(asks=hosted.structure),
        "reasoning_effort": Feature(asks=_effort),
        "verbosity": Feature(asks=_verbosity),
        "logprobs": Feature(asks=_logprobs),
        STREAM_USAGE: Feature(),
    },
)
