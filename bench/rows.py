"""Rows by the million, made by SQL from one response that Respool itself has stored.

Each copy differs in its id and its times alone, so it is what the product would have written, whatever
columns a later schema has.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from types import TracebackType
from typing import Any

import sqlalchemy as sa

from shared.store.engine import db_now
from shared.store.tables import archives, items, payloads, responses

FILLED = "resp_fill"
_BATCH = 50_000
_SPREAD_SECONDS = 20 * 86_400.0  # younger than what retention removes


class Filler:
    """Makes rows in one database; use as a context."""

    def __init__(self, database_url: str, template_id: str) -> None:
        self._engine = sa.create_engine(database_url)
        self._template = template_id
        self._postgres = self._engine.dialect.name == "postgresql"

    def __enter__(self) -> Filler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.dispose()

    def fill(self, count: int) -> list[str]:
        """`count` ended responses, spread over the last weeks; some of their ids."""
        for start in range(0, count, _BATCH):
            numbers = self._numbers(start, min(count, start + _BATCH))
            self._copy(numbers, FILLED, self._ended(numbers.c.n, count))
        self._settle()
        step = max(1, count // 500)
        return [_id(FILLED, number) for number in range(0, count, step)]

    def fill_to_retire(self, count: int, *, days: float) -> None:
        """`count` ended responses, half of them older than `days`, none of nearly that age.

        Half are in chains of six; a hundredth of the young continue such a chain of the old.
        """
        for start in range(0, count, _BATCH):
            numbers = self._numbers(start, min(count, start + _BATCH))
            n = numbers.c.n
            age = 2 * days * 86_400.0 * (1 - sa.cast(n, sa.Float(53)) / count)
            at = db_now() - sa.case((n < count // 2, age), else_=age * 0.9) - 60
            parent = sa.case(
                (n % 10 > 4, _id_of(FILLED, n - 1, self._postgres)),
                (sa.and_(n >= count // 2, n % 100 == 0), _id_of(FILLED, n - count // 2 + 9, self._postgres)),
                else_=sa.null(),
            )
            times = {"created_at": at, "queue_deadline_at": at + 300, "terminal_at": at + 1}
            self._copy(numbers, FILLED, {**times, "previous_response_id": parent})
        self._settle()

    def chain(self, depth: int) -> str:
        """The id of the last of `depth` responses, each the next one's previous response."""
        prefix = f"resp_chain{depth}x"
        numbers = self._numbers(0, depth)
        previous = sa.case(
            (numbers.c.n == 0, sa.null()), else_=_id_of(prefix, numbers.c.n - 1, self._postgres)
        )
        self._copy(numbers, prefix, {"previous_response_id": previous})
        return _id(prefix, depth - 1)

    def queue(self, count: int) -> None:
        """Responses that wait for a worker, and were never in one's hands."""
        never = ("deadline_at", "lease_until", "upstream_started_at", "terminal_at", "terminal_seq")
        values: dict[str, Any] = {name: sa.null() for name in never}
        values |= {"status": sa.literal("queued"), "attempt": sa.literal(0)}
        values |= {"created_at": db_now(), "queue_deadline_at": db_now() + 3_600}
        self._copy(self._numbers(0, count), "resp_queue", values)

    def drop_queue(self) -> None:
        with self._engine.begin() as connection:
            for table, column in _TABLES.items():
                connection.execute(sa.delete(table).where(table.c[column].like("resp\\_queue%", escape="\\")))

    def _copy(self, numbers: sa.Subquery, prefix: str, changed: Mapping[str, Any]) -> None:
        with self._engine.begin() as connection:
            for table, column in _TABLES.items():
                ours = {column: _id_of(prefix, numbers.c.n, self._postgres)}
                if table is responses:
                    ours |= changed
                elif table is items:
                    ours["item_id"] = ours[column].concat(sa.cast(items.c.direction, sa.Text))
                chosen = [ours.get(c.name, c).label(c.name) for c in table.c]
                copied = sa.select(*chosen).join_from(table, numbers, sa.true())
                copied = copied.where(table.c[column] == self._template)
                connection.execute(sa.insert(table).from_select([c.name for c in table.c], copied))

    def _ended(self, number: sa.ColumnElement[int], count: int) -> dict[str, Any]:
        at = db_now() - _SPREAD_SECONDS * (1 - sa.cast(number, sa.Float(53)) / count) - 60
        return {"created_at": at, "queue_deadline_at": at + 300, "terminal_at": at + 1}

    def _numbers(self, start: int, stop: int) -> sa.Subquery:
        """The whole numbers from `start` up to `stop`, as a table with the column n."""
        begin = sa.select(sa.literal(start, sa.Integer).label("n")).cte("numbers", recursive=True)
        every = begin.union_all(sa.select(begin.c.n + 1).where(begin.c.n < stop - 1))
        return sa.select(every.c.n).subquery()

    def _settle(self) -> None:
        """What an autovacuum would do some time later, in the middle of a measurement."""
        statement = "VACUUM ANALYZE" if self._postgres else "ANALYZE"
        with closing(self._engine.connect()) as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text(statement))


_TABLES: dict[sa.Table, str] = {
    responses: "id",
    payloads: "response_id",
    items: "response_id",
    archives: "response_id",
}


def _id(prefix: str, number: int) -> str:
    return f"{prefix}{number:010d}"


def _id_of(prefix: str, number: sa.ColumnElement[int], postgres: bool) -> sa.ColumnElement[str]:
    if postgres:
        padded = sa.func.lpad(sa.cast(number, sa.Text), 10, "0")
    else:
        padded = sa.func.printf("%010d", number)
    return sa.literal(prefix, sa.Text).concat(padded)
