"""How the API ends responses: a caller's cancel, a vanished caller, a deadline nobody swept.

SQL first, then the log. A log that cannot be reached is left to the sweep.
"""

from __future__ import annotations

import logging
import threading

from shared.errors import LogUnavailable, StoreUnavailable
from shared.sealing import seal_log
from shared.services import Services
from shared.store.rows import Ended, ResponseRow

_log = logging.getLogger("respool.endings")


class Endings:
    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._event_log = services.log
        self._settings = services.settings
        self._transitions = services.transitions

    def cancel(self, tenant_id: str, response_id: str, *, why: str = "") -> Ended | None:
        """None where there is nothing running to cancel. `why`: for the log, if its caller did not ask."""
        ended = self._store.endings.cancel(tenant_id, response_id)
        if ended is not None:
            self._transitions.ended(ended.row, why=why)
            self._seal(ended)
        return ended

    def expire(self, response_id: str, *, grace_seconds: float) -> bool:
        ended = self._store.endings.expire(response_id, grace_seconds=grace_seconds)
        if ended is not None:
            self._transitions.ended(ended.row)
            self._seal(ended)
        return ended is not None

    def deleted(self, row: ResponseRow) -> None:
        self._transitions.say("deleted", row)

    def seal(self, response_id: str) -> None:
        """Complete the log of a response that others have ended. Raises where it cannot be done now."""
        stored = self._store.responses.get(response_id)
        if stored is not None and stored.result is not None:
            ended = Ended(stored.row, stored.envelope, stored.result)
            if seal_log(self._store, self._event_log, ended, wipe_seconds=self._settings.wipe_seconds):
                self._transitions.sealed(stored.row)

    def abandoned(self, row: ResponseRow, channel: str) -> None:
        """The last client that waited here is gone. What nobody could ever fetch is cancelled after a grace.

        `channel`: this process, as the log knows it.
        """
        if row.background:
            return
        try:
            self._event_log.leave(row.id, channel)
        except LogUnavailable as error:
            _log.warning("waiter not removed: %s", error, extra={"response_id": row.id})
        if row.store:
            return
        timer = threading.Timer(self._settings.disconnect_grace_seconds, self._cancel_quietly, (row,))
        timer.daemon = True
        timer.start()

    def _cancel_quietly(self, row: ResponseRow) -> None:
        try:
            if self._is_waited_for(row.id):
                return  # its client has come back, or another one has the same Idempotency-Key
            self.cancel(row.tenant_id, row.id, why="client_gone")
        except (StoreUnavailable, LogUnavailable) as error:
            _log.warning("not cancelled: %s", error, extra={"response_id": row.id})

    def _is_waited_for(self, response_id: str) -> bool:
        if self._event_log.waiter(response_id):
            return True
        watching = self._event_log.watching(response_id)
        return any(self._event_log.hears(channel) for channel in watching)

    def _seal(self, ended: Ended) -> None:
        try:
            seal_log(self._store, self._event_log, ended, wipe_seconds=self._settings.wipe_seconds)
        except (LogUnavailable, StoreUnavailable) as error:
            _log.warning("log not sealed yet: %s", error, extra={"response_id": ended.row.id})
