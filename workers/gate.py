"""The money gate, passed once and surely: committed before the first byte goes upstream.

A COMMIT whose answer was lost may have been done. Only the hand that holds the attempt could have
passed its gate, and that hand is here and has sent nothing: then it may go through.
"""

from __future__ import annotations

import time

from shared.errors import LeaseLost, StoreUnavailable
from shared.store import Store
from shared.store.rows import ResponseRow

PAUSE_SECONDS = 0.5


def pass_gate(store: Store, row: ResponseRow, *, patience_seconds: float) -> None:
    """Raises LeaseLost where nothing may be sent, StoreUnavailable where that cannot be known in time."""
    until = time.monotonic() + patience_seconds
    unsure = False
    while True:
        try:
            if store.leases.gate(row.id, row.attempt) or (unsure and _is_passed(store, row)):
                return
            raise LeaseLost("the money gate was closed")
        except StoreUnavailable:
            if time.monotonic() >= until:
                raise
            unsure = True
            time.sleep(PAUSE_SECONDS)


def _is_passed(store: Store, row: ResponseRow) -> bool:
    if not store.leases.renew(row.id, row.attempt):
        return False
    now = store.responses.states([row.id]).get(row.id)
    return now is not None and now.attempt == row.attempt and now.upstream_started_at is not None
