"""Routes: the public endpoints (with and without /v1) and the control API under /_control."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import orjson

from upstream.chat_completions import ChatCompletions
from upstream.generation import Scripts, authorize, serve
from upstream.http_server import Connection, Request
from upstream.ledger import Ledger
from upstream.messages_api import MessagesApi, count_tokens
from upstream.refusals import Refusal, messages_error, speaks_messages
from upstream.responses_api import ResponsesApi

_MODELS = ("demo", "mock")


class App:
    def __init__(self, ledger_file: Path | None = None) -> None:
        self._ledger = Ledger(ledger_file)
        self._scripts = Scripts()
        self._responses = ResponsesApi(self._ledger, self._scripts)
        self._chat = ChatCompletions()
        self._messages = MessagesApi()

    async def __call__(self, request: Request, connection: Connection) -> None:
        try:
            await self._route(request, connection)
        except Refusal as refusal:
            body = messages_error(refusal.status, str(refusal)) if speaks_messages(request) else refusal.body
            connection.reply(refusal.status, orjson.dumps(body), headers=refusal.headers)

    def _route(self, request: Request, connection: Connection) -> Awaitable[None]:
        path = request.path.removeprefix("/v1").rstrip("/")
        if request.method == "POST" and path == "/responses":
            return serve(connection, request, self._responses, self._ledger, self._scripts)
        if request.method == "POST" and path == "/chat/completions":
            return serve(connection, request, self._chat, self._ledger, self._scripts)
        if request.method == "POST" and path == "/messages":
            return serve(connection, request, self._messages, self._ledger, self._scripts)
        if path == "/healthz":
            return _answer(connection, {"status": "ok"})
        if path.startswith("/_control/"):
            return self._control(request, connection, path.removeprefix("/_control/"))
        authorize(request)
        if request.method == "GET" and path == "/models":
            data = [{"id": name, "object": "model", "created": 0, "owned_by": "scripted"} for name in _MODELS]
            return _answer(connection, {"object": "list", "data": data})
        if request.method == "POST" and path == "/messages/count_tokens":
            return _answer(connection, count_tokens(request))
        if path.startswith("/responses/"):
            return self._stored(request, connection, path.removeprefix("/responses/"))
        raise _no_route(request)

    def _stored(self, request: Request, connection: Connection, rest: str) -> Awaitable[None]:
        response_id, _, act = rest.partition("/")
        if (request.method, act) == ("GET", ""):
            return self._responses.retrieve(connection, request, response_id)
        if (request.method, act) == ("DELETE", ""):
            return self._responses.delete(connection, response_id)
        if (request.method, act) == ("POST", "cancel"):
            return self._responses.cancel(connection, response_id)
        raise _no_route(request)

    async def _control(self, request: Request, connection: Connection, act: str) -> None:
        if act == "ledger" and request.method == "GET":
            await _answer(connection, self._ledger.report(request.query.get("key")))
        elif act == "reset" and request.method == "POST":
            self._ledger.reset()
            self._scripts.clear()
            await _answer(connection, {"ok": True})
        elif act == "script" and request.method == "POST":
            try:
                self._scripts.add(orjson.loads(request.body))
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise Refusal(400, f"Not a script: {error}") from None
            await _answer(connection, {"ok": True})
        else:
            raise _no_route(request)


async def _answer(connection: Connection, value: dict[str, Any]) -> None:
    connection.reply(200, orjson.dumps(value))


def _no_route(request: Request) -> Refusal:
    return Refusal(404, f"Invalid URL ({request.method} {request.path})")
