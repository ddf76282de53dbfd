"""Counting the deltas of an SSE stream as its bytes come in, without parsing an event.

The name of a text delta with its closing quote stands once in each such event, whatever dialect of
JSON the server writes, and is not what an `event:` line ends with.
"""

from __future__ import annotations

import re
import time
from typing import Any

_DELTA = b'response.output_text.delta"'
_END = b'response.completed"'
_KEPT = len(_DELTA) - 1
_ID = re.compile(rb'"id": ?"(resp_[^"]+)"')


class Deltas:
    """A sink for one stream. Times: `time.perf_counter` for durations, wall clock for arrivals."""

    def __init__(self, *, arrivals: bool = False) -> None:
        self.count = 0
        self.first: float | None = None
        self.opened: float | None = None  # the first byte of the body
        self.completed = False
        self.response_id = ""
        self.arrivals: list[tuple[float, int]] | None = [] if arrivals else None
        self._tail = b""

    def __call__(self, data: bytes) -> None:
        if self.opened is None:
            self.opened = time.perf_counter()
        if not self.response_id:
            found = _ID.search(data)
            self.response_id = found.group(1).decode() if found else ""
        text = self._tail + data
        fresh = text.count(_DELTA)
        if fresh:
            if self.first is None:
                self.first = time.perf_counter()
            self.count += fresh
            if self.arrivals is not None:
                self.arrivals.append((time.time(), fresh))
        if _END in text:
            self.completed = True
        self._tail = text[-_KEPT:]

    def report(self, started: float, **facts: Any) -> dict[str, Any]:
        return {
            **facts,
            "id": self.response_id,
            "deltas": self.count,
            "completed": self.completed,
            "first_ms": None if self.first is None else (self.first - started) * 1000,
            "opened_ms": None if self.opened is None else (self.opened - started) * 1000,
            "arrivals": self.arrivals,
        }
