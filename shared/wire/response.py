"""The Response object: its fixed fields, its states over time, its usage and error. PURE.

Every Response has all keys of the strictest reader, in one order, whatever its status; what the
specification does not allow to be null carries the value that is in effect.
"""

from __future__ import annotations

from typing import Any

from shared.wire.request import CreateRequest
from shared.wire.tools import echo_tool

# The closed enum of `response.error.code` (CONTRACT 1.1).
ERROR_CODES = frozenset(
    {
        "server_error",
        "rate_limit_exceeded",
        "invalid_prompt",
        "data_residency_mismatch",
        "bio_policy",
        "vector_store_timeout",
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "image_content_policy_violation",
        "invalid_image_mode",
        "image_file_too_large",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
        "image_file_not_found",
    }
)


def envelope(request: CreateRequest, *, model: str, provider: str) -> dict[str, Any]:
    """The Response as it stands before anything happened; id and created_at are placeholders."""
    fields, body = request.fields, request.body
    conversation = request.conversation_id
    static: dict[str, Any] = {
        "id": "",
        "object": "response",
        "created_at": 0,
        "status": "queued",
        "completed_at": None,
        "background": request.background,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "provider": provider,
        "previous_response_id": request.previous_response_id,
        "conversation": None if conversation is None else {"id": conversation},
        "instructions": fields.instructions,
        "output": [],
        "usage": None,
        **_sampling(request),
        "text": _text(body.get("text")),
        "reasoning": _reasoning(body.get("reasoning")),
        "truncation": fields.truncation or "disabled",
        "service_tier": fields.service_tier or "default",
        "store": request.store,
        "metadata": request.metadata,
        "user": fields.user,
        "safety_identifier": fields.safety_identifier,
        "prompt": body.get("prompt"),
        "prompt_cache_key": fields.prompt_cache_key,
        "prompt_cache_retention": fields.prompt_cache_retention,
    }
    if fields.prompt_cache_options is not None:
        static["prompt_cache_options"] = fields.prompt_cache_options
    if fields.moderation is not None:
        # A Response shows the verdict, which only the upstream has, not what was asked for.
        static["moderation"] = None
    return static


def snapshot(
    envelope: dict[str, Any], *, response_id: str, created_at: float, status: str, **changes: Any
) -> dict[str, Any]:
    """A new Response from an envelope, in the same order; keys new to it stand last."""
    now = {"id": response_id, "created_at": int(created_at), "status": status}
    return {**envelope, **now, **changes}


def with_defaults(upstream_usage: Any) -> dict[str, Any] | None:
    """Usage with every key a client reads, all integers; None where the upstream gave no object."""
    if not isinstance(upstream_usage, dict):
        return None
    spent, made = _count(upstream_usage.get("input_tokens")), _count(upstream_usage.get("output_tokens"))
    total = upstream_usage.get("total_tokens")
    return {
        "input_tokens": spent,
        "input_tokens_details": _details(
            upstream_usage.get("input_tokens_details"), "cached_tokens", "cache_write_tokens"
        ),
        "output_tokens": made,
        "output_tokens_details": _details(upstream_usage.get("output_tokens_details"), "reasoning_tokens"),
        "total_tokens": spent + made if total is None else _count(total),
    }


def error_object(code: str | None, message: str) -> dict[str, Any]:
    return {"code": code if code in ERROR_CODES else "server_error", "message": message}


def _sampling(request: CreateRequest) -> dict[str, Any]:
    """The tools and the numbers of a generation, as far as they are known before it."""
    fields, body = request.fields, request.body
    return {
        "tools": [echo_tool(tool) for tool in body.get("tools") or []],
        "tool_choice": body.get("tool_choice") or "auto",
        "parallel_tool_calls": fields.parallel_tool_calls is not False,
        "max_tool_calls": fields.max_tool_calls,
        "max_output_tokens": fields.max_output_tokens,
        "temperature": 1.0 if fields.temperature is None else fields.temperature,
        "top_p": 1.0 if fields.top_p is None else fields.top_p,
        "presence_penalty": fields.presence_penalty or 0.0,
        "frequency_penalty": fields.frequency_penalty or 0.0,
        "top_logprobs": fields.top_logprobs or 0,
    }


def _text(text: dict[str, Any] | None) -> dict[str, Any]:
    given = {key: value for key, value in (text or {}).items() if value is not None}
    shown: dict[str, Any] = {**given, "format": given.get("format") or {"type": "text"}}
    if shown["format"].get("type") == "json_schema":
        shown["format"] = {"description": None, **shown["format"]}
        if shown["format"].get("strict") is None:
            shown["format"]["strict"] = False
    return shown


def _reasoning(reasoning: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if reasoning is None else {"effort": None, "summary": None, **reasoning}


def _details(given: Any, *names: str) -> dict[str, int]:
    """The counts every client expects, and whatever other counts the upstream added."""
    counts = given if isinstance(given, dict) else {}
    others = {key: value for key, value in counts.items() if key not in names and type(value) is int}
    return {**{name: _count(counts.get(name)) for name in names}, **others}


def _count(value: Any) -> int:
    """A token count as it should have been sent."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    # Infinity and NaN cannot be counts, and cannot be made integers.
    return max(int(value), 0) if abs(value) < 2**63 else 0
