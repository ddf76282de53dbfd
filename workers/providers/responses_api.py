"""The `responses` dialect: an upstream that speaks the Responses API, however incompletely."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import orjson

from shared import sse
from shared.catalog import Provider
from shared.errors import UpstreamError
from workers.providers.account import EVENTS, Account, check_status, content_type, events, fetched, whole
from workers.providers.base import Generation
from workers.providers.http import Call, HttpClient, release
from workers.providers.reply import Reply

# Ours to decide: state lives here, the worker always streams (DESIGN 7.21)
_OWN = {"background", "conversation", "input", "previous_response_id", "store", "stream", "stream_options"}
_PARENT = "previous_response_id"
_SEALED_REASONING = "reasoning.encrypted_content"


class ResponsesApi:
    def __init__(self, provider: Provider, client: HttpClient) -> None:
        self._account = Account(provider)
        self._client = client

    def stream(self, generation: Generation, call: Call) -> Generator[dict[str, Any]]:
        """One whose turn before is not there any more is told all that was said (`state: upstream`)."""
        try:
            yield from self._stream(generation, call)
        except UpstreamError as error:
            if generation.continues is None or not _is_forgotten(error) or not call.renew():
                raise
            # refused, so nothing was generated; to whoever knows keys it is another request
            whole_story = replace(generation, response_id=generation.response_id + ".whole", continues=None)
            yield from self._stream(whole_story, call)

    def _stream(self, generation: Generation, call: Call) -> Generator[dict[str, Any]]:
        body = _body(generation, streaming=self._account.provider.streaming)
        headers = self._account.headers(generation, EVENTS)
        reply = self._client.post(self._account.url("/responses"), orjson.dumps(body), headers, call)
        try:
            yield from _events(reply, call)
        finally:
            release(reply, call)

    def resume(
        self, generation: Generation, upstream_id: str, cursor: int, call: Call
    ) -> Generator[dict[str, Any]]:
        after = {"starting_after": str(cursor)} if cursor >= 0 else {}
        url = self._account.url(_of(upstream_id), stream="true", **after)
        reply = self._client.get(url, self._account.headers(generation, EVENTS), call)
        try:
            yield from _events(reply, call)
        finally:
            release(reply, call)

    def retrieve(self, generation: Generation, upstream_id: str, call: Call) -> dict[str, Any]:
        url = self._account.url(_of(upstream_id))
        return fetched(self._client.get(url, self._account.headers(generation), call), call)

    def discard(self, upstream_id: str) -> None:
        headers = self._account.headers()
        self._client.attempt("POST", self._account.url(_of(upstream_id) + "/cancel"), headers)
        self._client.attempt("DELETE", self._account.url(_of(upstream_id)), headers)

    def once(self, endpoint: str, generation: Generation, call: Call) -> dict[str, Any]:
        body = {k: v for k, v in generation.body.items() if v is not None and k not in _OWN}
        body.update(model=generation.model, input=generation.items)
        url = self._account.url(f"/responses/{endpoint}")
        headers = self._account.headers(generation)
        return fetched(self._client.post(url, orjson.dumps(body), headers, call), call)


def _of(upstream_id: str) -> str:
    return f"/responses/{quote(upstream_id, safe='')}"


def _events(reply: Reply, call: Call) -> Generator[dict[str, Any]]:
    check_status(reply, call)
    if content_type(reply) == EVENTS:
        for event in events(reply, call):
            yield sse.decode_json(event.data)
    else:
        yield sse.decode_json(whole(reply, call))


def _is_forgotten(error: UpstreamError) -> bool:
    """Whether the upstream does not have, or does not know, what the turn was to build upon."""
    refusal = error.refusal or {}
    named = refusal.get("code") == "previous_response_not_found" or refusal.get("param") == _PARENT
    return refusal.get("upstream_status") == 404 or (refusal.get("upstream_status") == 400 and named)


def _body(generation: Generation, *, streaming: bool) -> dict[str, Any]:
    """What the client sent, less what is ours; nulls mean the default and are left out."""
    body = {k: v for k, v in generation.body.items() if v is not None and k not in _OWN}
    store = generation.resumable or generation.kept
    body.update(model=generation.model, input=generation.items, stream=streaming, store=store)
    if generation.continues is not None:
        body.update({"input": list(generation.own), _PARENT: generation.continues})
    if generation.resumable:
        body["background"] = True
    if isinstance(body.get("reasoning"), dict):
        # nothing is stored upstream: the next turn needs the reasoning sealed (kept private here)
        include = [v for v in body.get("include") or [] if v != _SEALED_REASONING]
        body["include"] = [*include, _SEALED_REASONING]
    return body
