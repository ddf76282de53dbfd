"""What followers are told between their looks into the log, and who follows what."""

from __future__ import annotations

import queue
import threading
import time
from collections import defaultdict

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


class Mailboxes:
    """Of all followers of this process."""

    def __init__(self) -> None:
        self._boxes: dict[str, set[Mailbox]] = defaultdict(set)
        self._expected: dict[str, Mailbox] = {}  # of responses whose creator does not follow them yet
        self._lock = threading.Lock()

    def __len__(self) -> int:
        with self._lock:
            return sum(len(boxes) for boxes in self._boxes.values())

    def of(self, response_id: str) -> list[Mailbox]:
        # for each batch: without the lock, as both steps are one call into C each
        return list(self._boxes.get(response_id, ()))

    def ids(self) -> list[str]:
        with self._lock:
            return list(self._boxes)

    def quiet(self, seconds: float) -> list[str]:
        """Responses with a follower that was told nothing for so long."""
        before = time.monotonic() - seconds
        with self._lock:
            return [i for i, boxes in self._boxes.items() if any(b.quiet_since < before for b in boxes)]

    def expect(self, response_id: str) -> Mailbox:
        """For a creator that is about to follow: it hears all from now on."""
        mailbox = Mailbox(-1)
        with self._lock:
            self._boxes[response_id].add(mailbox)
            self._expected[response_id] = mailbox
        return mailbox

    def enter(self, response_id: str, after: int) -> tuple[Mailbox, bool]:
        """A follower's mailbox, and whether it was expected: then nothing can have been missed."""
        with self._lock:
            mailbox = self._expected.pop(response_id, None) if after < 0 else None
            if mailbox is not None:
                return mailbox, True
            mailbox = Mailbox(after)
            self._boxes[response_id].add(mailbox)
            return mailbox, False

    def leave(self, response_id: str, mailbox: Mailbox) -> None:
        with self._lock:
            boxes = self._boxes.get(response_id)
            if boxes is not None:
                boxes.discard(mailbox)
                if not boxes:
                    del self._boxes[response_id]

    def forget_expected(self, seconds: float) -> None:
        """Whoever has not come for so long has gone."""
        before = time.monotonic() - seconds
        with self._lock:
            late = [(i, box) for i, box in self._expected.items() if box.quiet_since < before]
            for response_id, _ in late:
                del self._expected[response_id]
        for response_id, mailbox in late:
            self.leave(response_id, mailbox)
