"""The upstream's own stored responses, and the running ones whose streams can be resumed.

Kept in memory, the oldest forgotten first: a restart forgets them all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from upstream.frames import WORD, Frame
from upstream.ledger import Call

_CAPACITY = 10_000


class Record:
    """One response: what GET shows, the context it gives to a chain, and its frames so far."""

    def __init__(self, response: dict[str, Any], context: list[Any], call: Call) -> None:
        self.response = response
        self.context = context  # every item before this response's own output
        self.call = call
        self.streamed = False  # created with background and stream: its frames can be followed
        self.task: asyncio.Task[None] | None = None
        self.ended = False
        self._frames: list[Frame] = []
        self._closed = False  # no frame will follow
        self._changed = asyncio.Event()

    @property
    def background(self) -> bool:
        return bool(self.response["background"])

    @property
    def visible(self) -> bool:
        """A foreground response cannot be retrieved while it runs."""
        return self.background or self.ended

    @property
    def next_sequence(self) -> int:
        return self._frames[-1].sequence + 1 if self._frames else 0

    def finish(self, response: dict[str, Any]) -> dict[str, Any]:
        self.response = response
        self.ended = True
        return response

    def append(self, frames: list[Frame]) -> None:
        self._frames += frames
        self.call.words += sum(frame.kind == WORD for frame in frames)
        self._wake()

    def close(self) -> None:
        self._closed = True
        self._wake()

    async def follow(self, after: int) -> AsyncIterator[list[Frame]]:
        """Frames with a higher sequence number, until the one that ends the stream."""
        at = 0
        while True:
            fresh = [frame for frame in self._frames[at:] if frame.sequence > after]
            at = len(self._frames)
            if fresh:
                yield fresh
            if at < len(self._frames):
                continue
            if self._closed:
                return
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Shelf:
    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    def put(self, record: Record) -> None:
        self._records[record.response["id"]] = record
        if len(self._records) > _CAPACITY:
            oldest = next(iter(self._records))
            if self._records[oldest].ended:
                del self._records[oldest]

    def get(self, response_id: str) -> Record | None:
        return self._records.get(response_id)

    def drop(self, response_id: str) -> None:
        self._records.pop(response_id, None)
