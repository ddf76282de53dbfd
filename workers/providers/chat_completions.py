"""The `chat_completions` dialect: every server that speaks OpenAI's Chat Completions, however loosely."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import orjson

from shared import sse
from shared.catalog import Provider
from shared.errors import UpstreamError
from workers.providers import refusals
from workers.providers.account import (
    EVENTS,
    JSON,
    Account,
    check_status,
    content_type,
    events,
    not_there,
    whole,
)
from workers.providers.base import Generation
from workers.providers.chat.answers import Answer
from workers.providers.chat.request import chat_request, custom_names
from workers.providers.ephemeral import KeepsNothing
from workers.providers.http import Call, HttpClient, release
from workers.providers.reply import Reply


class ChatCompletions(KeepsNothing):
    def __init__(self, provider: Provider, client: HttpClient) -> None:
        self._account = Account(provider)
        self._client = client

    def stream(self, generation: Generation, call: Call) -> Generator[dict[str, Any]]:
        provider = self._account.provider
        body = orjson.dumps(chat_request(generation, provider))
        headers = self._account.headers(generation, EVENTS if provider.streaming else JSON)
        reply = self._client.post(self._account.url("/chat/completions"), body, headers, call)
        try:
            yield from _events(reply, call, Answer(custom_names(generation.body)))
        finally:
            release(reply, call)

    def once(self, endpoint: str, generation: Generation, call: Call) -> dict[str, Any]:
        raise not_there()  # the gateway then counts and summarises by itself


def _events(reply: Reply, call: Call, answer: Answer) -> Generator[dict[str, Any]]:
    check_status(reply, call, missing=refusals.NO_SUCH_MODEL)  # nothing else is looked up there
    if content_type(reply) == EVENTS:
        yield from _streamed(reply, call, answer)
    else:
        yield from answer.whole(sse.decode_object(whole(reply, call)))


def _streamed(reply: Reply, call: Call, answer: Answer) -> Generator[dict[str, Any]]:
    incoming = events(reply, call)
    done = False
    while True:
        try:
            event = next(incoming)
        except StopIteration as end:
            done = end.value
            break
        except UpstreamError:
            if not answer.finished:
                raise
            break  # the answer is whole: only its usage is lost
        yield from answer.feed(sse.decode_object(event.data), event.event)
    yield from answer.end(done=done)
