"""How much one API process takes on at a time: waiting clients, and bytes of large bodies."""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Callable

from shared.errors import RateLimited, Unavailable

SMALL_BODY_BYTES = 1024 * 1024  # bodies up to here are not counted
_RETRY_AFTER = 5


class Waiters:
    """Clients that wait here, streamed or blocking, together and by key."""

    def __init__(self, *, limit: int, key_limit: int) -> None:
        self._limit = limit
        self._key_limit = key_limit
        self._by_key: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        with self._lock:
            return self._by_key.total()

    def enter(self, key_id: str) -> Callable[[], None]:
        """Take a place; the answer gives it back, once. Raises RateLimited or Unavailable."""
        with self._lock:
            if self._by_key[key_id] >= self._key_limit:
                raise RateLimited(
                    "Too many requests of this key are waiting here.",
                    code="too_many_streams",
                    retry_after=_RETRY_AFTER,
                )
            if self._by_key.total() >= self._limit:
                raise Unavailable(
                    "This process has no room for another waiting request.",
                    code="too_many_streams",
                    retry_after=_RETRY_AFTER,
                )
            self._by_key[key_id] += 1
        left = False

        def leave() -> None:
            nonlocal left
            with self._lock:
                if left:
                    return
                left = True
                self._by_key[key_id] -= 1
                if self._by_key[key_id] <= 0:
                    del self._by_key[key_id]

        return leave


class BodyBudget:
    """Memory for large bodies: a parsed body costs many times its bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._lock = threading.RLock()  # a holder may be collected in the middle of `take`

    def take(self, size: int) -> int:
        """Reserve room for a body; the number to give back. Raises Unavailable when there is none."""
        if size <= SMALL_BODY_BYTES:
            return 0
        with self._lock:
            if self._held and self._held + size > self._limit:
                raise Unavailable(
                    "Too many large requests at a time.",
                    code="too_many_large_requests",
                    retry_after=_RETRY_AFTER,
                )
            self._held += size
        return size

    def take_for(self, size: int, holder: object) -> None:
        """Reserve room for as long as `holder` lives. Raises as `take`."""
        held = self.take(size)
        if held:
            weakref.finalize(holder, self.give_back, held)

    def give_back(self, size: int) -> None:
        with self._lock:
            self._held -= size
