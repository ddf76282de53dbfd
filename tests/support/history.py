"""Much that has ended long ago, put past the verbs of the store: what is measured beside it must not grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from shared.store.tables import payloads, responses
from tests.support.backends import Hands
from tests.support.rows import TENANT

Row = dict[str, Any]


def ended_long_ago(number: int, **changes: Any) -> Row:
    """Stored, and younger than those with lower numbers."""
    return {
        "id": f"resp_{number:06d}",
        "tenant_id": TENANT,
        "key_id": "k",
        "request_id": "r",
        "status": "completed",
        "terminal_at": 1000.0 + number,
        "terminal_seq": 9,
        "priority": 0,
        "background": False,
        "stream": False,
        "store": True,
        "provider": "p",
        "model": "m",
        "previous_response_id": None,
        "created_at": 1000.0 + number,
        "queue_deadline_at": 2.0**40,
        **changes,
    }


def put(hands: Hands, rows: Sequence[Row], beside: Mapping[sa.Table, Sequence[Row]] | None = None) -> None:
    """Responses, their payloads, and rows of other tables; PostgreSQL's planner knows of them."""
    bodies = [{"response_id": r["id"], "request": b"{}", "envelope": b"{}", "result": b"{}"} for r in rows]

    def work(connection: sa.Connection) -> None:
        for table, content in {responses: rows, payloads: bodies, **(beside or {})}.items():
            connection.execute(sa.insert(table), content)

    hands.database.write(work)
    if not hands.database.is_sqlite:
        hands.database.write(lambda c: c.exec_driver_sql("ANALYZE"))


def fill(hands: Hands, first: int, count: int, **changes: Any) -> None:
    put(hands, [ended_long_ago(number, **changes) for number in range(first, first + count)])
