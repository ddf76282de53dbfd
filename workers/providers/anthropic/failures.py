"""Errors that come after a 200, by their type. PURE.

One that comes before anything was said is a complete refusal, as if its status had said so; a later one
ends the generation.
"""

from __future__ import annotations

from typing import Any

import orjson

from shared.errors import UpstreamError
from workers.providers import refusals

STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


def failure(event: dict[str, Any], *, begun: bool) -> UpstreamError:
    """`begun`: whether the model had begun to answer."""
    error = event.get("error")
    kind = error.get("type") if isinstance(error, dict) else None
    status = STATUSES.get(kind if isinstance(kind, str) else "", 500)
    refused = refusals.refused(status, {}, orjson.dumps({"error": error}))
    if not begun:
        return refused
    # there was no status; its words are shown where a status' words would be
    told = f"The upstream broke off with {kind if kind in STATUSES else 'an error'}."
    message = told if refused.reason == "upstream_error" else refused.message
    return UpstreamError(refused.reason, message, code=refused.code)
