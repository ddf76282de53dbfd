"""The end of a generation by its owner: row, object, items and archive, in one round trip on PostgreSQL."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from shared.lifecycle import Status
from shared.store.engine import db_now
from shared.store.items import ITEM_LISTS, item_values, listed_items
from shared.store.rows import COLUMNS, Ended, Ending, load_json, payload_of, row
from shared.store.tables import OUTPUT, archives, items, payloads, responses
from shared.wire import events

_bytes = sa.LargeBinary()
_ROW = (
    sa.update(responses)
    .where(
        responses.c.id == sa.bindparam("its_id"),
        responses.c.status == Status.IN_PROGRESS,
        responses.c.attempt == sa.bindparam("its_attempt"),
    )
    .values(
        **{
            name: sa.bindparam(name)
            for name in ("terminal_at", "terminal_seq", "error_reason", "kept_upstream_id")
        },
        status=sa.bindparam("ended_as"),
        refusal=sa.bindparam("refusal", type_=_bytes),
        lease_owner=None,
        lease_until=None,
    )
)
_ALONE = _ROW.returning(*COLUMNS, payload_of(payloads.c.envelope))
_RESULT = sa.update(payloads).where(payloads.c.response_id == sa.bindparam("its_id"))
_RESULT = _RESULT.values(result=sa.bindparam("object", type_=_bytes))
_ITEMS = sa.insert(items)
_ARCHIVE = sa.insert(archives)
_NOW = sa.select(db_now())


def _all_at_once() -> sa.Select[Any]:
    ended = _ROW.returning(*COLUMNS).cte("ended")
    envelope = sa.select(payloads.c.envelope).where(payloads.c.response_id == ended.c.id).scalar_subquery()
    result = sa.update(payloads).where(payloads.c.response_id == ended.c.id)
    said = listed_items()
    return sa.select(ended, envelope).add_cte(
        result.values(result=sa.bindparam("object", type_=_bytes)).cte("result"),
        sa.insert(items)
        .from_select(
            ["response_id", "direction", *ITEM_LISTS],
            sa.select(ended.c.id, sa.literal(OUTPUT), *said.c)
            .select_from(ended.join(said, sa.true()))
            .where(ended.c.store),
        )
        .cte("said"),
        sa.insert(archives)
        .from_select(
            ["response_id", "frames"],
            sa.select(ended.c.id, sa.bindparam("archive", type_=_bytes)).where(ended.c.store),
        )
        .cte("archived"),
    )


_ALL_AT_ONCE = _all_at_once()


def finish_response(
    connection: sa.Connection, response_id: str, attempt: int, ending: Ending, journal: Sequence[bytes]
) -> Ended | None:
    """None: it was no longer mine. `journal` is every event before the terminal one."""
    at: float = ending.at or connection.execute(_NOW).scalar_one()
    response = ending.response
    if ending.status == Status.COMPLETED and response.get("object") == "response":
        response = {**response, "completed_at": int(at)}
    result = orjson.dumps(response)
    values = {
        "its_id": response_id,
        "its_attempt": attempt,
        "ended_as": ending.status,
        "terminal_at": at,
        "terminal_seq": len(journal),
        "error_reason": ending.error_reason,
        "kept_upstream_id": ending.kept_upstream_id,
        "refusal": None if ending.refusal is None else orjson.dumps(ending.refusal),
    }
    said = item_values(response_id, OUTPUT, ending.output_items)
    terminal = events.terminal(ending.status, len(journal), result)
    archive = zlib.compress(b"".join([*journal, terminal]), 1)
    if connection.dialect.name == "postgresql":
        more = {name: [item[name] for item in said] for name in ITEM_LISTS}
        record = connection.execute(
            _ALL_AT_ONCE, {**values, **more, "object": result, "archive": archive}
        ).one_or_none()
    else:
        record = connection.execute(_ALONE, values).one_or_none()
    if record is None:
        return None
    ended = Ended(row(record), load_json(record[len(COLUMNS)]), result)
    if connection.dialect.name != "postgresql":
        _write_rest(connection, ended, said, archive)
    return ended


def _write_rest(connection: sa.Connection, ended: Ended, said: list[dict[str, Any]], archive: bytes) -> None:
    """For a database in this very process, where a round trip is nothing."""
    connection.execute(_RESULT, {"its_id": ended.row.id, "object": ended.result})
    if not ended.row.store:
        return
    if said:
        connection.execute(_ITEMS, said)
    connection.execute(_ARCHIVE, {"response_id": ended.row.id, "frames": archive})
