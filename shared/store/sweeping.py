"""What the sweep looks for, and retention. All steps are safe to run many times at once."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from shared.lifecycle import Status
from shared.store.copies import note_unwanted
from shared.store.engine import Database, db_now
from shared.store.idempotency import forget_expired
from shared.store.responses import HAS_CHILD, remove_lineage
from shared.store.rows import COLUMNS, ResponseRow, row
from shared.store.tables import IN_BOTH_LANES, archives, heartbeats, payloads, responses

SWEEP = "sweep"
PROBE = "probe"


class Sweeping:
    def __init__(self, database: Database) -> None:
        self._db = database

    def lost(self, *, limit: int) -> list[ResponseRow]:
        """Rows in progress whose lease has run out."""
        return self._rows(
            responses.c.status == Status.IN_PROGRESS, responses.c.lease_until < db_now(), limit=limit
        )

    def overdue(self, *, grace_seconds: float, limit: int) -> list[ResponseRow]:
        """Rows past their deadline: those that run, then those that wait."""
        # two queries, each led to its index: for one with OR, SQLite reads the whole table
        running = self._rows(
            responses.c.status == Status.IN_PROGRESS,
            responses.c.lease_until.is_not(None),
            responses.c.deadline_at <= db_now() - grace_seconds,
            limit=limit,
        )
        queued = self._rows(
            responses.c.status == Status.QUEUED,
            IN_BOTH_LANES,
            responses.c.queue_deadline_at <= db_now(),
            limit=limit,
        )
        return running + queued

    def unsealed(self, *, limit: int) -> list[ResponseRow]:
        """Ended rows whose log has no archive yet."""
        return self._rows(
            responses.c.terminal_at.is_not(None), responses.c.terminal_seq.is_(None), limit=limit
        )

    def sealed_lately(self, *, age_seconds: float, limit: int) -> list[str]:
        """Ids of stored responses that ended within the last seconds and have their archive, latest first."""
        query = (
            sa.select(responses.c.id)
            .where(responses.c.terminal_at > db_now() - age_seconds, responses.c.terminal_seq.is_not(None))
            .where(responses.c.store.is_(True), responses.c.deleted_at.is_(None))
            .order_by(responses.c.terminal_at.desc())
            .limit(limit)
        )
        return list(self._db.read(lambda c: c.execute(query).scalars().all()))

    def uptime(self) -> float:
        """Seconds since the database started; leases could not be renewed before (infinite on SQLite)."""
        if self._db.is_sqlite:
            return float("inf")
        query = sa.text("SELECT extract(epoch from now() - pg_postmaster_start_time())::float8")
        return float(self._db.read(lambda c: c.execute(query).scalar_one()))

    def beat(self) -> None:
        """Say that somebody sweeps."""
        self._touch(SWEEP)

    def probe(self) -> None:
        """Prove that the store can be written."""
        self._touch(PROBE)

    def _touch(self, name: str) -> None:
        def work(connection: sa.Connection) -> None:
            insert = sqlite.insert if self._db.is_sqlite else postgresql.insert
            statement = insert(heartbeats).values(name=name, at=db_now())
            connection.execute(
                statement.on_conflict_do_update(index_elements=["name"], set_={"at": db_now()})
            )

        self._db.write(work)

    def last_sweep_age(self) -> float | None:
        query = sa.select(db_now() - heartbeats.c.at).where(heartbeats.c.name == SWEEP)
        age: float | None = self._db.read(lambda c: c.execute(query).scalar_one_or_none())
        return age

    def wipe_unstored(self, *, age_seconds: float, limit: int) -> list[str]:
        """Remove `store: false` responses some time after their end, whole; their ids."""
        return self._remove(responses.c.store.is_(False), age_seconds, limit)

    def forget_keys(self, *, limit: int) -> int:
        """Remove idempotency keys that are past their day."""
        return self._db.write(lambda c: forget_expired(c, limit))

    def retire(self, *, age_seconds: float, limit: int) -> list[str]:
        """Remove stored responses past their retention, as DELETE does; their ids."""
        return self._remove(responses.c.store.is_(True), age_seconds, limit)

    def _remove(self, which: sa.ColumnElement[bool], age_seconds: float, limit: int) -> list[str]:
        def work(connection: sa.Connection) -> list[str]:
            due = self._ids(connection, which, age_seconds, limit)
            if due:
                these = responses.c.id.in_(due)
                note_unwanted(connection, these)
                connection.execute(sa.delete(payloads).where(payloads.c.response_id.in_(due)))
                connection.execute(sa.delete(archives).where(archives.c.response_id.in_(due)))
                # a mark only where something stays: it costs as much as the removal
                marked = sa.update(responses).where(these, HAS_CHILD).values(deleted_at=db_now())
                connection.execute(marked)
                remove_lineage(connection, due)
            return due

        return self._db.write(work)

    def _ids(
        self, connection: sa.Connection, which: sa.ColumnElement[bool], age_seconds: float, limit: int
    ) -> list[str]:
        query = (
            sa.select(responses.c.id)
            .where(which, responses.c.terminal_at < db_now() - age_seconds, responses.c.deleted_at.is_(None))
            .order_by(responses.c.terminal_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return list(connection.execute(query).scalars())

    def _rows(self, *conditions: sa.ColumnElement[bool], limit: int) -> list[ResponseRow]:
        query = sa.select(*COLUMNS).where(*conditions, responses.c.deleted_at.is_(None)).limit(limit)
        return [row(r) for r in self._db.read(lambda c: c.execute(query).all())]
