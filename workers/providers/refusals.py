"""An upstream's complete error answer, in our words. PURE.

The row keeps it, so that a blocking create can give its status (DESIGN 7.5). An upstream's text is
shown for the client's own mistakes only, and masked: its 401 bodies quote keys.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from shared.errors import UpstreamError
from shared.telemetry import mask

BODY_LIMIT = 65_536  # bytes of an error answer that are read
_MESSAGE_LIMIT = 1_000
_CLIENTS_FAULT = {400, 404, 413, 422}
_OVERLOADED = {503, 529}
MAX_RETRY_AFTER = 60  # both SDKs obey up to this


NO_SUCH_MODEL = "model_not_found"


def refused(
    status: int, headers: dict[str, str], body: bytes, *, missing: str | None = None
) -> UpstreamError:
    """`headers` with lower-case names. `missing`: the code of a 404 that has none of its own."""
    error = _error_object(body)
    if status in _CLIENTS_FAULT:
        message = mask(_text(error.get("message")) or f"The upstream refused the request with {status}.")
        return _refusal(
            "upstream_refused",
            status,
            message,
            type="invalid_request_error",
            code=_text(error.get("code")) or (missing if status == 404 else None),
            param=_text(error.get("param")),
        )
    if status == 429:
        return _refusal(
            "upstream_rate_limited", 429, "The upstream's rate limit is reached.", type="rate_limit_error",
            code="rate_limit_exceeded", retry_after=_retry_after(headers.get("retry-after")),
        )  # fmt: skip
    if status in (401, 403):
        return _refusal("upstream_auth", 502, "The upstream refused this gateway's credentials.")
    if status in _OVERLOADED:
        return _refusal(
            "upstream_overloaded",
            503,
            "The upstream is overloaded.",
            retry_after=_retry_after(headers.get("retry-after")),
        )
    return _refusal(
        "upstream_error", 502, f"The upstream answered with status {status}.", upstream_status=status
    )


def _refusal(
    reason: str,
    status: int,
    message: str,
    *,
    type: str = "server_error",
    code: str | None = None,
    param: str | None = None,
    retry_after: int | None = None,
    upstream_status: int | None = None,
) -> UpstreamError:
    refusal = {
        "status": status,
        "upstream_status": upstream_status or status,
        "type": type,
        "code": code if status < 500 else reason,
        "param": param,
        "message": message,
        "retry_after": retry_after,
    }
    return UpstreamError(reason, message, code=code or "server_error", refusal=refusal)


def _error_object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(value, dict):
        return {}
    error = value.get("error")
    if isinstance(error, str):  # some servers have words alone
        return {"message": error}
    if isinstance(error, dict):
        return error
    return value if value.get("object") == "error" else {}


def _text(value: object) -> str | None:
    return value[:_MESSAGE_LIMIT] if isinstance(value, str) and value else None


def _retry_after(raw: str | None) -> int | None:
    """Seconds or an HTTP date, clamped to what clients obey; None where it says nothing we understand."""
    if raw is None:
        return None
    try:
        seconds = float(raw)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(raw).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return int(min(max(seconds, 1), MAX_RETRY_AFTER)) if seconds == seconds else None
