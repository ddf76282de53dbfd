"""How many generations this process runs at a time, and how many of them may be background work."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Slot:
    """One place. Background work is allowed in it until `settle` says what it is used for."""

    def __init__(self, background: bool) -> None:
        self.background = background


class Slots:
    def __init__(self, size: int, background_share: float) -> None:
        self.size = size
        self._background_size = max(1, math.floor(size * background_share)) if size > 1 else 1
        self._taken = 0
        self._background_taken = 0
        self._condition = threading.Condition()

    @property
    def free(self) -> int:
        with self._condition:
            return self.size - self._taken

    @property
    def background_is_free(self) -> bool:
        with self._condition:
            return self._background_taken < self._background_size

    @contextmanager
    def take(self) -> Iterator[Slot]:
        """Waits for a free place; reserves a background place in it when there is one."""
        with self._condition:
            self._condition.wait_for(lambda: self._taken < self.size)
            self._taken += 1
            slot = Slot(self._background_taken < self._background_size)
            self._background_taken += slot.background
        try:
            yield slot
        finally:
            with self._condition:
                self._taken -= 1
                self._background_taken -= slot.background
                self._condition.notify()

    def settle(self, slot: Slot, *, background: bool) -> None:
        """A slot that foreground work got gives its background place back."""
        with self._condition:
            if slot.background and not background:
                slot.background = False
                self._background_taken -= 1
