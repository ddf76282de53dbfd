"""How responses end: by their worker, their caller, their deadline or a lost lease.

Every ending is one conditional UPDATE and, in the same transaction, the final object. The event
log learns of it afterwards (terminal first in SQL, then in the log).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from shared.lifecycle import Status
from shared.store.conversations import append_turn
from shared.store.engine import Database, db_now
from shared.store.finishing import ended, finish_response, finishing
from shared.store.packing import packed
from shared.store.rows import COLUMNS, RESPONSE, Ended, Ending, ResponseRow, load_json, payload_of, row
from shared.store.tables import INPUT, archives, items, payloads, responses
from shared.wire.response import error_object, snapshot

EXPIRED_MESSAGE = "deadline_exceeded: the response did not end before its deadline."
QUEUE_EXPIRED_MESSAGE = "no_capacity: no worker took the response before its queue deadline."
LOST_MESSAGE = "worker_lost: the worker processing this response was lost."
RESCUE_LIMIT_MESSAGE = "rescue_limit: the workers processing this response were lost again and again."

_ENVELOPE = payload_of(payloads.c.envelope)
Build = Callable[[ResponseRow, dict[str, Any]], dict[str, Any]]


class Endings:
    def __init__(self, database: Database) -> None:
        self._db = database

    def finish(
        self,
        response_id: str,
        attempt: int,
        ending: Ending,
        journal: Sequence[bytes],
        *,
        alone: bool = False,
    ) -> Ended | None:
        """The owner ends its response; `journal` is every event before the terminal one.

        The archive is written in the same transaction. None: it was no longer mine.
        `alone`: it is known to be of no conversation, so that one statement does it all.
        """

        def work(connection: sa.Connection) -> Ended | None:
            mine = finish_response(connection, response_id, attempt, ending, journal)
            if mine is not None and mine.row.store and not alone:
                _tell_conversation(connection, mine.row, ending.output_items)
            return mine

        if self._db.is_sqlite or not (alone and ending.at):
            return self._db.write(work)
        statement, values = finishing(response_id, attempt, ending, journal)
        record = self._db.once(statement, values)
        return None if record is None else ended(record, values)

    def cancel(self, tenant_id: str, response_id: str) -> Ended | None:
        """The caller ends it, at once; the raised attempt number fences its worker."""

        def build(r: ResponseRow, envelope: dict[str, Any]) -> dict[str, Any]:
            return snapshot(envelope, response_id=r.id, created_at=r.created_at, status=Status.CANCELLED)

        statement = _ending(Status.CANCELLED).where(
            responses.c.id == response_id,
            responses.c.tenant_id == tenant_id,
            responses.c.terminal_at.is_(None),
        )
        return self._db.write(lambda c: _end(c, statement, build, attempt=responses.c.attempt + 1))

    def expire(self, response_id: str, *, grace_seconds: float) -> Ended | None:
        """End a row that is past its deadline; its owner's watchdog has `grace_seconds` to go first."""
        queued = sa.and_(responses.c.status == Status.QUEUED, responses.c.queue_deadline_at <= db_now())
        running = sa.and_(
            responses.c.status == Status.IN_PROGRESS, responses.c.deadline_at <= db_now() - grace_seconds
        )

        def work(connection: sa.Connection) -> Ended | None:
            for condition, reason, message in (
                (queued, "no_capacity", QUEUE_EXPIRED_MESSAGE),
                (running, "deadline_exceeded", EXPIRED_MESSAGE),
            ):
                statement = _ending(Status.FAILED).where(responses.c.id == response_id, condition)
                ended = _end(
                    connection,
                    statement,
                    _failed(message, []),
                    attempt=responses.c.attempt + 1,
                    error_reason=reason,
                )
                if ended is not None:
                    return ended
            return None

        return self._db.write(work)

    def settle(
        self, lost: ResponseRow, partial: list[dict[str, Any]], *, reason: str, message: str
    ) -> Ended | None:
        """End a row whose lease ran out after something was sent upstream (ladder rung 5)."""
        statement = _ending(Status.FAILED).where(
            responses.c.id == lost.id,
            responses.c.status == Status.IN_PROGRESS,
            responses.c.attempt == lost.attempt,
            responses.c.lease_until < db_now(),
        )
        return self._db.write(
            lambda c: _end(
                c, statement, _failed(message, partial), attempt=responses.c.attempt + 1, error_reason=reason
            )
        )

    def requeue(self, lost: ResponseRow) -> bool:
        """Back to the queue: its lease ran out before anything was sent (ladder rung 2)."""
        statement = (
            sa.update(responses)
            .where(responses.c.id == lost.id, responses.c.status == Status.IN_PROGRESS)
            .where(responses.c.attempt == lost.attempt, responses.c.lease_until < db_now())
            .where(responses.c.upstream_started_at.is_(None))
            .values(
                status=Status.QUEUED,
                attempt=responses.c.attempt + 1,
                rescue_count=responses.c.rescue_count + 1,
                lease_owner=None,
                lease_until=None,
            )
        )
        return self._db.write(lambda c: c.execute(statement).rowcount) == 1

    def restart(self, lost: ResponseRow) -> bool:
        """Once more from the beginning, which pays again: ladder rung 4, where the provider allows it."""
        statement = (
            sa.update(responses)
            .where(responses.c.id == lost.id, responses.c.status == Status.IN_PROGRESS)
            .where(responses.c.attempt == lost.attempt, responses.c.lease_until < db_now())
            .where(responses.c.rescue_count == 0)
            .values(
                status=Status.QUEUED,
                attempt=responses.c.attempt + 1,
                rescue_count=1,
                upstream_started_at=None,
                upstream_response_id=None,
                lease_owner=None,
                lease_until=None,
            )
        )
        return self._db.write(lambda c: c.execute(statement).rowcount) == 1

    def seal(self, response_id: str, terminal_seq: int, frames: Sequence[bytes]) -> bool:
        """Archive the whole log of a response that others ended. False: somebody did already."""

        def work(connection: sa.Connection) -> bool:
            sealed = connection.execute(
                sa.update(responses)
                .where(responses.c.id == response_id, responses.c.terminal_at.is_not(None))
                .where(responses.c.terminal_seq.is_(None))
                .values(terminal_seq=terminal_seq)
                .returning(responses.c.store, responses.c.deleted_at)
            ).one_or_none()
            if sealed is not None and sealed.store and sealed.deleted_at is None:
                _insert_archive(connection, response_id, frames)
            return sealed is not None

        return self._db.write(work)


def _ending(status: str) -> sa.Update:
    return sa.update(responses).values(
        status=status, terminal_at=db_now(), lease_owner=None, lease_until=None
    )


def _end(connection: sa.Connection, statement: sa.Update, build: Build, **changes: Any) -> Ended | None:
    record = connection.execute(statement.values(**changes).returning(*COLUMNS, _ENVELOPE)).one_or_none()
    if record is None:
        return None
    ended, envelope = row(record), load_json(record[len(COLUMNS)])
    response = build(ended, ended.shown(envelope))
    if ended.kind == RESPONSE and ended.status == Status.COMPLETED and ended.terminal_at is not None:
        response = {**response, "completed_at": int(ended.terminal_at)}
    result = orjson.dumps(response)
    connection.execute(sa.update(payloads).where(payloads.c.response_id == ended.id).values(result=result))
    return Ended(ended, envelope, result)


def _tell_conversation(connection: sa.Connection, ended: ResponseRow, output: list[dict[str, Any]]) -> None:
    """A turn that came to its end joins its conversation, input and output; one that broke off does not."""
    if ended.conversation_id is None or ended.status not in (Status.COMPLETED, Status.INCOMPLETE):
        return
    query = (
        sa.select(items.c.data)
        .where(items.c.response_id == ended.id, items.c.direction == INPUT)
        .order_by(items.c.position)
    )
    said = [load_json(data) for data in connection.execute(query).scalars()]
    append_turn(connection, ended.conversation_id, [*said, *output])


def _failed(message: str, output: list[dict[str, Any]]) -> Build:
    def build(r: ResponseRow, envelope: dict[str, Any]) -> dict[str, Any]:
        return snapshot(
            envelope,
            response_id=r.id,
            created_at=r.created_at,
            status=Status.FAILED,
            error=error_object("server_error", message),
            output=output,
        )

    return build


def _insert_archive(connection: sa.Connection, response_id: str, frames: Sequence[bytes]) -> None:
    connection.execute(sa.insert(archives), {"response_id": response_id, "frames": packed(frames)})
