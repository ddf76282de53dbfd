"""Every error Respool raises on purpose, in one tree.

    RespoolError
    ├── ClientError               the caller's fault or concern: has an HTTP status and an envelope
    │   ├── InvalidRequest        400, names the parameter
    │   ├── Unauthorized          401
    │   ├── NotFound              404
    │   ├── MethodNotAllowed      405
    │   ├── RequestTimeout        408
    │   ├── Gone                  410
    │   ├── PayloadTooLarge       413
    │   ├── UnsupportedMedia      415
    │   ├── RateLimited           429, with Retry-After
    │   ├── Unprocessable         422, an idempotency key used for something else
    │   ├── Unavailable           503, with Retry-After
    │   └── GenerationRefused     the upstream refused cleanly; its status in our envelope
    ├── ConfigurationError        the operator's fault: said at start, with what to do
    ├── StoreUnavailable          SQL did not answer, or is locked: nothing was decided
    ├── LogUnavailable            Redis did not answer: the row still holds the truth
    ├── AlreadyAccepted           the idempotency key has its response: attach to that one
    ├── LeaseLost                 another hand owns the response now: stop, write nothing
    └── UpstreamError             a generation that cannot go on (workers only)

The envelope is CONTRACT 1.1: {"error": {"message", "type", "param", "code"}}.
"""

from __future__ import annotations

from typing import Any

ECHO_LIMIT = 200  # characters of a client's own input an error may repeat


class RespoolError(Exception):
    """Root of the tree."""


class ConfigurationError(RespoolError):
    """Settings or files of the operator cannot work; the message says what to do."""


class StoreUnavailable(RespoolError):
    """SQL did not answer or stayed locked. After a failed COMMIT the outcome is unknown: re-read."""


class LogUnavailable(RespoolError):
    """Redis did not answer. Correctness never depends on it."""


class AlreadyAccepted(RespoolError):
    """This request was accepted before, under the same idempotency key."""

    def __init__(self, response_id: str) -> None:
        super().__init__(response_id)
        self.response_id = response_id


class LeaseLost(RespoolError):
    """A write carried an attempt number that is no longer the row's."""


class ClientError(RespoolError):
    """An answer to the caller: `status` is HTTP, the rest is the envelope."""

    status = 400
    type = "invalid_request_error"
    code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.param = param
        self.retry_after = retry_after

    def envelope(self) -> dict[str, Any]:
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }


class InvalidRequest(ClientError):
    """400."""


class Unauthorized(ClientError):
    status = 401
    code = "invalid_api_key"


class NotFound(ClientError):
    status = 404


class MethodNotAllowed(ClientError):
    status = 405
    code = "method_not_allowed"


class RequestTimeout(ClientError):
    status = 408
    code = "request_timeout"


class Gone(ClientError):
    status = 410


class PayloadTooLarge(ClientError):
    status = 413
    code = "request_too_large"


class UnsupportedMedia(ClientError):
    status = 415
    code = "unsupported_media_type"


class RateLimited(ClientError):
    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class Unprocessable(ClientError):
    status = 422


class Unavailable(ClientError):
    status = 503
    type = "server_error"
    code = "service_unavailable"


class GenerationRefused(ClientError):
    """The upstream answered the generation with a complete error (DESIGN 7.5)."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        type: str,
        code: str | None,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message, code=code, param=param, retry_after=retry_after)
        self.status = status
        self.type = type


class UpstreamError(RespoolError):
    """A generation that cannot go on.

    `reason` is our fine word (kept in the row, opens the message); `code` is one of
    `response.error.code`'s closed enum (CONTRACT 1.1); `refusal` is set when the upstream
    gave a complete error answer, so that nothing was generated (DESIGN 7.5).
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        code: str = "server_error",
        refusal: dict[str, Any] | None = None,
        unbilled: bool = False,
    ) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.code = code
        self.refusal = refusal
        self.unbilled = unbilled


def excerpt(value: object) -> str:
    """A client's own value, short and printable enough to repeat to it."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))
    return text if len(text) <= ECHO_LIMIT else text[: ECHO_LIMIT - 1] + "…"


def response_not_found(response_id: str) -> NotFound:
    """Unknown, foreign, deleted and wiped ids answer with these same bytes (but for the id)."""
    return NotFound(f"Response with id '{excerpt(response_id)}' not found.", code="response_not_found")


def conversation_not_found(conversation_id: str, *, param: str | None = None) -> NotFound:
    """Unknown, foreign and deleted ids answer with these same bytes (but for the id)."""
    return NotFound(
        f"Conversation with id '{excerpt(conversation_id)}' not found.",
        code="conversation_not_found",
        param=param,
    )
