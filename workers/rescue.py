"""What becomes of rows whose worker is gone: the ladder, rung by rung (RELIABILITY 3.6).

Each step is one conditional UPDATE on the attempt number: the first of several rescuers wins, and a
worker that was only slow loses the row for good.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from shared.catalog import Catalog
from shared.errors import LogUnavailable
from shared.log import EventLog
from shared.queue import Queue
from shared.sealing import seal_log
from shared.settings import Settings
from shared.store import Store
from shared.store.endings import LOST_MESSAGE, RESCUE_LIMIT_MESSAGE
from shared.store.rows import Ended, ResponseRow, Stored
from shared.transitions import Transitions
from workers.assembler import Assembler
from workers.retry import Rung, rung

_log = logging.getLogger("respool.rescue")

BATCH = 100


class Rescuer:
    def __init__(
        self,
        *,
        store: Store,
        log: EventLog,
        queue: Queue,
        catalog: Catalog,
        resume: Callable[[ResponseRow], None],
        transitions: Transitions,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`resume` takes a row over in a free slot of this process, or leaves it for another one."""
        self._store = store
        self._event_log = log
        self._queue = queue
        self._catalog = catalog
        self._resume = resume
        self._transitions = transitions
        self._settings = settings
        self._clock = clock
        self._seen_at: float | None = None
        self._not_before = 0.0

    def saw_store(self, seen: bool) -> None:
        """Whether the store could be reached just now: leases that ran out unseen say nothing."""
        now = self._clock()
        lease = self._settings.lease_seconds
        pause = max(lease / 2, 2 * self._settings.sweep_seconds)
        if not seen or (self._seen_at is not None and now - self._seen_at > pause):
            self._not_before = now + lease
        if seen:
            self._seen_at = now

    def rescue_lost(self) -> None:
        # nobody could renew a lease while the database was down, or could not be reached
        if self._clock() < self._not_before:
            return
        if self._store.sweeping.uptime() < self._settings.lease_seconds:
            return
        overdue = {r.id for r in self._store.sweeping.overdue(grace_seconds=0, limit=BATCH)}
        for row in self._store.sweeping.lost(limit=BATCH):
            self._rescue(row, overdue=row.id in overdue)

    def _rescue(self, row: ResponseRow, *, overdue: bool) -> None:
        partial, seen = self._seen(row)
        provider = self._catalog.providers.get(row.provider)
        step = rung(
            row,
            overdue=overdue,
            resumable=provider is not None and provider.resumable,
            restart_unseen=provider is not None and provider.restart_unseen,
            seen=seen,
        )
        if step is Rung.EXPIRE:
            self._end(self._store.endings.expire(row.id, grace_seconds=0), step)
        elif step is Rung.REQUEUE or step is Rung.RESTART:
            again = self._store.endings.requeue if step is Rung.REQUEUE else self._store.endings.restart
            if again(row):
                self._transitions.rescued(row, step.value)
                self._queue.ring(row.id)
        elif step is Rung.RESUME:
            self._resume(row)
        elif step is Rung.GIVE_UP:
            settled = self._store.endings.settle(
                row, partial, reason="rescue_limit", message=RESCUE_LIMIT_MESSAGE
            )
            self._end(settled, step)
        else:
            settled = self._store.endings.settle(row, partial, reason="worker_lost", message=LOST_MESSAGE)
            self._end(settled, step)

    def _seen(self, row: ResponseRow) -> tuple[list[dict[str, Any]], bool]:
        """What subscribers may have seen of it, folded from the log; and whether that is anything."""
        stored = self._store.responses.get(row.id)
        try:
            log = self._event_log.read_all(row.id)
        except LogUnavailable:
            return [], True
        if stored is None or log.state is None:
            return [], True  # a log that is gone may have shown anything
        assembler = _assembler(stored)
        try:
            assembler.restore(log.frames)
        except Exception:
            # a row that cannot be folded must still end, and must not stop the rows behind it
            _log.exception("fault of ours", extra={"response_id": row.id})
            return [], True
        return assembler.partial(), assembler.progressed

    def _end(self, ended: Ended | None, step: Rung) -> None:
        if ended is not None:
            self._transitions.rescued(ended.row, step.value)
            self._transitions.ended(ended.row)
            try:
                seal_log(self._store, self._event_log, ended, wipe_seconds=self._settings.wipe_seconds)
            except LogUnavailable as error:
                _log.warning("log not sealed yet: %s", error, extra={"response_id": ended.row.id})


def _assembler(stored: Stored) -> Assembler:
    return Assembler(
        response_id=stored.row.id,
        created_at=stored.row.created_at,
        envelope=stored.envelope,
        next_sequence=0,
        include=frozenset(),
    )
