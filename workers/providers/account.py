"""An account's address and headers, and its answers taken apart: the same for every dialect."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any
from urllib.parse import urlencode

from shared import sse
from shared.catalog import Provider, rules
from shared.errors import UpstreamError
from workers.providers import refusals
from workers.providers.base import Generation
from workers.providers.http import Call, body_start, chunks, release
from workers.providers.reply import Reply

_log = logging.getLogger("respool.upstream")

EVENTS, JSON = "text/event-stream", "application/json"
_OBJECT_LIMIT = 64 * 1024 * 1024


class Account:
    def __init__(
        self, provider: Provider, *, auth: str = "bearer", version: tuple[str, str] | None = None
    ) -> None:
        """`auth`: how this dialect's servers take the key, unless the configuration says otherwise.

        `version`: the header that names the API's version, and its default; else a query names it.
        """
        self.provider = provider
        self._auth = provider.auth or auth
        self._base = provider.base_url.rstrip("/")
        self._version = {version[0]: provider.api_version or version[1]} if version else {}
        queried = {"api-version": provider.api_version} if provider.api_version and not version else {}
        self._query = {**queried, **provider.query}

    def url(self, path: str, **query: str) -> str:
        """`path` begins with a slash."""
        asked = urlencode({**self._query, **query})
        return f"{self._base}{path}" + (f"?{asked}" if asked else "")

    def headers(self, generation: Generation | None = None, accept: str = JSON) -> dict[str, str]:
        """Without a generation: for calls that generate nothing. What the configuration adds wins."""
        headers = {**self._credentials(), **self._version, "Accept": accept, "User-Agent": "respool"}
        if self.provider.organization:
            headers["OpenAI-Organization"] = self.provider.organization
        if self.provider.project:
            headers["OpenAI-Project"] = self.provider.project
        if generation is not None:
            headers["Idempotency-Key"] = generation.response_id
            headers["X-Client-Request-Id"] = f"{generation.response_id}.{generation.attempt}"
        return {**headers, **self.provider.headers}

    def _credentials(self) -> dict[str, str]:
        try:
            key = self.provider.key()
        except (OSError, UnicodeDecodeError) as error:
            raise self._no_key(type(error).__name__) from error
        if not rules.is_header_value(key):
            raise self._no_key("it holds what no header can")
        if not key:
            return {}  # a server of one's own may want none
        if self._auth == "bearer":
            return {"Authorization": f"Bearer {key}"}
        return {self._auth: key}

    def _no_key(self, why: str) -> UpstreamError:
        """As an upstream says it that does not like the key."""
        _log.error("cannot read api_key_file of provider %s: %s", self.provider.name, why)
        return refusals.refused(401, {}, b"")


def check_status(reply: Reply, call: Call, *, missing: str | None = None) -> None:
    """Raises UpstreamError for any answer but 200, in our words. `missing`: as in `refusals.refused`."""
    if reply.status != 200:
        body = body_start(reply, call, refusals.BODY_LIMIT)
        raise refusals.refused(reply.status, reply.headers, body, missing=missing)


def content_type(reply: Reply) -> str:
    """EVENTS or JSON. Raises UpstreamError for anything else; silence means events."""
    kind: str = reply.headers.get("content-type", EVENTS).split(";")[0].strip().lower()
    if kind not in (EVENTS, JSON):
        raise UpstreamError(
            "upstream_invalid_response", "The upstream answered with neither events nor JSON."
        )
    return kind


def events(reply: Reply, call: Call) -> Generator[sse.SseEvent, None, bool]:
    """The stream's events up to its end or its `[DONE]`; comments are no progress.

    Returns whether it was `[DONE]`.
    """
    decoder = sse.Decoder()
    for chunk in chunks(reply, call):
        for event in decoder.feed(chunk):
            if sse.is_done(event.data):
                return True
            call.progressed()
            yield event
    for event in decoder.close():
        if sse.is_done(event.data):
            return True
        yield event
    return False


def not_there() -> UpstreamError:
    """As a server would say it that does not have what it is asked for."""
    return refusals.refused(404, {}, b"")


def fetched(reply: Reply, call: Call) -> dict[str, Any]:
    """The object of a plain answer, which is released. Raises as `check_status` and `whole`."""
    try:
        check_status(reply, call)
        return sse.decode_object(whole(reply, call))
    finally:
        release(reply, call)


def whole(reply: Reply, call: Call) -> bytes:
    """A plain answer's body."""
    data = bytearray()
    for chunk in chunks(reply, call):
        data += chunk
        call.progressed()
        if len(data) > _OBJECT_LIMIT:
            raise UpstreamError("upstream_invalid_response", "The upstream's answer is too large.")
    return bytes(data)
