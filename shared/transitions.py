"""One log line for each step of a response's life, in the same words whoever takes the step.

The line has the response's id, attempt and request id, its status and a reason: never a word of a
prompt or an answer. What the metrics count of these steps is counted with the line.
"""

from __future__ import annotations

import logging

from shared.lifecycle import Status
from shared.metrics import ENDED, FALLBACKS, FENCED, PUT_BACK, RESCUES, SEALED, Counters
from shared.store.rows import ResponseRow

_log = logging.getLogger("respool.response")

_EXPIRED = {"no_capacity", "deadline_exceeded"}
_AGAIN = {"requeue": "requeued", "restart": "restarted", "resume": "resumed"}  # by rung


class Transitions:
    def __init__(self, counters: Counters) -> None:
        self.counters = counters

    def say(self, what: str, row: ResponseRow, **fields: object) -> None:
        """`fields`: those of shared/telemetry.py, where they differ from the row's."""
        if not _log.isEnabledFor(logging.INFO):
            return
        known = {
            "response_id": row.id,
            "attempt": row.attempt,
            "request_id": row.request_id,
            "tenant": row.tenant_id,
            "provider": row.provider,
            "status": row.status,
        }
        _log.info(what, extra={**known, **fields})

    def ended(self, row: ResponseRow, *, why: str = "") -> None:
        """Said once, by the hand that ended it, after its COMMIT. `why`: where the row has no reason."""
        reason = row.error_reason or why
        self.counters.add(ENDED, row.status, reason)
        what = "expired" if reason in _EXPIRED else "ended"
        seconds = round((row.terminal_at or row.created_at) - row.created_at, 3)
        self.say("cancelled" if row.status == Status.CANCELLED else what, row, reason=reason, seconds=seconds)

    def rescued(self, row: ResponseRow, rung: str) -> None:
        """A lease ran out: which rung of the ladder its response took. An end is said by `ended`."""
        self.counters.add(RESCUES, rung)
        what = _AGAIN.get(rung)
        if what is not None:
            self.say(what, row, reason="worker_lost")

    def put_back(self, row: ResponseRow, *, reason: str, seconds: float) -> None:
        self.counters.add(PUT_BACK, row.provider)
        self.say("put back", row, status=Status.QUEUED, reason=reason, seconds=seconds)

    def moved(self, row: ResponseRow, *, to: str, reason: str) -> None:
        """From its account to another one of its alias."""
        self.counters.add(FALLBACKS, row.provider, to)
        self.say("sent elsewhere", row, to=to, reason=reason)

    def held_back(self, row: ResponseRow, *, reason: str, seconds: float) -> None:
        """Claimed a moment too late: its account takes nothing now."""
        self.say("held back", row, status=Status.QUEUED, reason=reason, seconds=seconds)

    def fenced(self, row: ResponseRow, *, reason: str) -> None:
        self.counters.add(FENCED)
        self.say("fenced", row, reason=reason)

    def sealed(self, row: ResponseRow) -> None:
        """Somebody else ended it, and its log lacked the terminal event."""
        self.counters.add(SEALED)
        self.say("sealed by helper", row)
