"""Conversations: lists of items that responses continue, numbered from 1 without end.

Whoever adds items first raises the conversation's `last_seq`, which locks its row until COMMIT: a
turn is in the list whole or not at all, and never between the items of another. A deleted one stays
for the responses that were made from it, unreachable by its id, and goes with the last of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from shared.errors import InvalidRequest, conversation_not_found, excerpt
from shared.ids import new_conversation_id, new_item_id
from shared.store.engine import Database, db_now
from shared.store.rows import load_json
from shared.store.tables import conversation_items, conversations, responses
from shared.wire.input_items import PAIRED

_BATCH = 1_000  # values in one statement: every database has a limit

_COLUMNS = (
    conversations.c.id,
    conversations.c.created_at,
    conversations.c.metadata,
    conversations.c.last_seq,
)
_place = conversation_items.c.seq


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    created_at: float
    metadata: dict[str, str]
    last_seq: int  # of its newest item; numbers of deleted items are not given again


class Conversations:
    def __init__(self, database: Database) -> None:
        self._db = database

    def create(
        self, tenant_id: str, metadata: dict[str, str], items: Sequence[dict[str, Any]]
    ) -> Conversation:
        """`items` in their stored form, no two with one id."""

        def work(connection: sa.Connection) -> Conversation:
            record = connection.execute(
                sa.insert(conversations)
                .values(
                    id=new_conversation_id(),
                    tenant_id=tenant_id,
                    metadata=orjson.dumps(metadata),
                    last_seq=len(items),
                    created_at=db_now(),
                )
                .returning(*_COLUMNS)
            ).one()
            _insert(connection, record.id, 1, items)
            return _conversation(record)

        return self._db.write(work)

    def find(self, tenant_id: str, conversation_id: str) -> Conversation | None:
        query = sa.select(*_COLUMNS).where(_owned(tenant_id, conversation_id))
        record = self._db.read(lambda c: c.execute(query).one_or_none())
        return None if record is None else _conversation(record)

    def update(self, tenant_id: str, conversation_id: str, metadata: dict[str, str]) -> Conversation | None:
        """Replaces its metadata."""
        statement = (
            sa.update(conversations)
            .where(_owned(tenant_id, conversation_id))
            .values(metadata=orjson.dumps(metadata))
            .returning(*_COLUMNS)
        )
        record = self._db.write(lambda c: c.execute(statement).one_or_none())
        return None if record is None else _conversation(record)

    def delete(self, tenant_id: str, conversation_id: str) -> bool:
        statement = (
            sa.update(conversations)
            .where(_owned(tenant_id, conversation_id))
            .values(deleted_at=db_now())
            .returning(conversations.c.id)
        )

        def work(connection: sa.Connection) -> bool:
            deleted = connection.execute(statement).one_or_none()
            if deleted is not None:
                remove_forgotten(connection, conversation_id)
            return deleted is not None

        return self._db.write(work)

    def append(
        self, tenant_id: str, conversation_id: str, items: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]] | None:
        """The items as they now are in it; None where there is no such conversation."""
        owned = _owned(tenant_id, conversation_id)
        return self._db.write(lambda c: _append(c, conversation_id, owned, items))

    def page(
        self, tenant_id: str, conversation_id: str, *, limit: int, descending: bool, after: str | None
    ) -> tuple[list[dict[str, Any]], bool]:
        """Some of its items, and whether more follow. Raises InvalidRequest for an unknown `after`."""
        listed = sa.select(conversation_items.c.data).where(_items_of(tenant_id, conversation_id))

        def work(connection: sa.Connection) -> list[bytes]:
            query = listed.order_by(_place.desc() if descending else _place).limit(limit + 1)
            if after is not None:
                start = connection.execute(
                    sa.select(_place).where(_item(tenant_id, conversation_id, after))
                ).scalar_one_or_none()
                if start is None:
                    raise InvalidRequest(
                        f"No item with id '{excerpt(after)}' in this list.",
                        code="invalid_value",
                        param="after",
                    )
                query = query.where(_place < start if descending else _place > start)
            return list(connection.execute(query).scalars())

        found = self._db.read(work)
        return [load_json(data) for data in found[:limit]], len(found) > limit

    def item(self, tenant_id: str, conversation_id: str, item_id: str) -> dict[str, Any] | None:
        query = sa.select(conversation_items.c.data).where(_item(tenant_id, conversation_id, item_id))
        data = self._db.read(lambda c: c.execute(query).scalar_one_or_none())
        return None if data is None else load_json(data)

    def delete_item(self, tenant_id: str, conversation_id: str, item_id: str) -> bool:
        statement = sa.delete(conversation_items).where(_item(tenant_id, conversation_id, item_id))
        return self._db.write(lambda c: c.execute(statement).rowcount) == 1

    def paired(self, tenant_id: str, conversation_id: str, up_to: int) -> list[dict[str, Any]]:
        """The tool calls and the outputs among its items, oldest first."""
        query = (
            sa.select(conversation_items.c.data)
            .where(_items_of(tenant_id, conversation_id), _place <= up_to, conversation_items.c.paired)
            .order_by(_place)
        )
        return [load_json(data) for data in self._db.read(lambda c: c.execute(query).scalars().all())]


def require_conversation(connection: sa.Connection, tenant_id: str, conversation_id: str) -> int:
    """Its newest number, held against deletion until COMMIT. Raises NotFound."""
    last_seq: int | None = connection.execute(
        sa.select(conversations.c.last_seq)
        .where(_owned(tenant_id, conversation_id))
        .with_for_update(read=True)
    ).scalar_one_or_none()
    if last_seq is None:
        raise conversation_not_found(conversation_id, param="conversation")
    return last_seq


def append_turn(connection: sa.Connection, conversation_id: str, items: Sequence[dict[str, Any]]) -> None:
    """Nothing where the conversation has been deleted."""
    _append(connection, conversation_id, conversations.c.id == conversation_id, items)


def remove_forgotten(connection: sa.Connection, conversation_id: str) -> None:
    """Drop a deleted conversation that no response was made from, or none is left of them."""
    gone = sa.and_(conversations.c.id == conversation_id, conversations.c.deleted_at.is_not(None))
    # the lock first: of two that remove its last two responses, the second must see what the first did
    locked = connection.execute(sa.select(conversations.c.id).where(gone).with_for_update())
    if locked.one_or_none() is not None:
        used = sa.exists().where(responses.c.conversation_id == conversation_id)
        connection.execute(sa.delete(conversations).where(gone, ~used))


def _append(
    connection: sa.Connection,
    conversation_id: str,
    which: sa.ColumnElement[bool],
    items: Sequence[dict[str, Any]],
) -> list[dict[str, Any]] | None:
    last_seq = connection.execute(
        sa.update(conversations)
        .where(which, conversations.c.deleted_at.is_(None))
        .values(last_seq=conversations.c.last_seq + len(items))
        .returning(conversations.c.last_seq)
    ).scalar_one_or_none()
    if last_seq is None:
        return None
    added = _with_free_ids(connection, conversation_id, items)
    _insert(connection, conversation_id, last_seq - len(items) + 1, added)
    return added


def _with_free_ids(
    connection: sa.Connection, conversation_id: str, items: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """An id names one item of a conversation: a second one gets an id of its own.

    But for reasoning, whose sealed content is bound to its id: what is there already stays alone.
    """
    taken: set[str] = set()
    for some in _batches([item["id"] for item in items]):
        query = sa.select(conversation_items.c.item_id).where(
            conversation_items.c.conversation_id == conversation_id, conversation_items.c.item_id.in_(some)
        )
        taken.update(connection.execute(query).scalars())
    added = []
    for item in items:
        if item["id"] in taken:
            if item["type"] == "reasoning":
                continue
            item = {**item, "id": new_item_id(item["type"])}
        taken.add(item["id"])
        added.append(item)
    return added


def _insert(
    connection: sa.Connection, conversation_id: str, first: int, items: Sequence[dict[str, Any]]
) -> None:
    if items:
        connection.execute(
            sa.insert(conversation_items),
            [
                {
                    "conversation_id": conversation_id,
                    "seq": seq,
                    "item_id": item["id"],
                    "paired": item["type"] in PAIRED,
                    "data": orjson.dumps(item),
                }
                for seq, item in enumerate(items, start=first)
            ],
        )


def _owned(tenant_id: str, conversation_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        conversations.c.id == conversation_id,
        conversations.c.tenant_id == tenant_id,
        conversations.c.deleted_at.is_(None),
    )


def _items_of(tenant_id: str, conversation_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        conversation_items.c.conversation_id == conversation_id,
        sa.exists().where(_owned(tenant_id, conversation_id)),
    )


def _item(tenant_id: str, conversation_id: str, item_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(_items_of(tenant_id, conversation_id), conversation_items.c.item_id == item_id)


def _conversation(record: Any) -> Conversation:
    return Conversation(record.id, record.created_at, load_json(record.metadata), record.last_seq)


def _batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]
