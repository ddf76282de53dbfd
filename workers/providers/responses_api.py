"""The `responses` dialect: an upstream that speaks the Responses API, however incompletely."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from urllib.parse import quote

import orjson
import requests

from shared import sse
from shared.catalog import Provider as Account
from shared.errors import UpstreamError
from workers.providers import refusals
from workers.providers.base import Generation
from workers.providers.http import Call, HttpClient, body_start, chunks, release

# Ours to decide: state lives here, the worker always streams (DESIGN 7.21)
_OWN = {"background", "conversation", "input", "previous_response_id", "store", "stream", "stream_options"}
_SEALED_REASONING = "reasoning.encrypted_content"
_OBJECT_LIMIT = 64 * 1024 * 1024


class ResponsesApi:
    def __init__(self, account: Account, client: HttpClient) -> None:
        self._account = account
        self._client = client
        self._url = account.base_url.rstrip("/") + "/responses"

    def stream(self, generation: Generation, call: Call) -> Generator[dict[str, Any]]:
        headers = self._headers(generation, "text/event-stream")
        response = self._client.post(self._url, orjson.dumps(_body(generation)), headers, call)
        try:
            yield from self._events(response, call)
        finally:
            release(response, call)

    def resume(
        self, generation: Generation, upstream_id: str, cursor: int, call: Call
    ) -> Generator[dict[str, Any]]:
        query = "?stream=true" + (f"&starting_after={cursor}" if cursor >= 0 else "")
        headers = self._headers(generation, "text/event-stream")
        response = self._client.get(self._of(upstream_id) + query, headers, call)
        try:
            yield from self._events(response, call)
        finally:
            release(response, call)

    def retrieve(self, generation: Generation, upstream_id: str, call: Call) -> dict[str, Any]:
        response = self._client.get(
            self._of(upstream_id), self._headers(generation, "application/json"), call
        )
        try:
            _check_status(response, call)
            return sse.decode_object(_whole(response, call))
        finally:
            release(response, call)

    def discard(self, upstream_id: str) -> None:
        headers = {"Authorization": f"Bearer {self._account.key()}", "User-Agent": "respool"}
        self._client.attempt("POST", self._of(upstream_id) + "/cancel", headers)
        self._client.attempt("DELETE", self._of(upstream_id), headers)

    def _of(self, upstream_id: str) -> str:
        return f"{self._url}/{quote(upstream_id, safe='')}"

    def once(self, endpoint: str, generation: Generation, call: Call) -> dict[str, Any]:
        body = {k: v for k, v in generation.body.items() if v is not None and k not in _OWN}
        body.update(model=generation.model, input=generation.items)
        headers = self._headers(generation, "application/json")
        response = self._client.post(f"{self._url}/{endpoint}", orjson.dumps(body), headers, call)
        try:
            _check_status(response, call)
            return sse.decode_object(_whole(response, call))
        finally:
            release(response, call)

    def _headers(self, generation: Generation, accept: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._account.key()}",
            "Accept": accept,
            "User-Agent": "respool",
            "Idempotency-Key": generation.response_id,
            "X-Client-Request-Id": f"{generation.response_id}.{generation.attempt}",
        }

    def _events(self, response: requests.Response, call: Call) -> Generator[dict[str, Any]]:
        _check_status(response, call)
        kind = response.headers.get("Content-Type", "text/event-stream").split(";")[0].strip().lower()
        if kind == "text/event-stream":
            yield from _streamed(response, call)
        elif kind == "application/json":
            yield sse.decode_json(_whole(response, call))
        else:
            raise UpstreamError(
                "upstream_invalid_response", "The upstream answered with neither events nor JSON."
            )


def _check_status(response: requests.Response, call: Call) -> None:
    if response.status_code != 200:
        lower = {k.lower(): v for k, v in response.headers.items()}
        body = body_start(response, call, refusals.BODY_LIMIT)
        raise refusals.refused(response.status_code, lower, body)


def _streamed(response: requests.Response, call: Call) -> Generator[dict[str, Any]]:
    decoder = sse.Decoder()
    for chunk in chunks(response, call):
        for event in decoder.feed(chunk):
            if sse.is_done(event.data):
                return
            call.progressed()
            yield sse.decode_json(event.data)
    for event in decoder.close():
        if not sse.is_done(event.data):
            yield sse.decode_json(event.data)


def _whole(response: requests.Response, call: Call) -> bytes:
    data = bytearray()
    for chunk in chunks(response, call):
        data += chunk
        call.progressed()
        if len(data) > _OBJECT_LIMIT:
            raise UpstreamError("upstream_invalid_response", "The upstream's answer is too large.")
    return bytes(data)


def _body(generation: Generation) -> dict[str, Any]:
    """What the client sent, less what is ours; nulls mean the default and are left out."""
    body = {k: v for k, v in generation.body.items() if v is not None and k not in _OWN}
    body.update(model=generation.model, input=generation.items, stream=True, store=generation.resumable)
    if generation.resumable:
        body["background"] = True
    if isinstance(body.get("reasoning"), dict):
        # nothing is stored upstream: the next turn needs the reasoning sealed (kept private here)
        include = [v for v in body.get("include") or [] if v != _SEALED_REASONING]
        body["include"] = [*include, _SEALED_REASONING]
    return body
