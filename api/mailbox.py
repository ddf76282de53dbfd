"""What a follower is told between its looks into the log."""

from __future__ import annotations

import queue
import time

from shared.log import Heard

SIZE = 64  # batches a slow follower may leave; then it reads the log instead

LOOK = "look"  # there may be something in the log
ENDED = "ended"  # the row has ended

Hint = Heard | str


class Mailbox:
    """One follower's hints. Bounded: what does not fit is in the log."""

    def __init__(self, cursor: int) -> None:
        self.cursor = cursor  # the last sequence number its follower has passed on
        self.quiet_since = time.monotonic()
        self._queue: queue.Queue[Hint] = queue.Queue(SIZE)
        self._overflowed = False

    def moved(self, cursor: int) -> None:
        self.cursor = cursor
        self.quiet_since = time.monotonic()

    def put(self, hint: Hint) -> None:
        try:
            self._queue.put_nowait(hint)
        except queue.Full:
            self._overflowed = True

    def get(self, seconds: float) -> Hint | None:
        """The next hint, None after `seconds` of nothing."""
        try:
            return self._queue.get(timeout=seconds)
        except queue.Empty:
            if self._overflowed:
                self._overflowed = False
                return LOOK
            return None
