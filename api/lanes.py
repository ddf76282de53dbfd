"""The lanes of one connection: each runs its turns one after the other, several lanes side by side.

Bounded in every direction: what does not fit is refused at once. A turn's thread exists only while
there is a turn for it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.errors import RateLimited

MAX_LANES = 32
MAX_RUNNING = 16
MAX_WAITING = 16  # turns of one lane, beside the one that runs

Turn = Callable[[], None]


@dataclass(slots=True)
class _Lane:
    name: str | None
    running: bool = False
    waiting: deque[tuple[Turn, int]] = field(default_factory=deque)


class Lanes:
    def __init__(self, *, max_waiting_bytes: int) -> None:
        self._max_waiting_bytes = max_waiting_bytes
        self._lock = threading.Lock()
        self._lanes: dict[str | None, _Lane] = {}  # those with something to do
        self._ready: deque[_Lane] = deque()
        self._threads = 0
        self._waiting_bytes = 0
        self._stopped = False

    @property
    def running(self) -> int:
        with self._lock:
            return self._threads

    def submit(self, name: str | None, turn: Turn, size: int) -> None:
        """Run the turn after those its lane has already; raises RateLimited where that is too many."""
        with self._lock:
            if self._stopped:
                return
            lane = self._lanes.get(name)
            if lane is None and len(self._lanes) >= MAX_LANES:
                raise _too_many(f"More than {MAX_LANES} lanes are in use on this connection.")
            if lane is not None and len(lane.waiting) >= MAX_WAITING:
                raise _too_many(f"More than {MAX_WAITING} requests wait in this lane.")
            if self._waiting_bytes and self._waiting_bytes + size > self._max_waiting_bytes:
                raise _too_many("The requests that wait on this connection are too large.")
            if lane is None:
                lane = self._lanes[name] = _Lane(name)
            lane.waiting.append((turn, size))
            self._waiting_bytes += size
            if lane.running or len(lane.waiting) > 1:
                return
            self._ready.append(lane)
            start = self._threads < MAX_RUNNING
            self._threads += start
        if start:
            threading.Thread(target=self._work, name="lane", daemon=True).start()

    def stop(self) -> None:
        """Start nothing more; what runs goes on."""
        with self._lock:
            self._stopped = True
            self._ready.clear()
            self._lanes.clear()

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            lane, turn = taken
            try:
                turn()
            finally:
                self._give_back(lane)

    def _take(self) -> tuple[_Lane, Turn] | None:
        with self._lock:
            if not self._ready:
                self._threads -= 1
                return None
            lane = self._ready.popleft()
            turn, size = lane.waiting.popleft()
            self._waiting_bytes -= size
            lane.running = True
            return lane, turn

    def _give_back(self, lane: _Lane) -> None:
        with self._lock:
            lane.running = False
            if self._stopped:
                return
            if lane.waiting:
                self._ready.append(lane)
            else:
                del self._lanes[lane.name]


def _too_many(message: str) -> RateLimited:
    return RateLimited(message, code="too_many_requests_waiting")
