"""Statements of every response's way, past the query library, whose layers cost several times what the
driver itself takes (docs/performance.md).

The lines are those of the library's own pool; errors and broken lines are what the library makes of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc


class Direct:
    def __init__(self, engine: sa.Engine) -> None:
        """`engine`: for PostgreSQL, of lines that commit each statement by itself."""
        self._engine = engine
        self._driver = engine.dialect.loaded_dbapi
        self._known: dict[sa.Executable, tuple[str, dict[str, Any]]] = {}

    def once(self, statement: sa.Executable, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The row, if any, of a statement that is built once. `values` as the driver takes them.

        Raises the query library's errors.
        """
        sql, fixed = self._known.get(statement) or self._compiled(statement)
        line = self._line()
        try:
            found: tuple[Any, ...] | None = line.cursor().execute(sql, {**fixed, **values}).fetchone()
            return found
        except self._driver.Error as error:
            raise self._as_usual(error, line) from error
        except BaseException:
            line.invalidate()  # nobody knows what is still on its way
            raise
        finally:
            line.close()

    def _compiled(self, statement: sa.Executable) -> tuple[str, dict[str, Any]]:
        compiled = statement.compile(dialect=self._engine.dialect)  # type: ignore[attr-defined]
        self._known[statement] = compiled.string, compiled.params
        return self._known[statement]

    def _line(self) -> Any:
        try:
            return self._engine.raw_connection()
        except self._driver.Error as error:
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
            self._driver.Error,
            hide_parameters=True,
            connection_invalidated=is_broken,
            dialect=dialect,
        )
        return usual
