"""What all dialects do with a generation POST before they differ: read, count, direct, refuse.

Each POST opens one line of the ledger, whatever becomes of it, and closes it with its outcome.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from upstream.delivery import broken_at_once
from upstream.directives import Directives, override, read_model
from upstream.http_server import Connection, Request
from upstream.ledger import Call, Ledger
from upstream.refusals import Refusal, parameter_missing, speaks_messages

_FORBIDDEN_KEY = "bad-key"
_ANY = ""


class Scripts:
    """Directives queued over the control API, one taken by each POST (or resume) they match."""

    def __init__(self) -> None:
        self._queues: dict[tuple[str, str], deque[str]] = {}

    def add(self, order: dict[str, Any]) -> None:
        key = order.get("key") or _ANY
        for suffix in order["script"]:
            override(Directives(""), suffix)  # raises where it is misspelt
        self._queues.setdefault((order.get("on", "create"), key), deque()).extend(order["script"])

    def take(self, on: str, key: str) -> str:
        for queue in (self._queues.get((on, key)), self._queues.get((on, _ANY))):
            if queue:
                return queue.popleft()
        return ""

    def clear(self) -> None:
        self._queues.clear()


@dataclass
class Post:
    """One generation POST, read and directed."""

    connection: Connection
    request: Request
    body: dict[str, Any]
    directives: Directives
    call: Call


class Dialect(Protocol):
    async def generate(self, post: Post) -> None: ...


def authorize(request: Request) -> None:
    key = _key_of(request)
    if not key:
        raise Refusal(401, "You didn't provide an API key.", code="invalid_api_key")
    if key == _FORBIDDEN_KEY:
        message = f"Incorrect API key provided: {_FORBIDDEN_KEY[:5]}**. Look your key up in your account."
        raise Refusal(401, message, code="invalid_api_key")


def _key_of(request: Request) -> str:
    """A bearer token, or the header of the dialect's own."""
    headers = request.headers
    own = "x-api-key" if speaks_messages(request) else "api-key"
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else headers.get(own, "").strip()


async def serve(
    connection: Connection, request: Request, dialect: Dialect, ledger: Ledger, scripts: Scripts
) -> None:
    headers = request.headers
    call = ledger.begin(headers.get("idempotency-key"), headers.get("x-client-request-id"), path=request.path)
    if request.query:
        call.note(query=request.query)
    try:
        authorize(request)
        body = body_of(request)
        call.note(model=body["model"], stream=bool(body.get("stream")))
        directives = _directives(body["model"], scripts.take("create", call.key))
        if await broken_at_once(connection, directives):
            call.end("failed")
            return
        if directives.first_byte:
            await asyncio.sleep(directives.first_byte)
        await dialect.generate(Post(connection, request, body, directives, call))
    except Refusal as refusal:
        call.note(status=refusal.status)
        call.end("failed")
        raise
    except asyncio.CancelledError:
        if not call.detached:
            call.end("aborted")
        raise
    except Exception:
        call.end("failed")
        raise


def body_of(request: Request) -> dict[str, Any]:
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise Refusal(400, "The body is not valid JSON.", code="invalid_json") from None
    if not isinstance(body, dict):
        raise Refusal(400, "The body must be a JSON object.", code="invalid_type")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise parameter_missing("model")
    return body


def _directives(model: str, script: str) -> Directives:
    try:
        directives = read_model(model)
        directives = override(directives, script) if script else directives
    except ValueError as error:
        raise Refusal(400, f"This upstream does not understand the model: {error}", param="model") from None
    if directives.base == "unknown-model":
        message = f"The model '{directives.base}' does not exist or you do not have access to it."
        raise Refusal(404, message, code="model_not_found", param="model")
    return directives
