"""The upstream events of one generation, over as many connections as its provider allows.

Only what provably was not sent is sent again. A resumable provider is asked to go on with the very
same generation after a break; where it refuses, its finished object gives the rest.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from shared import sse
from shared.errors import StoreUnavailable, UpstreamError
from workers import retry
from workers.providers import Call, Generation, Provider

_log = logging.getLogger("respool.source")

AT_END = 2**31 - 1  # the cursor once the rest was taken from the finished object
MAX_RESUMES = 10  # in a row, without an event between them: about 40 seconds, an upstream's own deploy
_POLL_SECONDS = 1.0
_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 8.0
_TRANSIENT = {408, 409, 429, 500, 502, 503, 504, 529}


@dataclass
class Place:
    """Where we are in a resumable generation: its upstream id, and its last event that we have."""

    upstream_id: str | None = None
    cursor: int = -1
    kept_id: str | None = None  # of the copy that its upstream keeps for later turns


class Source:
    def __init__(
        self,
        provider: Provider,
        generation: Generation,
        call: Call,
        place: Place,
        learnt: Callable[[str], object],
    ) -> None:
        """`learnt` is told the upstream's id of a resumable generation, once."""
        self._provider = provider
        self._generation = generation
        self._call = call
        self._place = place
        self._learnt = learnt
        self._rng = random.Random()
        self._breaks = 0
        self._heard = False

    def events(self) -> Generator[tuple[dict[str, Any], int | None]]:
        """Each event with its upstream number (None where the generation cannot be resumed).

        Raises UpstreamError when no more will come before a terminal event, LeaseLost when fenced.
        """
        tries = 0
        while True:
            try:
                yield from self._connection()
                raise UpstreamError(
                    "upstream_incomplete", "The upstream's stream ended without its final event."
                )
            except UpstreamError as error:
                tries += 1
                if self._place.upstream_id is None:
                    decision = retry.decide(error, tries, rng=self._rng)
                    if not decision.again:
                        raise
                    time.sleep(decision.after_seconds)
                    self._call.check()
                elif _is_refused(error) or self._is_spent(error):
                    yield from self._polled(self._place.upstream_id)
                else:
                    self._prepare_resume(error)

    def _connection(self) -> Generator[tuple[dict[str, Any], int | None]]:
        place = self._place
        if place.upstream_id is None:
            opened = self._provider.stream(self._generation, self._call)
        else:
            opened = self._provider.resume(self._generation, place.upstream_id, place.cursor, self._call)
        self._heard = False
        followed = self._generation.resumable or self._generation.kept or place.upstream_id is not None
        with closing(opened) as events:
            for event in events:
                self._breaks, self._heard = 0, True
                if followed:
                    self._learn(event)
                yield event, self._cursor_of(event) if followed else None

    def _learn(self, event: dict[str, Any]) -> None:
        if self._generation.kept:
            self._place.kept_id = _id_in(event) or self._place.kept_id
        if not self._generation.resumable or self._place.upstream_id is not None:
            return
        if not isinstance(event.get("sequence_number"), int):
            return  # without numbers there is no place to go on from
        upstream_id = _id_in(event)
        if upstream_id is not None:
            self._place.upstream_id = upstream_id
            try:
                self._learnt(upstream_id)
            except StoreUnavailable as error:
                # what is being paid for goes on; the next beat says where it is
                _log.warning("upstream id not written yet: %s", error)

    def _cursor_of(self, event: dict[str, Any]) -> int | None:
        number = event.get("sequence_number")
        if self._place.upstream_id is None or not isinstance(number, int):
            return None
        self._place.cursor = max(self._place.cursor, number)
        return self._place.cursor

    def _is_spent(self, error: UpstreamError) -> bool:
        """The upstream has no event left for us, not even the terminal one: we had that before."""
        return error.reason == "upstream_incomplete" and not self._heard

    def _prepare_resume(self, error: UpstreamError) -> None:
        self._breaks += 1
        if self._breaks > MAX_RESUMES or not self._call.renew():
            raise error
        pause = min(_PAUSE_SECONDS * 2**self._breaks, _LONGEST_PAUSE_SECONDS)
        time.sleep(self._rng.uniform(pause / 2, pause))
        if not self._call.renew():  # the pause is ours: no deadline of the upstream runs in it
            self._call.check()

    def _polled(self, upstream_id: str) -> Generator[tuple[dict[str, Any], int | None]]:
        """It cannot be streamed any more: wait for its object, and take the rest from that."""
        while True:
            try:
                response = self._provider.retrieve(self._generation, upstream_id, self._call)
            except UpstreamError as error:
                if _is_refused(error):
                    raise
                self._prepare_resume(error)
                continue
            self._breaks = 0
            if response.get("status") not in ("queued", "in_progress"):
                self._place.cursor = AT_END
                yield response, AT_END
                return
            time.sleep(_POLL_SECONDS)
            self._call.progressed()
            self._call.check()


def _id_in(event: dict[str, Any]) -> str | None:
    """The upstream's id of the response that an event carries, or is."""
    response = event if sse.is_bare_response(event) else event.get("response")
    upstream_id = response.get("id") if isinstance(response, dict) else None
    return upstream_id if isinstance(upstream_id, str) and upstream_id else None


def _is_refused(error: UpstreamError) -> bool:
    """A complete answer that it will not stream this any more; not one that asks for patience."""
    return error.refusal is not None and error.refusal.get("upstream_status") not in _TRANSIENT
