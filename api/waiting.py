"""Three ways to wait, one path: background does not, streaming relays, blocking reads to the end."""

from __future__ import annotations

import errno
import logging
import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import orjson
from flask import Response, after_this_request, g, request

from api.errors import json_response
from api.limits import Waiters
from api.obfuscation import obfuscated
from api.relay import Relay, StreamLost
from api.sockets import readable
from shared.errors import GenerationRefused, LogUnavailable, StoreUnavailable, Unavailable
from shared.lifecycle import Status
from shared.services import Services
from shared.store.rows import ResponseRow, Stored
from shared.wire import events

_log = logging.getLogger("respool.waiting")

TICK_SECONDS = 1.0  # how often a waiting client's socket is looked at
WRITE_SECONDS = 60.0  # a reader that takes nothing for so long is gone
_RETRY_AFTER = {429: 10, 503: 10}  # where the upstream named no time
_STREAM_HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "Connection": "keep-alive",
    "X-Accel-Buffering": "no",
}


class Waiting:
    def __init__(
        self,
        services: Services,
        relay: Relay,
        waiters: Waiters,
        draining: threading.Event,
    ) -> None:
        self._store = services.store
        self._event_log = services.log
        self._relay = relay
        self._waiters = waiters
        self._draining = draining
        self._keepalive = services.settings.keepalive_seconds or math.inf

    def streamed(
        self,
        response_id: str,
        *,
        after: int,
        row: ResponseRow | None,
        obfuscate: bool = False,
        ended: bool = False,
    ) -> Response:
        """The log from `after` on, as SSE. `row`: the response that this stream itself created."""
        frames = self._frames(response_id, after, row, _client_socket(), obfuscate, ended)
        return Response(frames, mimetype="text/event-stream", headers=_STREAM_HEADERS)

    def take_place(self) -> None:
        """For this request and as long as its answer lasts; before anything is accepted for it.

        Raises RateLimited or Unavailable.
        """
        leave = self._waiters.enter(g.caller.key_id)

        @after_this_request
        def _leave_at_the_end(response: Response) -> Response:
            response.call_on_close(leave)
            return response

    def blocking(self, row: ResponseRow) -> Response:
        """Wait for the end; then the object, or the upstream's clean refusal (DESIGN 7.5)."""
        happy = self._wait(row)
        return self._unhappy(row) if happy is None else json_response(happy)

    def result(self, row: ResponseRow) -> bytes:
        """Wait for the end of an endpoint's row: its object, or an error for every other end."""
        happy = self._wait(row)
        if happy is not None:
            return happy
        self._unhappy(row)
        failed = GenerationRefused(
            "The upstream failed to answer.", status=502, type="server_error", code="upstream_error"
        )
        raise failed

    def _wait(self, row: ResponseRow) -> bytes | None:
        """The object of a response that did not fail; None otherwise."""
        sock = _client_socket()
        frames = b""
        while True:
            try:
                frames = self._followed(row, sock)
                break
            except StreamLost:
                # without its log too: the row says when it ends
                if not self._runs(row):
                    break
        if frames:
            last = events.split(frames)[-1]
            if events.event_type(last) != "response.failed":
                g.answered_by = self._answered_by(row)
                return events.terminal_response(last)
        return None

    def _followed(self, row: ResponseRow, sock: socket.socket | None) -> bytes:
        """The last frames of a response, once it has ended."""
        frames = b""
        looked = time.monotonic()
        with closing(self._relay.follow(row.id, -1, tick_seconds=TICK_SECONDS)) as chunks:
            for chunk in chunks:
                frames = chunk or frames
                now = time.monotonic()
                if now - looked < TICK_SECONDS:
                    continue
                looked = now  # by the clock: a talkative upstream leaves no quiet tick
                if _is_gone(sock):
                    break
            else:
                return frames
        self._relay.left(row)
        raise BrokenPipeError(errno.EPIPE, "the waiting client is gone")

    def _answered_by(self, row: ResponseRow) -> str | None:
        """Where it has an alias, perhaps another target of that."""
        if row.alias is None:
            return row.provider
        try:
            now = self._store.responses.states([row.id]).get(row.id)
        except StoreUnavailable:
            return None
        return None if now is None else now.provider

    def _runs(self, row: ResponseRow) -> bool:
        try:
            now = self._store.responses.states([row.id]).get(row.id)
        except StoreUnavailable:
            return True
        return now is not None and now.deleted_at is None and not now.is_terminal

    def forget(self, response_id: str) -> None:
        """Drop a deleted response's log; its followers are cut off by the missing row."""
        try:
            self._event_log.drop([response_id])
        except LogUnavailable as error:
            _log.warning("log not dropped: %s", error, extra={"response_id": response_id})

    def _frames(
        self,
        response_id: str,
        after: int,
        created: ResponseRow | None,
        sock: socket.socket | None,
        obfuscate: bool,
        ended: bool,
    ) -> Iterator[bytes]:
        finished = False
        quiet = 0.0
        tick = min(TICK_SECONDS, self._keepalive)
        if sock is not None:
            sock.settimeout(WRITE_SECONDS)
        try:
            with closing(self._relay.follow(response_id, after, tick_seconds=tick, ended=ended)) as chunks:
                for chunk in chunks:
                    if self._draining.is_set() and (created is None or created.store or created.background):
                        raise StreamLost("this process is going away")  # the client goes on elsewhere
                    quiet = 0.0 if chunk else quiet + tick
                    if chunk:
                        yield obfuscated(response_id, chunk) if obfuscate else chunk
                    elif _is_gone(sock):
                        return
                    elif quiet >= self._keepalive:
                        quiet = 0.0
                        yield events.KEEPALIVE
            finished = True
            yield events.DONE
        except StreamLost as error:
            # without the final chunk: a clean end without a terminal event would look complete
            _log.info("stream aborted: %s", error, extra={"response_id": response_id})
            raise BrokenPipeError(errno.EPIPE, "stream aborted") from error
        finally:
            if sock is not None:
                sock.settimeout(None)
            if created is not None and not finished:
                self._relay.left(created)

    def _unhappy(self, row: ResponseRow) -> Response:
        g.paid = True  # accepted: whatever can be seen from here, its model may be at work
        stored = self._store.responses.get(row.id)
        if stored is None or stored.result is None:
            raise Unavailable(f"Response '{row.id}' could not be followed to its end; retrieve it by its id.")
        g.paid = stored.row.upstream_started_at is not None
        g.answered_by = stored.row.provider
        if stored.row.status == Status.FAILED:
            _raise_refusal(stored)
        return json_response(stored.result)


def _raise_refusal(stored: Stored) -> None:
    if stored.row.error_reason == "no_capacity":
        raise Unavailable("No worker was free in time.", code="no_capacity", retry_after=10)
    if stored.row.refusal is not None:
        refusal = orjson.loads(stored.row.refusal)
        raise GenerationRefused(
            refusal["message"],
            status=refusal["status"],
            type=refusal["type"],
            code=refusal["code"],
            param=refusal["param"],
            retry_after=refusal.get("retry_after") or _RETRY_AFTER.get(refusal["status"]),
        )


def _client_socket() -> socket.socket | None:
    """The client's connection, where the server shows it (gunicorn does)."""
    sock: socket.socket | None = request.environ.get("gunicorn.socket")
    return sock


def _is_gone(sock: socket.socket | None) -> bool:
    """Whether the client has closed: seen without writing to it."""
    if sock is None:
        return False
    try:
        return readable(sock, 0) and sock.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True
