"""What the databases are asked while a test looks: the statements, and how much they had to visit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event

from shared.store.engine import Database


@dataclass
class Heard:
    statements: list[tuple[str, Any]] = field(default_factory=list)
    steps: int = 0  # of SQLite's machine


@contextmanager
def listening() -> Iterator[Heard]:
    """All statements of this process, whichever engine they go through, or past it."""
    heard = Heard()
    execute = psycopg.Cursor.execute

    def step() -> int:
        heard.steps += 1
        return 0

    def hear_sqlite(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if connection.dialect.name == "sqlite":
            heard.statements.append((statement, parameters))
            cursor.connection.set_progress_handler(step, 1)

    def hear_postgres(cursor: Any, statement: Any, parameters: Any = None, **options: Any) -> Any:
        heard.statements.append((statement, parameters))
        return execute(cursor, statement, parameters, **options)

    event.listen(sa.Engine, "before_cursor_execute", hear_sqlite)
    psycopg.Cursor.execute = hear_postgres  # type: ignore[method-assign]
    try:
        yield heard
    finally:
        event.remove(sa.Engine, "before_cursor_execute", hear_sqlite)
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]


def cost(database: Database, call: Callable[[], object]) -> int:
    """Rows that PostgreSQL visited, or steps that SQLite took: numbers, not times."""
    with listening() as heard:
        call()
    if database.is_sqlite:
        return heard.steps

    def explain(connection: sa.Connection) -> int:
        # a small table is read whole because that is cheaper; asked is what happens in a large one
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        visited = 0
        for statement, parameters in heard.statements:
            asked = "EXPLAIN (ANALYZE, FORMAT JSON) " + statement
            plan = connection.exec_driver_sql(asked, parameters).scalar_one()
            visited += _visited((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
        return visited

    return database.write(explain)


def _visited(plan: dict[str, Any]) -> int:
    removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Join Filter", 0)
    own = (plan["Actual Rows"] + removed) * plan["Actual Loops"]
    return int(own) + sum(_visited(part) for part in plan.get("Plans", ()))
