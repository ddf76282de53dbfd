"""Items: stored once, by reference. A chain is read in one query, whatever its depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from shared.errors import InvalidRequest, excerpt
from shared.store.engine import Database
from shared.store.rows import ResponseRow, load_json
from shared.store.tables import INPUT, OUTPUT, conversation_items, conversations, items, responses

_BATCH = 1_000  # values in one statement: every database has a limit
MAX_CHAIN = 10_000  # turns: a longer one is refused, so that no walk along a chain can stall the store


def item_values(response_id: str, direction: int, values: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of one direction's items, in their order."""
    return [
        {
            "response_id": response_id,
            "direction": direction,
            "position": position,
            "item_id": item["id"],
            "data": orjson.dumps(item),
        }
        for position, item in enumerate(values)
    ]


_LISTED: dict[str, Any] = {"position": sa.Integer(), "item_id": sa.Text(), "data": sa.LargeBinary()}


def insert_listed(owner: sa.CTE, direction: int, *, one: bool) -> sa.Insert:
    """PostgreSQL: items of the response that `owner` holds, as part of a larger statement.

    Any number of them are parameters that are lists; `one`, the usual case, costs less without.
    """
    said: sa.FromClause
    if one:
        said = sa.select(*(sa.bindparam(n, type_=t).label(n) for n, t in _LISTED.items())).subquery("listed")
    else:
        lists = [sa.bindparam(n, type_=sa.ARRAY(t)) for n, t in _LISTED.items()]
        said = sa.func.unnest(*lists).table_valued(*_LISTED, name="listed").render_derived()
    rows = sa.select(owner.c.id, sa.literal(direction), *said.c).select_from(owner.join(said, sa.true()))
    return sa.insert(items).from_select(["response_id", "direction", *_LISTED], rows.where(owner.c.store))


def listed(values: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The parameters of `insert_listed`."""
    if len(values) == 1:
        return {name: values[0][name] for name in _LISTED}
    return {name: [item[name] for item in values] for name in _LISTED}


class Items:
    def __init__(self, database: Database) -> None:
        self._db = database

    def history(self, response_id: str) -> list[dict[str, Any]]:
        """All turns up to and including this response, oldest first, inputs before outputs."""
        told = _told(response_id)
        query = sa.select(told.c.data).order_by(*_place(told))
        return [load_json(r[0]) for r in self._db.read(lambda c: c.execute(query).all())]

    def outputs(self, tenant_id: str, response_id: str) -> list[dict[str, Any]]:
        """One response's own output items."""
        query = (
            sa.select(items.c.data)
            .join(responses, responses.c.id == items.c.response_id)
            .where(items.c.response_id == response_id, items.c.direction == OUTPUT)
            .where(responses.c.tenant_id == tenant_id)
            .order_by(items.c.position)
        )
        return [load_json(r[0]) for r in self._db.read(lambda c: c.execute(query).all())]

    def by_ids(self, tenant_id: str, item_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Items of the tenant's living responses and conversations, by item id."""

        def work(connection: sa.Connection) -> list[Any]:
            found: list[Any] = []
            for start in range(0, len(item_ids), _BATCH):
                found += connection.execute(_living(tenant_id, item_ids[start : start + _BATCH])).all()
            return found

        return {r.item_id: load_json(r.data) for r in self._db.read(work)}

    def said_before(self, row: ResponseRow) -> list[dict[str, Any]]:
        """What a response continues, oldest first: its chain or its conversation, fixed when it was made."""
        if row.previous_response_id is not None:
            return self.history(row.previous_response_id)
        if row.conversation_id is None:
            return []
        query = (
            sa.select(conversation_items.c.data)
            .where(conversation_items.c.conversation_id == row.conversation_id)
            .where(conversation_items.c.seq <= row.conversation_seq)
            .order_by(conversation_items.c.seq)
        )
        return [load_json(r[0]) for r in self._db.read(lambda c: c.execute(query).all())]

    def inputs(
        self, response_id: str, *, limit: int, descending: bool, after: str | None
    ) -> tuple[list[dict[str, Any]], bool]:
        """A page of what a response was made from (CONTRACT 3.4), and whether more follows.

        Its own output is not part of it. Raises InvalidRequest where `after` is not in the list.
        """
        told = _told(response_id)
        place = _place(told)
        listed = sa.select(told.c.item_id, told.c.data, *place).where(
            sa.or_(told.c.turn < 0, told.c.direction == INPUT)
        )
        order = [p.desc() for p in place] if descending else list(place)

        def work(connection: sa.Connection) -> list[Any]:
            query = listed.order_by(*order).limit(limit + 1)
            if after is not None:
                # the last of several with one id: a page never starts before where it ended
                found = connection.execute(
                    listed.where(told.c.item_id == after)
                    .order_by(*([p.asc() for p in place] if descending else [p.desc() for p in place]))
                    .limit(1)
                ).one_or_none()
                if found is None:
                    raise InvalidRequest(
                        f"No item with id '{excerpt(after)}' in this list.",
                        code="invalid_value",
                        param="after",
                    )
                here, there = sa.tuple_(*place), sa.tuple_(*(sa.literal(v, sa.Integer) for v in found[2:]))
                query = query.where(here < there if descending else here > there)
            return list(connection.execute(query).all())

        records = self._db.read(work)
        return [load_json(r.data) for r in records[:limit]], len(records) > limit


def _told(response_id: str) -> sa.Subquery:
    """Every item of a response's chain, and before them the conversation that its first turn continued."""
    chain = _chain(response_id)
    turns = sa.select(
        items.c.item_id, items.c.data, (-chain.c.depth).label("turn"), items.c.direction, items.c.position
    ).join(chain, chain.c.id == items.c.response_id)
    conversation = sa.select(
        conversation_items.c.item_id,
        conversation_items.c.data,
        -chain.c.depth - 1,
        sa.literal(INPUT, sa.Integer),
        conversation_items.c.seq,
    ).join(
        chain,
        sa.and_(
            chain.c.conversation_id == conversation_items.c.conversation_id,
            chain.c.conversation_seq >= conversation_items.c.seq,
        ),
    )
    return turns.union_all(conversation).subquery("told")


def _place(told: sa.Subquery) -> tuple[sa.ColumnElement[int], ...]:
    return told.c.turn, told.c.direction, told.c.position


def _chain(response_id: str) -> sa.CTE:
    """The response (depth 0) and its ancestors, deleted ones too: their items live on here."""
    start = sa.select(
        responses.c.id,
        responses.c.previous_response_id.label("parent"),
        responses.c.conversation_id,
        responses.c.conversation_seq,
        sa.literal(0, sa.Integer).label("depth"),
    ).where(responses.c.id == response_id)
    chain = start.cte("chain", recursive=True)
    parent = responses.alias("parent")
    return chain.union_all(
        sa.select(
            parent.c.id,
            parent.c.previous_response_id,
            parent.c.conversation_id,
            parent.c.conversation_seq,
            chain.c.depth + 1,
        )
        .join(chain, parent.c.id == chain.c.parent)
        .where(chain.c.depth < MAX_CHAIN)
    )


def _living(tenant_id: str, item_ids: Sequence[str]) -> sa.CompoundSelect[Any]:
    of_responses = (
        sa.select(items.c.item_id, items.c.data)
        .join(responses, responses.c.id == items.c.response_id)
        .where(items.c.item_id.in_(item_ids), responses.c.tenant_id == tenant_id)
        .where(responses.c.deleted_at.is_(None))
    )
    of_conversations = (
        sa.select(conversation_items.c.item_id, conversation_items.c.data)
        .join(conversations, conversations.c.id == conversation_items.c.conversation_id)
        .where(conversation_items.c.item_id.in_(item_ids), conversations.c.tenant_id == tenant_id)
        .where(conversations.c.deleted_at.is_(None))
    )
    return of_responses.union_all(of_conversations)


__all__ = ["INPUT", "OUTPUT", "Items"]
