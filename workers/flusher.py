"""The reader of an upstream only appends to its journal; one flusher a process sends the log.

The first delta of a stream goes at once, later events, and all where nobody streams, in batches: a
round trip costs as much for eight events as for one, and sleeping in the reader would build a backlog.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from shared.errors import LeaseLost, LogUnavailable, StoreUnavailable
from shared.log import ENDED, FENCED, GAP, Batch, EventLog
from shared.metrics import RESEEDS, Counters
from shared.wire import events

_log = logging.getLogger("respool.flusher")

INTERVAL_SECONDS = 0.017
PATIENCE_SECONDS = 0.05  # for events that nobody streams: a short answer ends before, and is sent once
BATCH_FRAMES = 256
RETRY_SECONDS = 0.5
DRAIN_SECONDS = 2.0  # then Redis counts as down; the archive in SQL has everything


class Journal:
    """Every event of one response in this process, and how many of them the log has.

    Of a resumable generation the log is cut only between two upstream events, so that whoever goes on
    with it starts where it ends. Appended to by one thread, sent by others.
    """

    def __init__(
        self,
        response_id: str,
        attempt: int,
        opening: Sequence[bytes],
        *,
        resumes: bool = False,
        eager: bool = True,
        late: bool = False,
    ) -> None:
        self.response_id = response_id
        self.eager = eager  # its caller waits for each event; else the end of a short answer sends it all
        self.has_delta = False  # until then nothing is in a hurry: items and parts only announce it
        self.resumes = resumes  # what earlier attempts wrote is of the same generation
        self.late = late  # nobody was before me: the log becomes mine by my first batch
        self.attempt = attempt
        self.frames = list(opening)
        self.acknowledged = 0
        self.acquired = False
        self.fenced = False
        self.strange = False  # the log has events of a generation that is not mine to go on with
        self.closing = False  # nothing more comes: send all, wherever it ends
        self.on_fence: Callable[[], None] = lambda: None
        self._opening = len(self.frames)
        self._lock = threading.Lock()
        self._marks: deque[tuple[int, int]] = deque()  # (frames so far, upstream cursor), not yet sent
        self._last_mark: tuple[int, int] | None = None

    @property
    def opening(self) -> list[bytes]:
        return self.frames[: self._opening]

    @property
    def sendable(self) -> int:
        """How many frames may be in the log now."""
        if self._last_mark is None or self.closing:
            return len(self.frames)
        return self._last_mark[0]

    @property
    def takes(self) -> bool:
        """Whether the next batch has to make the log mine."""
        return self.late and not self.acquired

    @property
    def is_dirty(self) -> bool:
        return self.acknowledged < self.sendable and not self.fenced

    def adopt(self, frames: Sequence[bytes], cursor: int) -> None:
        """What earlier attempts have written."""
        self.frames[:] = frames
        self.acknowledged = len(frames)
        self._last_mark = (len(frames), cursor)

    def mark(self, cursor: int) -> None:
        """All frames of the upstream event with this number are here."""
        with self._lock:
            self._last_mark = (len(self.frames), cursor)
            self._marks.append(self._last_mark)

    def batch(self) -> Batch:
        """What goes into the log next."""
        first = self.acknowledged
        end, cursor = min(first + BATCH_FRAMES, self.sendable), None
        with self._lock:
            while self._marks and self._marks[0][0] <= first:
                self._marks.popleft()
            for count, marked in list(self._marks):
                if cursor is not None and count > first + BATCH_FRAMES:
                    break
                end, cursor = count, marked
        return Batch(self.response_id, self.attempt, first, self.frames[first:end], cursor, self.takes)

    def everything(self) -> Batch:
        """The whole log as it should be."""
        count, cursor = self._last_mark or (len(self.frames), None)
        count = len(self.frames) if self.closing else count
        return Batch(self.response_id, self.attempt, 0, self.frames[:count], cursor)

    def fence(self) -> None:
        if not self.fenced:
            self.fenced = True
            self.on_fence()

    def check(self) -> None:
        """Raises LeaseLost once the log has refused my attempt."""
        if self.fenced:
            raise LeaseLost("the log has a newer owner")


class Flusher:
    def __init__(
        self, log: EventLog, renew: Callable[[str, int], bool], counters: Counters | None = None
    ) -> None:
        """`renew` proves in SQL that a response is still mine, before its log is replaced."""
        self._event_log = log
        self._renew = renew
        self._counters = counters or Counters()
        self._dirty: set[Journal] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._urgent = threading.Event()  # a first delta: the pause between two batches ends
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="flusher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=5)

    def open(
        self,
        response_id: str,
        attempt: int,
        opening: Sequence[bytes],
        *,
        resumes: bool = False,
        eager: bool = True,
        late: bool = False,
    ) -> Journal:
        """Acquire the log under my attempt. Raises LeaseLost where a newer one owns it.

        `opening`: what every attempt writes first, the same bytes each time. `late`: it is acquired with
        the first batch; of a short answer, with all of it.
        """
        journal = Journal(response_id, attempt, opening, resumes=resumes, eager=eager, late=late)
        if late:
            return journal
        try:
            self._acquire(journal)
        except LogUnavailable:
            _log.warning("log not acquired yet", extra={"response_id": response_id, "attempt": attempt})
        if journal.strange:
            # two generations are never spliced: the ladder ends a row that finds this again and again
            raise LeaseLost("the log has events of another generation")
        journal.check()
        return journal

    def append(self, journal: Journal, frames: Sequence[bytes], cursor: int | None = None) -> None:
        """Never blocks on Redis. Raises LeaseLost once the log has refused my attempt.

        `cursor`: the upstream event that these frames, perhaps none, came from.
        """
        journal.check()
        journal.frames.extend(frames)
        if cursor is not None:
            journal.mark(cursor)
        if frames and journal not in self._dirty:  # whoever takes it from there takes these frames along
            with self._lock:
                self._dirty.add(journal)
        if frames and journal.eager and (journal.has_delta or any(map(events.is_delta, frames))):
            if not journal.has_delta:
                self._urgent.set()
            journal.has_delta = True
            if not self._wake.is_set():  # to set it again costs a lock and a walk over its waiters
                self._wake.set()

    def forget(self, journal: Journal) -> None:
        """It has ended: what Redis did not take while it was away, the archive has."""
        with self._lock:
            journal.fenced = True
            self._dirty.discard(journal)

    def drain(self, journal: Journal) -> bool:
        """Bring everything into the log, in the caller's thread. False: Redis counts as down."""
        journal.closing = True
        until = time.monotonic() + DRAIN_SECONDS
        while journal.is_dirty:
            try:
                self._flush([journal])
            except LogUnavailable:
                if time.monotonic() >= until:
                    return False
                time.sleep(RETRY_SECONDS / 5)
        journal.check()
        return True

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(PATIENCE_SECONDS)
            self._wake.clear()
            with self._lock:
                journals, self._dirty = self._dirty, set()
            pause = INTERVAL_SECONDS
            try:
                self._flush([j for j in journals if j.is_dirty])
            except LogUnavailable as error:
                _log.warning("events wait: %s", error)
                pause = RETRY_SECONDS
            except Exception:
                # every stream of the process hangs on this thread
                _log.exception("fault of ours")
                pause = RETRY_SECONDS
            again = {j for j in journals if j.is_dirty}
            if again:
                with self._lock:
                    self._dirty |= again
                self._wake.set()
            if not self._stopping:
                self._urgent.wait(pause)
                self._urgent.clear()

    def _flush(self, journals: Sequence[Journal]) -> None:
        for journal in journals:
            if not (journal.acquired or journal.late):
                self._acquire(journal)
        ready = [j for j in journals if j.is_dirty]
        if not ready:
            return
        missing: LogUnavailable | None = None
        for journal, answer in zip(
            ready, self._event_log.append_many([j.batch() for j in ready]), strict=True
        ):
            if answer in (FENCED, ENDED):
                journal.fence()
            elif answer == GAP:
                try:
                    self._reseed(journal)
                except LogUnavailable as error:
                    missing = error  # the others' events must not wait for this one's log
            else:
                # a drain and the flusher may send the same batch: the log takes it once
                journal.acknowledged = max(journal.acknowledged, answer + 1)
                journal.acquired = True
        if missing is not None:
            raise missing

    def _acquire(self, journal: Journal) -> None:
        state = self._event_log.acquire(journal.response_id, journal.attempt, journal.opening)
        if state.attempt > journal.attempt or state.terminal:
            journal.fence()
            return
        mine = max(len(journal.opening), journal.acknowledged)
        if not journal.resumes and state.seq + 1 > mine:
            journal.strange = True
            journal.fence()
            return
        journal.acquired = True
        journal.acknowledged = min(state.seq + 1, len(journal.frames))

    def _reseed(self, journal: Journal) -> None:
        """The log was lost under us: replace it, once SQL has confirmed that the row is mine."""
        try:
            mine = self._renew(journal.response_id, journal.attempt)
        except StoreUnavailable as error:
            raise LogUnavailable("log lost, and SQL cannot say whose it is") from error
        if not mine:
            journal.fence()
            return
        batch = journal.everything()
        answer = self._event_log.reseed(
            journal.response_id, journal.attempt, batch.frames, cursor=batch.cursor
        )
        if answer in (FENCED, ENDED):
            journal.fence()
        else:
            self._counters.add(RESEEDS)
            _log.warning(
                "log re-seeded", extra={"response_id": journal.response_id, "attempt": journal.attempt}
            )
            journal.acknowledged = answer + 1
            journal.acquired = True
