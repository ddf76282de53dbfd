"""The INSERT of an accepted response with everything that belongs to it: one round trip on PostgreSQL.

The statements are built once: building one costs as much as running it.
"""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa

from shared.lifecycle import Status
from shared.store.engine import db_now
from shared.store.items import insert_listed, item_values, listed
from shared.store.pairs import pairs_of
from shared.store.rows import COLUMNS, NewResponse, ResponseRow, row
from shared.store.tables import INPUT, items, payloads, response_metadata, responses

Values = dict[str, Any]

_SENT = [f.name for f in fields(NewResponse) if f.name in responses.c and f.name != "conversation_seq"]
_ROW = (
    sa.insert(responses)
    .values(
        **{name: sa.bindparam(name) for name in (*_SENT, "conversation_seq", "turn")},
        status=Status.QUEUED,
        created_at=db_now(),
        queue_deadline_at=db_now() + sa.bindparam("queue_seconds", type_=sa.Float(53)),
    )
    .returning(*COLUMNS)
)
_PAYLOAD = sa.insert(payloads)
_ITEMS = sa.insert(items)
_PAIRS = sa.insert(response_metadata)


@lru_cache
def _all_at_once(items_count: int, *, paired: bool) -> sa.Select[Any]:
    """`items_count`: 0, 1 or more."""
    new = _ROW.cte("new")
    payload = sa.select(
        new.c.id,
        sa.bindparam("request", type_=sa.LargeBinary),
        sa.bindparam("envelope", type_=sa.LargeBinary),
    )
    parts: list[sa.Insert] = [
        sa.insert(payloads).from_select(["response_id", "request", "envelope"], payload)
    ]
    if items_count:
        parts.append(insert_listed(new, INPUT, one=items_count == 1))
    if paired:
        listed_pairs = sa.func.unnest(sa.bindparam("pairs", type_=sa.ARRAY(sa.Text)))
        pair = listed_pairs.table_valued("pair").render_derived()
        rows = sa.select(new.c.id, pair.c.pair, new.c.created_at).select_from(new.join(pair, sa.true()))
        parts.append(sa.insert(response_metadata).from_select(["response_id", "pair", "created_at"], rows))
    return sa.select(new).add_cte(*(part.cte(f"part_{n}") for n, part in enumerate(parts)))


def insert_response(
    connection: sa.Connection, new: NewResponse, *, turn: int, conversation_seq: int | None
) -> ResponseRow:
    if connection.dialect.name == "postgresql":
        statement, values = insertion(new, turn=turn, conversation_seq=conversation_seq)
        return row(connection.execute(statement, values).one())
    return _one_by_one(connection, new, _row_values(new, turn, conversation_seq))


def insertion(new: NewResponse, *, turn: int, conversation_seq: int | None) -> tuple[sa.Select[Any], Values]:
    """PostgreSQL: the one statement, and what it is given; its row is as COLUMNS."""
    said, pairs = _said(new), pairs_of(new)
    values = {**_row_values(new, turn, conversation_seq), **_payload(new), **listed(said)}
    if pairs:
        values["pairs"] = pairs
    return _all_at_once(min(len(said), 2), paired=bool(pairs)), values


def _row_values(new: NewResponse, turn: int, conversation_seq: int | None) -> Values:
    sent = {name: getattr(new, name) for name in _SENT}
    return {**sent, "turn": turn, "conversation_seq": conversation_seq, "queue_seconds": new.queue_seconds}


def _payload(new: NewResponse) -> dict[str, bytes]:
    return {"request": orjson.dumps(new.request), "envelope": orjson.dumps(new.envelope)}


def _said(new: NewResponse) -> list[Values]:
    return item_values(new.id, INPUT, new.input_items if new.store else [])


def _one_by_one(connection: sa.Connection, new: NewResponse, values: Values) -> ResponseRow:
    """For a database in this very process, where a round trip is nothing."""
    accepted = row(connection.execute(_ROW, values).one())
    connection.execute(_PAYLOAD, {"response_id": accepted.id, **_payload(new)})
    said, at = _said(new), accepted.created_at
    if said:
        connection.execute(_ITEMS, said)
    pairs = [{"response_id": accepted.id, "pair": pair, "created_at": at} for pair in pairs_of(new)]
    if pairs:
        connection.execute(_PAIRS, pairs)
    return accepted
