"""The end of a generation by its owner: row, object, items and archive, in one round trip on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa

from shared.lifecycle import Status
from shared.store.engine import db_now
from shared.store.items import insert_listed, item_values, listed
from shared.store.packing import packed
from shared.store.rows import COLUMNS, Ended, Ending, load_json, payload_of, row
from shared.store.tables import OUTPUT, archives, items, payloads, responses
from shared.wire import events

Values = dict[str, Any]

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


@lru_cache
def _all_at_once(items_count: int) -> sa.Select[Any]:
    """`items_count`: 0, 1 or more."""
    ended = _ROW.returning(*COLUMNS).cte("ended")
    envelope = sa.select(payloads.c.envelope).where(payloads.c.response_id == ended.c.id).scalar_subquery()
    archive = sa.select(ended.c.id, sa.bindparam("archive", type_=_bytes)).where(ended.c.store)
    parts: list[sa.Insert | sa.Update] = [
        sa.update(payloads)
        .where(payloads.c.response_id == ended.c.id)
        .values(result=sa.bindparam("object", type_=_bytes)),
        sa.insert(archives).from_select(["response_id", "frames"], archive),
    ]
    if items_count:
        parts.append(insert_listed(ended, OUTPUT, one=items_count == 1))
    return sa.select(ended, envelope).add_cte(*(part.cte(f"part_{n}") for n, part in enumerate(parts)))


def finish_response(
    connection: sa.Connection, response_id: str, attempt: int, ending: Ending, journal: Sequence[bytes]
) -> Ended | None:
    """None: it was no longer mine. `journal` is every event before the terminal one."""
    if not ending.at:
        ending = replace(ending, at=connection.execute(_NOW).scalar_one())
    if connection.dialect.name == "postgresql":
        statement, values = finishing(response_id, attempt, ending, journal)
        record = connection.execute(statement, values).one_or_none()
    else:
        values, said = _values(response_id, attempt, ending, journal), _said(response_id, ending)
        record = _one_by_one(connection, values, said)
    return None if record is None else ended(record, values)


def finishing(
    response_id: str, attempt: int, ending: Ending, journal: Sequence[bytes]
) -> tuple[sa.Select[Any], Values]:
    """PostgreSQL: the one statement that ends a response at `ending.at`, and what it is given."""
    said = _said(response_id, ending)
    return _all_at_once(min(len(said), 2)), {
        **_values(response_id, attempt, ending, journal),
        **listed(said),
    }


def ended(record: Any, values: Values) -> Ended:
    """What the row became, of the statement's answer and what it was given."""
    return Ended(row(record), load_json(record[len(COLUMNS)]), values["object"])


def _values(response_id: str, attempt: int, ending: Ending, journal: Sequence[bytes]) -> Values:
    response = ending.response
    if ending.status == Status.COMPLETED and response.get("object") == "response":
        response = {**response, "completed_at": int(ending.at)}
    result = orjson.dumps(response)
    terminal = events.terminal(ending.status, len(journal), result)
    return {
        "its_id": response_id,
        "its_attempt": attempt,
        "ended_as": ending.status,
        "terminal_at": ending.at,
        "terminal_seq": len(journal),
        "error_reason": ending.error_reason,
        "kept_upstream_id": ending.kept_upstream_id,
        "refusal": None if ending.refusal is None else orjson.dumps(ending.refusal),
        "object": result,
        "archive": packed([*journal, terminal]),
    }


def _said(response_id: str, ending: Ending) -> list[Values]:
    return item_values(response_id, OUTPUT, ending.output_items)


def _one_by_one(connection: sa.Connection, values: Values, said: list[Values]) -> sa.Row[Any] | None:
    """For a database in this very process, where a round trip is nothing."""
    columns = {name: value for name, value in values.items() if name not in ("object", "archive")}
    record = connection.execute(_ALONE, columns).one_or_none()
    if record is None:
        return None
    connection.execute(_RESULT, {"its_id": values["its_id"], "object": values["object"]})
    if record.store:
        if said:
            connection.execute(_ITEMS, said)
        connection.execute(_ARCHIVE, {"response_id": values["its_id"], "frames": values["archive"]})
    return record
