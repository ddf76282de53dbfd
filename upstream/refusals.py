"""Complete error answers, in the envelope of the official API or in that of the Messages API.

A `Refusal` is raised by whatever reads a request and turned into an HTTP answer in one place.
"""

from __future__ import annotations

import os
from typing import Any

from upstream.http_server import Request

_BY_STATUS = {
    400: ("invalid_request_error", None, "The request was refused."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", None, "This key may not use this model."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist."),
    413: ("invalid_request_error", "request_too_large", "The request is too large."),
    422: ("invalid_request_error", None, "The request cannot be processed."),
    429: ("rate_limit_error", "rate_limit_exceeded", "Rate limit reached for requests."),
    503: ("service_unavailable_error", "server_is_overloaded", "The server is overloaded."),
    529: ("service_unavailable_error", "server_is_overloaded", "The server is overloaded."),
}


_MESSAGES_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class Refusal(Exception):
    """An HTTP error answer: nothing was generated."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str = "invalid_request_error",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body: dict[str, Any] = {
            "error": {"message": message, "type": type, "param": param, "code": code}
        }


def speaks_messages(request: Request) -> bool:
    path = request.path.removeprefix("/v1")
    return path.startswith("/messages") or "anthropic-version" in request.headers


def messages_error(status: int, message: str) -> dict[str, Any]:
    """The Messages envelope: only the type tells what happened."""
    default = "invalid_request_error" if status < 500 else "api_error"
    error = {"type": _MESSAGES_TYPES.get(status, default), "message": message}
    return {"type": "error", "error": error, "request_id": "req_" + os.urandom(12).hex()}


def ordered(status: int, retry_after: str = "") -> Refusal:
    """The refusal a fault asks for, with the words the official API uses for that status."""
    default = ("server_error", None, "The server had an error while processing your request.")
    kind, code, message = _BY_STATUS.get(status, default)
    headers = {"retry-after": retry_after} if retry_after else {}
    return Refusal(status, message, code=code, type=kind, headers=headers)


def parameter_missing(name: str) -> Refusal:
    message = f"Missing required parameter: '{name}'."
    return Refusal(400, message, code="missing_required_parameter", param=name)


def wrong_type(name: str) -> Refusal:
    return Refusal(400, f"Invalid type for '{name}'.", code="invalid_type", param=name)


def response_missing(response_id: str) -> Refusal:
    return Refusal(404, f"Response with id '{response_id}' not found.")
