"""How a chat answer ended: its status, its usage, its error. By structure, never by message text. PURE."""

from __future__ import annotations

from typing import Any

import orjson

from shared.errors import UpstreamError
from workers.providers import refusals

# finish reasons that are no end of the model's own; every other one is, whatever it is called
_INCOMPLETE = {
    "length": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "model_length": "max_output_tokens",
    "content_filter": "content_filter",
}
_BROKEN = frozenset({"error", "abort", "insufficient_system_resource"})
_NO_REASON = frozenset({"", "null"})

_STATUSES = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "insufficient_quota": 429,
    "requests": 429,
    "tokens": 429,
    "overloaded": 503,
    "overloaded_error": 503,
    "engine_overloaded_error": 503,
    "service_unavailable": 503,
    "service_unavailable_error": 503,
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "exceed_context_size_error": 400,
    "validation": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
}
# refusals to generate: whole answers, though they came in a stream
_REFUSALS = frozenset({400, 404, 413, 422, 429, 503, 529})


def finish_reason(choice: dict[str, Any]) -> str | None:
    reason = choice.get("finish_reason")
    return reason if isinstance(reason, str) and reason not in _NO_REASON else None


def terminal(reason: str | None) -> dict[str, Any]:
    """The status of the response that ended so, and why it is not complete. Raises UpstreamError."""
    if reason in _BROKEN:
        raise UpstreamError("upstream_error", "The upstream broke off its answer.")
    why = _INCOMPLETE.get(reason or "")
    if why is None:
        return {"status": "completed"}
    return {"status": "incomplete", "incomplete_details": {"reason": why}}


def usage(given: dict[str, Any]) -> dict[str, Any]:
    """Token counts under the names of a Response; what is no number is corrected where it is read."""
    spent = _mapping(given.get("prompt_tokens_details"))
    # two servers count their cache outside the details
    cached = given.get("prompt_cache_hit_tokens", given.get("cached_tokens"))
    if cached is not None:
        spent = {"cached_tokens": cached, **spent}
    return {
        "input_tokens": given.get("prompt_tokens"),
        "input_tokens_details": spent,
        "output_tokens": given.get("completion_tokens"),
        "output_tokens_details": _mapping(given.get("completion_tokens_details")),
        "total_tokens": given.get("total_tokens"),
    }


def usage_in(chunk: dict[str, Any], choices: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Where servers put it: beside the choices, within one, or in a box of their own."""
    boxes = [chunk, _mapping(chunk.get("x_groq")), *choices]
    return next((box["usage"] for box in boxes if isinstance(box.get("usage"), dict) and box["usage"]), None)


def error_in(chunk: dict[str, Any], event: str | None) -> dict[str, Any] | None:
    """The error object of a chunk, in the shapes that are in use. `event`: the name it came under."""
    choices = chunk.get("choices")
    boxes = [chunk, *(choices if isinstance(choices, list) else [])]
    for box in boxes:
        error = box.get("error") if isinstance(box, dict) else None
        if isinstance(error, dict) and error:
            return error
        if isinstance(error, str) and error:
            return {"message": error, "type": chunk.get("error_type")}
    if chunk.get("object") == "error" or (event == "error" and not choices):
        return chunk
    return None


def failure(error: dict[str, Any], *, begun: bool) -> UpstreamError:
    """`begun`: something was generated, so that this is no refusal any more."""
    status = _status(error)
    said = refusals.refused(status, {}, orjson.dumps({"error": error}))
    if status in _REFUSALS and not begun:
        return said
    if status == 500:
        return UpstreamError("upstream_error", "The upstream reported an error within its answer.")
    return UpstreamError(said.reason, said.message, code=said.code)


def _status(error: dict[str, Any]) -> int:
    code = error.get("code")
    if isinstance(code, str) and code.isascii() and code.isdigit():
        code = int(code[:4])
    if isinstance(code, int) and 400 <= code < 600:
        return code
    for name in (code, error.get("type")):
        if isinstance(name, str) and name.lower() in _STATUSES:
            return _STATUSES[name.lower()]
    return 500


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
