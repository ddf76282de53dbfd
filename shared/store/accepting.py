"""The INSERT of an accepted response with everything that belongs to it: one round trip on PostgreSQL.

The statements are built once: building one costs as much as running it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import orjson
import sqlalchemy as sa

from shared.lifecycle import Status
from shared.store.engine import db_now
from shared.store.items import ITEM_LISTS, item_values, listed_items
from shared.store.pairs import pairs_of
from shared.store.rows import COLUMNS, NewResponse, ResponseRow, row
from shared.store.tables import INPUT, items, payloads, response_metadata, responses

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


def _all_at_once() -> sa.Select[Any]:
    new = _ROW.cte("new")
    payload = sa.select(
        new.c.id,
        sa.bindparam("request", type_=sa.LargeBinary),
        sa.bindparam("envelope", type_=sa.LargeBinary),
    )
    said = listed_items()
    pair = (
        sa.func.unnest(sa.bindparam("pairs", type_=sa.ARRAY(sa.Text))).table_valued("pair").render_derived()
    )
    return sa.select(new).add_cte(
        sa.insert(payloads).from_select(["response_id", "request", "envelope"], payload).cte("payload"),
        sa.insert(items)
        .from_select(
            ["response_id", "direction", "position", "item_id", "data"],
            sa.select(new.c.id, sa.literal(INPUT), *said.c).select_from(new.join(said, sa.true())),
        )
        .cte("said"),
        sa.insert(response_metadata)
        .from_select(
            ["response_id", "pair", "created_at"],
            sa.select(new.c.id, pair.c.pair, new.c.created_at).select_from(new.join(pair, sa.true())),
        )
        .cte("metadata"),
    )


_ALL_AT_ONCE = _all_at_once()


def insert_response(
    connection: sa.Connection, new: NewResponse, *, turn: int, conversation_seq: int | None
) -> ResponseRow:
    values = {name: getattr(new, name) for name in _SENT}
    values.update(turn=turn, conversation_seq=conversation_seq, queue_seconds=new.queue_seconds)
    payload = {"request": orjson.dumps(new.request), "envelope": orjson.dumps(new.envelope)}
    said = item_values(new.id, INPUT, new.input_items if new.store else [])
    pairs = pairs_of(new)
    if connection.dialect.name == "postgresql":
        more = {name: [item[name] for item in said] for name in ITEM_LISTS}
        return row(connection.execute(_ALL_AT_ONCE, {**values, **payload, **more, "pairs": pairs}).one())
    return _one_by_one(connection, values, payload, said, pairs)


def _one_by_one(
    connection: sa.Connection,
    values: Mapping[str, Any],
    payload: Mapping[str, bytes],
    said: list[dict[str, Any]],
    pairs: list[str],
) -> ResponseRow:
    """For a database in this very process, where a round trip is nothing."""
    accepted = row(connection.execute(_ROW, values).one())
    connection.execute(_PAYLOAD, {"response_id": accepted.id, **payload})
    if said:
        connection.execute(_ITEMS, said)
    if pairs:
        at = accepted.created_at
        connection.execute(_PAIRS, [{"response_id": accepted.id, "pair": p, "created_at": at} for p in pairs])
    return accepted
