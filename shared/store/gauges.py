"""What waits and what runs, by tenant: counts for the operator, bounded in rows and in tenants.

Each is one query over a partial index of unfinished rows, so its cost follows the queue and never
the number of responses kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from shared.store.engine import Database, db_now
from shared.store.tables import responses

ROWS = 1_000_000  # counted at most
TENANTS = 100  # shown by name; the rest together
OTHERS = "(other)"


@dataclass(frozen=True, slots=True)
class Queued:
    count: int
    oldest_seconds: float


class Gauges:
    def __init__(self, database: Database) -> None:
        self._db = database

    def queued(self) -> dict[str, Queued]:
        """By tenant; the longest queues by name."""
        rows = _of_status("queued")
        query = sa.select(
            rows.c.tenant_id, sa.func.count(), db_now() - sa.func.min(rows.c.created_at)
        ).group_by(rows.c.tenant_id)
        found = self._db.read(lambda c: c.execute(query).all())
        ranked = sorted(((n, age, tenant) for tenant, n, age in found), reverse=True)
        shown = {tenant: Queued(n, max(age, 0.0)) for n, age, tenant in ranked[:TENANTS]}
        rest = ranked[TENANTS:]
        if rest:
            shown[OTHERS] = Queued(sum(n for n, _, _ in rest), max(age for _, age, _ in rest))
        return shown

    def in_progress(self) -> dict[str, int]:
        """By tenant; the busiest by name."""
        rows = _of_status("in_progress")
        query = sa.select(rows.c.tenant_id, sa.func.count()).group_by(rows.c.tenant_id)
        found = self._db.read(lambda c: c.execute(query).all())
        ranked = sorted(((n, tenant) for tenant, n in found), reverse=True)
        shown = {tenant: n for n, tenant in ranked[:TENANTS]}
        rest = ranked[TENANTS:]
        if rest:
            shown[OTHERS] = sum(n for n, _ in rest)
        return shown

    def now(self) -> float:
        """The database's clock."""
        return float(self._db.read(lambda c: c.execute(sa.select(db_now())).scalar_one()))


def _of_status(status: str) -> sa.Subquery:
    return (
        sa.select(responses.c.tenant_id, responses.c.created_at)
        # as the index says it, so that every plan may use it
        .where(responses.c.status == sa.literal_column(f"'{status}'"))
        .limit(ROWS)
        .subquery()
    )
