"""What goes away by itself: unstored responses, stored ones past their retention, keys past their day.

In batches that each end before anybody else waits long for the store, with as much time again left to
others in between, and only for a part of each sweep. Whatever was not reached is due the next time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from shared.log import EventLog
from shared.settings import Settings
from shared.store import Store

_log = logging.getLogger("respool.sweep")

BATCH = 250  # removed within some dozens of milliseconds
SHARE = 0.25  # of the time between two sweeps, for each of the three
_DAY = 86_400.0


class Retention:
    def __init__(self, *, store: Store, log: EventLog, settings: Settings, stopping: threading.Event) -> None:
        self._store = store
        self._event_log = log
        self._settings = settings
        self._stopping = stopping

    def wipe(self) -> None:
        age, remove = self._settings.wipe_seconds, self._store.sweeping.wipe_unstored
        self._drain(lambda: self._forget(remove(age_seconds=age, limit=BATCH), "not_stored"))

    def retire(self) -> None:
        age, remove = self._settings.retention_days * _DAY, self._store.sweeping.retire
        self._drain(lambda: self._forget(remove(age_seconds=age, limit=BATCH), "retention"))

    def forget_keys(self) -> None:
        self._drain(lambda: self._store.sweeping.forget_keys(limit=BATCH))

    def _drain(self, remove: Callable[[], int]) -> None:
        began = time.monotonic()
        last = began
        while remove() == BATCH:
            now = time.monotonic()
            if now - began > SHARE * self._settings.sweep_seconds or self._stopping.wait(now - last):
                return
            last = time.monotonic()

    def _forget(self, response_ids: list[str], reason: str) -> int:
        for response_id in response_ids:
            _log.info("deleted", extra={"response_id": response_id, "reason": reason})
        self._event_log.drop(response_ids)
        return len(response_ids)
