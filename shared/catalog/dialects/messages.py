"""What Anthropic's Messages can express of a Responses request. PURE.

Hosted tools and stored prompts live at OpenAI's Responses API alone: they are refused, as is sampling
that these models do not have. What is left out is only what changes no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.catalog.dialects import attachments, hosted
from shared.catalog.dialects.expression import (
    LOGPROBS,
    Dialect,
    Feature,
    asked,
    items_of,
    not_had,
    parts_of,
    unsupported,
    unusable,
)
from shared.errors import excerpt
from shared.wire.input_items import PART_TEXT

IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
TIERS = {"auto": "auto", "default": "standard_only"}  # ours: theirs
_INNER = {
    "text": frozenset({"format", "verbosity"}),
    "reasoning": frozenset({"effort", "summary", "generate_summary"}),
}
_HOTTEST = 1.0
_SAMPLING = {"temperature": 1, "top_p": 1, "top_k": None}  # their defaults
_LEAST_TOP_P = 0.95  # with reasoning


def reasons(body: Mapping[str, Any]) -> bool:
    """Whether reasoning is asked for."""
    reasoning = body.get("reasoning") or {}
    wanted = reasoning.get("effort"), reasoning.get("summary"), reasoning.get("generate_summary")
    return wanted[0] != "none" and any(wish is not None for wish in wanted)


def _check_sampling(body: Mapping[str, Any]) -> None:
    temperature, top_p = body.get("temperature"), body.get("top_p")
    if temperature is not None and temperature > _HOTTEST:
        raise unusable("temperature", "This provider's temperatures end at 1.")
    if not reasons(body):
        return
    if temperature is not None and temperature != _HOTTEST:
        raise unusable("temperature", "This provider's models reason at temperature 1 only.")
    if top_p is not None and top_p < _LEAST_TOP_P:
        raise unusable(
            "top_p", f"This provider's models reason with a 'top_p' of {_LEAST_TOP_P} or more only."
        )


def _check_words(body: Mapping[str, Any]) -> None:
    effort = (body.get("reasoning") or {}).get("effort")
    if effort is not None and effort not in EFFORTS:
        raise not_had("reasoning.effort", effort)
    tier = body.get("service_tier")
    if tier is not None and tier not in TIERS:
        raise not_had("service_tier", tier)
    if LOGPROBS in (body.get("include") or []):
        raise unusable("include", "This provider tells no probabilities.")
    for field, known in _INNER.items():
        for name, value in (body.get(field) or {}).items():
            if name not in known and asked(value):
                raise unsupported(f"{field}.{name}", f"This provider has no '{field}.{excerpt(name)}'.")


def _check_format(body: Mapping[str, Any]) -> None:
    """An answer is an object everywhere there: other roots have no place."""
    form = (body.get("text") or {}).get("format") or {}
    schema = form.get("schema") if form.get("type") == "json_schema" else None
    if isinstance(schema, dict) and schema.get("type", "object") != "object":
        raise unusable("text.format.schema", "This provider takes schemas of objects only.")


def _check_parts(body: Mapping[str, Any]) -> None:
    for path, item in items_of(body):
        for place, part in parts_of(path, item):
            if part["type"] == "input_image":
                _check_image(part, place)
            elif part["type"] == "input_file":
                _check_file(part, place)


def _check_image(part: Mapping[str, Any], path: str) -> None:
    url = part.get("image_url")
    if not isinstance(url, str) or not url:
        raise unsupported(f"{path}.file_id", "This provider takes images by 'image_url' only.")
    inside = attachments.carried(url)
    if inside is not None and inside[0] not in IMAGES:
        raise not_had(f"{path}.image_url", inside[0])


def _check_file(part: Mapping[str, Any], path: str) -> None:
    if part.get("file_url"):
        return
    if not isinstance(part.get("file_data"), str) or not part["file_data"]:
        raise unsupported(f"{path}.file_id", "This provider takes files by 'file_data' or 'file_url' only.")
    kind = attachments.file_type(part)
    if kind != attachments.PDF and not attachments.is_text(kind):
        raise unusable(f"{path}.file_data", "This provider takes PDF and text files only.")


def _reasoning(body: Mapping[str, Any]) -> str | None:
    return "reasoning" if reasons(body) else None


def _sampling(body: Mapping[str, Any]) -> str | None:
    """1 is the default everywhere, and is not sent."""
    for name, usual in _SAMPLING.items():
        if body.get(name) not in (None, usual):
            return name
    return None


MESSAGES = Dialect(
    "messages",
    refused={
        "prompt": "stored prompts are kept at OpenAI, for its Responses API",
        "moderation": "verdicts come from OpenAI's Responses API only",
        "presence_penalty": "its models have no penalties",
        "frequency_penalty": "its models have no penalties",
        "top_logprobs": "its models tell no probabilities",
        "system": "here it is `instructions`",
        "max_tokens": "here it is `max_output_tokens`",
    },
    dropped={
        "metadata": "kept by the gateway, with the response",
        "include": "what it names is there anyway, or belongs to hosted tools; logprobs are refused",
        "max_tool_calls": "it limits hosted tools, which are refused",
        "truncation": "nothing is cut: an input that is too long is refused by the upstream",
        "prompt_cache_key": "caching there is asked for with `cache_control`, which is passed on",
        "prompt_cache_retention": "as `prompt_cache_key`",
        "prompt_cache_options": "as `prompt_cache_key`",
        "text.verbosity": "models there take the length of an answer from their instructions",
        "text.format.name": "a schema has no name there",
        "text.format.strict": "every schema is: the model is held to it, or calls a tool that has it",
        "tools.strict": "where a model cannot be held to the schema, it is followed freely",
        "reasoning.summary": "thinking is always shown, as a summary",
        "reasoning.effort": "where a model with a thinking budget has no room for one, is forced to call a "
        "tool, or goes on with another provider's tool calls; the response then says `none`",
        "input: detail": "images have one resolution there",
        "input: reasoning": "of other makers, or without `encrypted_content`: only its maker can read it",
        **hosted.LEFT_OUT,
    },
    tool_types=hosted.TOOLS,
    item_types=hosted.SAID | hosted.RECORDS,
    part_types=frozenset({*PART_TEXT, "reasoning_text", "input_image", "input_file"}),
    checks=(
        _check_sampling,
        _check_words,
        _check_format,
        _check_parts,
        hosted.check_choice,
        hosted.check_custom_tools,
        hosted.check_shapes,
        hosted.check_compactions,
    ),
    features={
        "images": Feature(parts=frozenset({"input_image"})),
        "files": Feature(parts=frozenset({"input_file"})),
        "tools": Feature(fields=frozenset({"tools"})),
        "tool_choice": Feature(asks=hosted.forced_tool),
        "structured_outputs": Feature(asks=hosted.structure),
        "reasoning": Feature(asks=_reasoning),
        "sampling": Feature(asks=_sampling),
    },
    gone_since={"2026-10-21": frozenset({"sampling"})},
)
