"""How much may wait: beyond the limits a create is refused, with an honest Retry-After.

Counting a deep queue at every create would cost what the queue costs: far below a limit, a count of
the last second is trusted, plus what this process has accepted since.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from shared.errors import RateLimited
from shared.lifecycle import Status
from shared.store.engine import db_now
from shared.store.tables import IN_BOTH_LANES, responses

Count = Callable[[sa.Select[Any]], Any]  # runs a query that gives one number

NO_LIMIT = 2**31 - 1
TRUST_SECONDS = 1.0
_FAR = 1_000  # this far below a limit a count may be a second old; nearer, every create counts
_RATE_SECONDS = 60.0
MAX_RETRY_AFTER = 60


class Admission:
    def __init__(self, *, limit: int, tenant_limit: int) -> None:
        self._limit = limit
        self._tenant_limit = tenant_limit
        self._known: dict[str | None, tuple[float, int]] = {}

    def admit(self, tenant_id: str, count: Count) -> None:
        """Before the INSERT, in its transaction if it has one. Raises RateLimited where the queue is full."""
        for tenant, limit in ((tenant_id, self._tenant_limit), (None, self._limit)):
            if self._depth(count, tenant, limit) >= limit:
                raise RateLimited(
                    "Too many responses are waiting" + (" for this tenant." if tenant else "."),
                    code="queue_full",
                    retry_after=_seconds_to_drain(count, limit),
                )

    def _depth(self, count: Count, tenant: str | None, limit: int) -> int:
        now = time.monotonic()
        known = self._known.get(tenant)
        if known is not None and known[1] < limit - _FAR:
            is_young = now - known[0] < TRUST_SECONDS
            # whoever finds it old counts; those who come meanwhile need not all do the same
            self._known[tenant] = (known[0] if is_young else now, known[1] + 1)
            if is_young:
                return known[1]
        waiting = sa.select(sa.literal(1)).where(responses.c.status == Status.QUEUED, IN_BOTH_LANES)
        if tenant is not None:
            waiting = waiting.where(responses.c.tenant_id == tenant)
        some = waiting.limit(limit).subquery()
        depth = int(count(sa.select(sa.func.count()).select_from(some)))
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[tenant] = (now, depth)
        return depth


def _seconds_to_drain(count: Count, depth: int) -> int:
    """By what ended in the last minute; a tenth of the queue is enough room to come back to."""
    ended = count(
        sa.select(sa.func.count())
        .select_from(responses)
        .where(responses.c.store.in_((True, False)), responses.c.deleted_at.is_(None))
        .where(responses.c.terminal_at > db_now() - _RATE_SECONDS)
    )
    rate = max(ended / _RATE_SECONDS, 0.1)
    return int(min(max(depth / 10 / rate, 1), MAX_RETRY_AFTER))
