"""Statements of every response's way, past the query library, whose layers cost several times what the
database's own client library (libpq) takes, and past the driver's cursors, which look up anew each time what
they have known of the same statement before (docs/performance.md).

The lines are those of the query library's own pool; values are written and read by the driver; errors and
broken lines are what the library makes of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

import psycopg
import sqlalchemy as sa
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from sqlalchemy import exc

from shared.store import waiting

_LINE = "respool_line"
# The driver forgets all plans of a line where a transaction was rolled back; a migration outdates some.
_STALE = (psycopg.errors.InvalidSqlStatementName, psycopg.errors.FeatureNotSupported)
_KEPT = 64  # plans a line keeps: a statement has one for each mix of types it was given, few in practice


class _Statement(NamedTuple):
    sql: bytes  # with $1, $2 …
    names: list[str]  # of its values, in that order
    fixed: dict[str, Any]
    formats: list[PyFormat]


class Direct:
    def __init__(self, engine: sa.Engine) -> None:
        """`engine`: for PostgreSQL, of lines that commit each statement by itself."""
        self._engine = engine
        dialect: Any = type(engine.dialect)
        self._numbered = dialect(paramstyle="numeric_dollar")
        self._known: dict[sa.Executable, _Statement] = {}

    def once(self, statement: sa.Executable, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The row, if any, of a statement that is built once. `values` as the driver takes them.

        Raises the query library's errors.
        """
        known = self._known.get(statement) or self._compiled(statement)
        given = {**known.fixed, **values}
        line = self._line()
        try:
            return _driven(line).run(known, [given[name] for name in known.names])
        except psycopg.Error as error:
            raise self._as_usual(error, line) from error
        except BaseException:
            line.invalidate()  # nobody knows what is still on its way
            raise
        finally:
            line.close()

    def _compiled(self, statement: sa.Executable) -> _Statement:
        compiled = statement.compile(dialect=self._numbered)  # type: ignore[attr-defined]
        fixed = {k: v.value if isinstance(v, Enum) else v for k, v in compiled.params.items()}
        names = list(compiled.positiontup)
        self._known[statement] = _Statement(
            compiled.string.encode(), names, fixed, [PyFormat.AUTO] * len(names)
        )
        return self._known[statement]

    def _line(self) -> Any:
        try:
            return self._engine.raw_connection()
        except psycopg.Error as error:
            raise self._as_usual(error, None) from error

    def _as_usual(self, error: Any, line: Any) -> Exception:
        """After a broken line no older one is trusted."""
        dialect = self._engine.dialect
        is_broken = line is not None and dialect.is_disconnect(error, line.dbapi_connection, None)
        if is_broken:
            self._engine.pool._invalidate(line, error)
        usual: Exception = exc.DBAPIError.instance(
            None,
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=is_broken,
            dialect=dialect,
        )
        return usual


class _Line:
    """A connection of the driver's, with what it knows of statements, and how values are written and read."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._client = connection.pgconn
        self._adapt = Transformer(connection)
        self._plans: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self._named = 0

    def run(self, statement: _Statement, values: list[Any]) -> tuple[Any, ...] | None:
        written = self._adapt.dump_sequence(values, statement.formats)
        types, formats = self._adapt.types or (), self._adapt.formats or ()
        name = self._plans.get((statement.sql, types)) or self._planned(statement.sql, types)
        try:
            result = self._run_plan(name, written, formats)
        except _STALE:
            result = self._run_plan(self._planned(statement.sql, types), written, formats)
        self._adapt.set_pgresult(result)
        row: tuple[Any, ...] | None = self._adapt.load_row(0, tuple) if result.ntuples else None
        self._adapt.set_pgresult(None)  # an idle line keeps nobody's words
        return row

    def _run_plan(self, name: bytes, values: Sequence[Any], formats: Sequence[Any]) -> Any:
        client = self._client
        return self._checked(
            waiting.answered(
                client, client.exec_prepared, client.send_query_prepared, name, values, formats
            )
        )

    def _planned(self, sql: bytes, types: tuple[int, ...]) -> bytes:
        client = self._client
        if len(self._plans) >= _KEPT:
            for known in self._plans.values():  # of one that is gone an error, and no matter
                waiting.answered(client, client.exec_, client.send_query, b"DEALLOCATE " + known)
            self._plans.clear()
        self._named += 1  # a name is never used again: what is forgotten here may still be there
        name = b"respool_%d" % self._named
        self._checked(waiting.answered(client, client.prepare, client.send_prepare, name, sql, types))
        self._plans[sql, types] = name
        return name

    def _checked(self, result: Any) -> Any:
        if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            return result
        if self._client.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError(self._client.get_error_message())
        raise error_from_result(result)


def _driven(line: Any) -> _Line:
    """Of a pool's line, for its whole life."""
    known: _Line | None = line.info.get(_LINE)
    if known is None:
        known = line.info[_LINE] = _Line(line.dbapi_connection)
    return known
