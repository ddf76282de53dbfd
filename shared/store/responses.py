"""Responses as their callers see them: accept, read, delete. Every query carries its tenant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from shared.errors import InvalidRequest, excerpt
from shared.store.accepting import insert_response, insertion
from shared.store.admission import NO_LIMIT, Admission
from shared.store.conversations import remove_forgotten, require_conversation
from shared.store.copies import note_unwanted
from shared.store.engine import Database, db_now
from shared.store.idempotency import take_key
from shared.store.items import MAX_CHAIN
from shared.store.rows import COLUMNS, NewResponse, ResponseRow, Stored, load_json, row
from shared.store.tables import archives, payloads, responses

READ = sa.select(*COLUMNS, payloads.c.envelope, payloads.c.result).join_from(responses, payloads)
_parent = responses.alias("parent")
_child = responses.alias("child")
HAS_CHILD = sa.exists().where(_child.c.previous_response_id == responses.c.id)


class Responses:
    def __init__(self, database: Database, admission: Admission | None = None) -> None:
        self._db = database
        self._admission = admission or Admission(limit=NO_LIMIT, tenant_limit=NO_LIMIT)

    def insert(self, new: NewResponse) -> ResponseRow:
        """Accept a response: durable when this returns.

        Raises InvalidRequest for its parent, NotFound for its conversation, AlreadyAccepted or
        Unprocessable for its idempotency key.
        """

        # one that refers to nothing is one statement, and that is its own transaction
        alone = (new.idempotency_key, new.previous_response_id, new.conversation_id) == (None, None, None)
        if alone and not self._db.is_sqlite:
            return self._insert_alone(new)

        def work(connection: sa.Connection) -> ResponseRow:
            take_key(connection, new)
            self._admission.admit(new.tenant_id, lambda query: connection.execute(query).scalar_one())
            turn = _next_turn(connection, new.tenant_id, new.previous_response_id)
            seq = _conversation_seq(connection, new)
            return insert_response(connection, new, turn=turn, conversation_seq=seq)

        return self._db.write(work)

    def _insert_alone(self, new: NewResponse) -> ResponseRow:
        self._admission.admit(
            new.tenant_id, lambda query: self._db.read(lambda c: c.execute(query).scalar_one())
        )
        return row(self._db.once(*insertion(new, turn=0, conversation_seq=None)))

    def find(self, tenant_id: str, response_id: str) -> Stored | None:
        """The caller's own response, None where there is none to see."""
        query = READ.where(responses.c.id == response_id, responses.c.tenant_id == tenant_id)
        record = self._db.read(lambda c: c.execute(query).one_or_none())
        stored = None if record is None else to_stored(record)
        return stored if stored is not None and stored.row.is_readable else None

    def get(self, response_id: str) -> Stored | None:
        """Any response, for Respool's own work; never for a caller's id."""
        query = READ.where(responses.c.id == response_id)
        record = self._db.read(lambda c: c.execute(query).one_or_none())
        return None if record is None else to_stored(record)

    def last_like(
        self, tenant_id: str, key_id: str, body_hash: str, *, age_seconds: float
    ) -> ResponseRow | None:
        """The newest foreground response to the same body by the same key, if young enough."""
        query = (
            sa.select(*COLUMNS)
            .where(responses.c.tenant_id == tenant_id, responses.c.key_id == key_id)
            .where(responses.c.body_hash == body_hash, responses.c.background.is_(False))
            .where(responses.c.deleted_at.is_(None), responses.c.created_at > db_now() - age_seconds)
            .order_by(responses.c.created_at.desc())
            .limit(1)
        )
        record = self._db.read(lambda c: c.execute(query).one_or_none())
        return None if record is None else row(record)

    def states(self, response_ids: Iterable[str]) -> dict[str, ResponseRow]:
        query = sa.select(*COLUMNS).where(responses.c.id.in_(list(response_ids)))
        return {r.id: r for r in map(row, self._db.read(lambda c: c.execute(query).all()))}

    def archive(self, response_id: str) -> bytes | None:
        """The zlib-compressed frames of an ended response, None before it is archived."""
        query = sa.select(archives.c.frames).where(archives.c.response_id == response_id)
        value: bytes | None = self._db.read(lambda c: c.execute(query).scalar_one_or_none())
        return value

    def delete(self, tenant_id: str, response_id: str) -> bool:
        """Remove an ended response; its items stay only while a living descendant needs them."""

        def work(connection: sa.Connection) -> bool:
            deleted = connection.execute(
                sa.update(responses)
                .where(responses.c.id == response_id, responses.c.tenant_id == tenant_id)
                .where(responses.c.deleted_at.is_(None), responses.c.terminal_at.is_not(None))
                .values(deleted_at=db_now())
                .returning(responses.c.id)
            ).one_or_none()
            if deleted is None:
                return False
            note_unwanted(connection, responses.c.id == response_id)
            connection.execute(sa.delete(payloads).where(payloads.c.response_id == response_id))
            connection.execute(sa.delete(archives).where(archives.c.response_id == response_id))
            remove_lineage(connection, [response_id])
            return True

        return self._db.write(work)


def remove_lineage(connection: sa.Connection, response_ids: Sequence[str]) -> None:
    """Drop those that nobody descends from, which the caller deletes; then deleted ancestors likewise.

    A generation at a time: hundreds of responses are as few statements as one.
    """
    current = list(response_ids)
    may_go: sa.ColumnElement[bool] = sa.true()
    while current:
        named = sa.select(responses.c.previous_response_id).where(responses.c.id.in_(current))
        # a parent and its children that go at the same moment must see each other go
        connection.execute(
            sa.select(_parent.c.id).where(_parent.c.id.in_(named)).order_by(_parent.c.id).with_for_update()
        )
        gone = connection.execute(
            sa.delete(responses)
            .where(responses.c.id.in_(current), may_go, ~HAS_CHILD)
            .returning(responses.c.previous_response_id, responses.c.conversation_id)
        ).all()
        for conversation_id in sorted({r.conversation_id for r in gone if r.conversation_id is not None}):
            remove_forgotten(connection, conversation_id)
        current = sorted({r.previous_response_id for r in gone if r.previous_response_id is not None})
        may_go = responses.c.deleted_at.is_not(None)


def _conversation_seq(connection: sa.Connection, new: NewResponse) -> int | None:
    """Where the history ends: as its maker saw it, else with the newest item there is now."""
    if new.conversation_id is None:
        return None
    newest = require_conversation(connection, new.tenant_id, new.conversation_id)
    return newest if new.conversation_seq is None else new.conversation_seq


def _next_turn(connection: sa.Connection, tenant_id: str, parent_id: str | None) -> int:
    """The place after the parent, which cannot be removed before its child is there."""
    if parent_id is None:
        return 0
    turn = _locked_turn(connection, tenant_id, parent_id) + 1
    if turn >= MAX_CHAIN:
        raise InvalidRequest(
            f"The chain of previous responses has {MAX_CHAIN} turns already: compact it, or begin anew.",
            code="context_too_long",
            param="previous_response_id",
        )
    return turn


def _locked_turn(connection: sa.Connection, tenant_id: str, parent_id: str) -> int:
    parent = connection.execute(
        sa.select(responses.c.status, responses.c.terminal_at, responses.c.turn)
        .where(responses.c.id == parent_id, responses.c.tenant_id == tenant_id)
        .where(responses.c.deleted_at.is_(None), responses.c.store.is_(True))
        .with_for_update(read=True)
    ).one_or_none()
    if parent is None:
        raise InvalidRequest(
            f"Previous response with id '{excerpt(parent_id)}' not found.",
            code="previous_response_not_found",
            param="previous_response_id",
        )
    if parent.terminal_at is None:
        raise InvalidRequest(
            f"Previous response with id '{parent_id}' is still {parent.status}: wait for its end.",
            code="previous_response_not_completed",
            param="previous_response_id",
        )
    turn: int = parent.turn
    return turn


def to_stored(record: Any) -> Stored:
    envelope, result = record[len(COLUMNS) :]
    return Stored(row(record), load_json(envelope), result)
