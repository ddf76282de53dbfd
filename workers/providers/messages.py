"""The `messages` dialect: an upstream that speaks Anthropic's Messages API."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import orjson

from shared import sse
from shared.catalog import Provider
from workers.providers import refusals
from workers.providers.account import (
    EVENTS,
    JSON,
    Account,
    check_status,
    content_type,
    events,
    fetched,
    not_there,
    whole,
)
from workers.providers.anthropic import answers
from workers.providers.anthropic.deltas import Translator
from workers.providers.anthropic.request import Reading, counted, request
from workers.providers.base import Generation
from workers.providers.ephemeral import KeepsNothing
from workers.providers.http import Call, HttpClient, release
from workers.providers.reply import Reply

_VERSION = ("anthropic-version", "2023-06-01")
_COUNT = "input_tokens"


class Messages(KeepsNothing):
    def __init__(self, provider: Provider, client: HttpClient) -> None:
        self._account = Account(provider, auth="x-api-key", version=_VERSION)
        self._client = client

    def stream(self, generation: Generation, call: Call) -> Generator[dict[str, Any]]:
        streaming = self._account.provider.streaming
        body, reading = self._request(generation, streaming=streaming)
        reply = self._post("/messages", body, generation, call, EVENTS if streaming else JSON)
        try:
            yield from _events(reply, reading, call)
        finally:
            release(reply, call)

    def once(self, endpoint: str, generation: Generation, call: Call) -> dict[str, Any]:
        if endpoint != _COUNT:
            raise not_there()
        body, _ = self._request(generation, streaming=False)
        return fetched(self._post("/messages/count_tokens", counted(body), generation, call), call)

    def _request(self, generation: Generation, *, streaming: bool) -> tuple[dict[str, Any], Reading]:
        limit = self._account.provider.max_output_tokens
        return request(generation, default_limit=limit, streaming=streaming)

    def _post(
        self,
        path: str,
        body: dict[str, Any],
        generation: Generation,
        call: Call,
        accept: str = JSON,
    ) -> Reply:
        headers = self._account.headers(generation, accept)
        return self._client.post(self._account.url(path), orjson.dumps(body), headers, call)


def _events(reply: Reply, reading: Reading, call: Call) -> Generator[dict[str, Any]]:
    check_status(reply, call, missing=refusals.NO_SUCH_MODEL)  # nothing else is looked up there
    translator = Translator(reading)
    if content_type(reply) == EVENTS:
        for event in events(reply, call):
            yield from translator.hear(sse.decode_json(event.data))
    else:
        for told in answers.events(sse.decode_object(whole(reply, call))):
            yield from translator.hear(told)
    yield from translator.end()
