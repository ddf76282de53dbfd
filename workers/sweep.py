"""What every worker does now and then, so that nothing is forgotten.

All steps are conditional UPDATEs: safe to run many times at once, by many workers, and to be killed
between any two of them.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence

from shared.errors import LogUnavailable, StoreUnavailable
from shared.log import ENDED_SECONDS, EventLog
from shared.queue import Queue
from shared.rounds import Rounds
from shared.sealing import seal_log
from shared.settings import Settings
from shared.store import Store
from shared.store.rows import Ended, Ending
from shared.transitions import Transitions
from workers.rescue import Rescuer
from workers.retention import Retention
from workers.slots import Slots
from workers.spool import Spool
from workers.tally import count_tokens

_log = logging.getLogger("respool.sweep")

BATCH = 100
EXPIRE_GRACE_SECONDS = 15.0  # the owner's watchdog goes first
FULL_SHARE = 0.7  # of maxmemory
RELIEF_LIMIT = 50_000  # more than end within a minute or two
RELIEF_BATCH = 500


class Sweeper:
    def __init__(
        self,
        *,
        store: Store,
        log: EventLog,
        queue: Queue,
        slots: Slots,
        rescuer: Rescuer,
        spool: Spool,
        transitions: Transitions,
        settings: Settings,
    ) -> None:
        self._store = store
        self._event_log = log
        self._queue = queue
        self._slots = slots
        self._rescuer = rescuer
        self._spool = spool
        self._transitions = transitions
        self._settings = settings
        self._rounds = Rounds(
            "sweep", self.sweep, lambda: settings.sweep_seconds * random.uniform(0.7, 1.3), at_once=True
        )
        stopping = self._rounds.stopping
        self._retention = Retention(store=store, log=log, settings=settings, stopping=stopping)

    def start(self) -> None:
        self._rounds.start()

    def stop(self) -> None:
        self._rounds.stop()

    def sweep(self) -> None:
        """One round. A step that cannot reach its store is taken up in the next round."""
        steps: tuple[Callable[[], None], ...] = (
            self._beat,
            self._replay,  # before anybody settles what it has
            self._rescuer.rescue_lost,
            self._expire_overdue,
            self._seal_unsealed,
            self._retention.wipe,
            self._retention.retire,
            self._retention.forget_keys,
            self._relieve_redis,
            self._ring,
        )
        for step in steps:
            try:
                step()
            except (StoreUnavailable, LogUnavailable) as error:
                _log.warning("%s: %s", step.__name__, error)
                if isinstance(error, StoreUnavailable):
                    self._rescuer.saw_store(False)
            except Exception:
                # one poisoned row or step must not stop the others
                _log.exception("fault in %s", step.__name__)

    def _beat(self) -> None:
        self._store.sweeping.beat()
        self._rescuer.saw_store(True)

    def _replay(self) -> None:
        self._spool.replay(self._finish)

    def _finish(
        self, response_id: str, attempt: int, ending: Ending, journal: Sequence[bytes]
    ) -> Ended | None:
        ended = self._store.endings.finish(response_id, attempt, ending, journal)
        if ended is not None:
            self._transitions.ended(ended.row)
            count_tokens(self._transitions.counters, ending.response)
        return ended

    def _expire_overdue(self) -> None:
        for row in self._store.sweeping.overdue(grace_seconds=EXPIRE_GRACE_SECONDS, limit=BATCH):
            ended = self._store.endings.expire(row.id, grace_seconds=EXPIRE_GRACE_SECONDS)
            if ended is not None:
                self._transitions.ended(ended.row)
                self._seal(ended)

    def _seal_unsealed(self) -> None:
        for row in self._store.sweeping.unsealed(limit=BATCH):
            stored = self._store.responses.get(row.id)
            if (
                stored is not None
                and stored.result is not None
                and self._seal(Ended(stored.row, stored.envelope, stored.result))
            ):
                self._transitions.sealed(stored.row)

    def _seal(self, ended: Ended) -> bool:
        return seal_log(self._store, self._event_log, ended, wipe_seconds=self._settings.wipe_seconds)

    def _relieve_redis(self) -> None:
        """Before Redis is full, logs go that have their archive: readers take it from there."""
        if self._event_log.fullness() > FULL_SHARE:
            ended = self._store.sweeping.sealed_lately(age_seconds=2 * ENDED_SECONDS, limit=RELIEF_LIMIT)
            for start in range(0, len(ended), RELIEF_BATCH):
                # Redis does nothing else while it unlinks
                self._event_log.drop(ended[start : start + RELIEF_BATCH])

    def _ring(self) -> None:
        free = self._slots.free
        if free == 0:
            return
        for _ in range(self._store.leases.claimable(background=self._slots.background_is_free, limit=free)):
            self._queue.ring("sweep")
