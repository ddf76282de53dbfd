"""Rule: terminal first in SQL, then in the log; whoever notices that the second is missing does it.

The terminal event is built from the row, the same bytes whoever writes them, and Lua lets exactly
one in. Then the log is complete and goes into the archive.
"""

from __future__ import annotations

from typing import Any

from shared.errors import LogUnavailable
from shared.lifecycle import Status
from shared.log import ENDED_SECONDS, EventLog
from shared.store import Store
from shared.store.rows import Ended, ResponseRow
from shared.wire import events
from shared.wire.response import snapshot


def opening_frames(row: ResponseRow, envelope: dict[str, Any]) -> list[bytes]:
    """The first events: a pure function of the inserted row (DESIGN 7.4)."""
    queued = snapshot(envelope, response_id=row.id, created_at=row.created_at, status=Status.QUEUED)
    return events.opening(queued, background=row.background)


def seal_log(store: Store, log: EventLog, ended: Ended, *, wipe_seconds: float) -> bool:
    """Give an ended response's log its terminal event, and archive it. Safe to repeat.

    Whether it was this call that wrote the event.
    Raises LogUnavailable and StoreUnavailable; the sweep comes again.
    """
    row = ended.row
    # a log that is gone although a worker had it had events that nobody can give back
    lost = row.deadline_at is not None
    state = log.acquire(row.id, row.attempt, opening_frames(row, ended.envelope), lost=lost)
    if state.attempt > row.attempt:
        return False
    written = False
    if not state.terminal:
        frame = events.terminal(row.status, state.seq + 1, ended.result)
        written = (
            log.append(row.id, row.attempt, state.seq + 1, [frame], seconds=wipe_seconds + ENDED_SECONDS) >= 0
        )
    if row.terminal_seq is None:
        whole = log.read_all(row.id)
        if whole.state is None or not whole.state.terminal or whole.state.seq + 1 != len(whole.frames):
            raise LogUnavailable("the log was lost while it was sealed")
        store.endings.seal(row.id, whole.state.seq, whole.frames)
    log.expire(row.id, ENDED_SECONDS if row.store else wipe_seconds)
    return written
