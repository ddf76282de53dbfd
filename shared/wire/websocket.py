"""WebSocket mode's messages, both ways: a create in, events and errors out. PURE.

An event is the JSON of its SSE frame, byte for byte; one that belongs to a named lane has the name
added as its last key.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from shared.errors import ClientError, InvalidRequest, excerpt
from shared.wire import events, refusals, strict_json

CREATE = "response.create"

_STREAM_ID = re.compile(r"[A-Za-z0-9_.-]{1,256}\Z")
_ENVELOPE = ("type", "stream_id", "generate", "stream", "stream_options", "background")


def read_message(data: bytes) -> dict[str, Any]:
    """Any message a client may send; raises InvalidRequest."""
    message = strict_json.loads(data)
    if not isinstance(message, dict):
        raise InvalidRequest("A message must be a JSON object.", code="invalid_type")
    return message


def read_stream_id(message: dict[str, Any]) -> str | None:
    """The lane a message is for, None where it names none; raises InvalidRequest."""
    given = message.get("stream_id")
    if given is None:
        return None
    if not isinstance(given, str):
        raise refusals.wrong_type("stream_id", "a string", given)
    if not _STREAM_ID.match(given):
        raise refusals.invalid(
            "stream_id", "'stream_id' must be 1 to 256 of letters, digits, '_', '.' and '-'."
        )
    return given


def create_body(message: dict[str, Any]) -> dict[str, Any]:
    """The body of a create that streams, as HTTP would bring it; raises InvalidRequest."""
    kind = message.get("type")
    if kind is None:
        raise refusals.missing("type")
    if kind != CREATE:
        raise refusals.invalid("type", f"'{excerpt(kind)}' is not a message type: send '{CREATE}'.")
    _refuse_delivery(message)
    return {**{key: value for key, value in message.items() if key not in _ENVELOPE}, "stream": True}


def event_message(frame: bytes, stream_id: str | None) -> bytes:
    data = events.payload(frame)
    return data if stream_id is None else b'%b,"stream_id":"%b"}' % (data[:-1], stream_id.encode())


def error_message(error: ClientError, stream_id: str | None) -> bytes:
    """`code` is always a string: some readers demand it. Others read the fields beside `error`."""
    inner = {
        "type": error.type,
        "code": error.code or error.type,
        "message": error.message,
        "param": error.param,
    }
    flat = {key: inner[key] for key in ("code", "message", "param")}
    message: dict[str, Any] = {"type": "error", "status": error.status, "error": inner, **flat}
    if stream_id is not None:
        message["stream_id"] = stream_id
    return orjson.dumps(message)


def _refuse_delivery(message: dict[str, Any]) -> None:
    """A socket always streams, in the foreground, what it generates.

    Fields that say just that are let through, for a widely used client sends `stream: true` here.
    """
    options = message.get("stream_options")
    wrong = {
        "stream": not _is_default(message.get("stream"), True),
        "stream_options": options is not None
        and not (isinstance(options, dict) and all(_is_default(v, False) for v in options.values())),
        "background": not _is_default(message.get("background"), False),
        "generate": not _is_default(message.get("generate"), True),
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise InvalidRequest(
                f"'{name}' is not supported over WebSocket.", code="unsupported_parameter", param=name
            )


def _is_default(value: object, default: bool) -> bool:
    return value is None or value is default
