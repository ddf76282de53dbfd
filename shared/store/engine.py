"""One database, SQLite or PostgreSQL, behind two verbs: `read` and `write`.

`write` runs a function in one transaction (BEGIN IMMEDIATE on SQLite: a deferred one fails with
"database is locked" whatever the timeout, measured) and repeats it when the database says that a
repeat is the remedy. Every failure to reach the database is a `StoreUnavailable`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, exc, pool
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

from shared.errors import StoreUnavailable
from shared.store import waiting
from shared.store.direct import Direct

T = TypeVar("T")
Offload = Callable[[Callable[[], T]], T]

BUSY_TIMEOUT_MS = 5_000
POOL_TIMEOUT_SECONDS = 2
TRIES = 3
_WRITE = "respool_write"
_REPEATABLE = {"40001", "40P01"}  # serialization failure, deadlock
_PG_OPTIONS = "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000"

# a line that died without a word is noticed within half a minute, not within hours
_PG_LINE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


class db_now(FunctionElement[float]):
    """The database's clock, as Unix seconds: workers' clocks decide nothing."""

    type = sa.Float(53)
    inherit_cache = True


@compiles(db_now, "sqlite")
def _now_sqlite(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(db_now, "postgresql")
def _now_postgresql(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    return "CAST(extract(epoch from now()) AS double precision)"


class Database:
    def __init__(self, url: str, *, pool_size: int = 10, offload: Offload[Any] | None = None) -> None:
        self.is_sqlite = url.startswith("sqlite")
        self._reader = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url, pool_size)
        self._engine = (
            self._reader
            if self.is_sqlite
            else self._reader.execution_options(isolation_level="READ COMMITTED")
        )
        self._direct = None if self.is_sqlite else Direct(self._reader)
        # SQLite blocks the whole thread: a process with an event loop passes a way around it
        self._offload = offload if self.is_sqlite else None
        if self._offload:
            _connect_alone(self._engine)

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        return self._run(self._reader, work, write=False)

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        return self._run(self._engine, work, write=True)

    def write_once(self, work: Callable[[sa.Connection], T]) -> T:
        """One writing statement, which is its own transaction: one round trip instead of three."""
        return self._run(self._reader, work, write=self.is_sqlite)

    def once(self, statement: sa.Executable, values: Mapping[str, Any]) -> Any | None:
        """The row, if any, of one writing statement that is built once, and is its own transaction."""
        direct = self._direct
        if direct is None:
            return self.write(lambda c: c.execute(statement, values).one_or_none())
        return _repeating(lambda: direct.once(statement, values))

    def close(self) -> None:
        self._reader.dispose()

    def _run(self, engine: sa.Engine, work: Callable[[sa.Connection], T], *, write: bool) -> T:
        def transaction() -> T:
            with engine.connect() as connection:
                if write:
                    connection = connection.execution_options(**{_WRITE: True})
                with connection.begin():
                    return work(connection)

        def call() -> T:
            return _repeating(transaction)

        return self._offload(call) if self._offload else call()


def _repeating(transaction: Callable[[], T]) -> T:
    for attempt in range(1, TRIES + 1):
        try:
            return transaction()
        except exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) in _REPEATABLE and attempt < TRIES:
                time.sleep(random.uniform(0.01, 0.05) * attempt)
                continue
            raise StoreUnavailable(f"database: {type(error.orig).__name__}") from error
        except (exc.InterfaceError, exc.InternalError, exc.TimeoutError) as error:
            raise StoreUnavailable(f"database: {type(error).__name__}") from error
        except exc.DBAPIError as error:
            if error.connection_invalidated:
                raise StoreUnavailable("database: connection lost") from error
            raise
    raise AssertionError("unreachable")


def _connect_alone(engine: sa.Engine) -> None:
    """Make an engine's first connection while nobody else wants one.

    The library guards that one by a lock, and an event loop's lock is none between the native threads
    of its pool: the first requests of a restarted API, all at once, waited for ever.
    """
    try:
        engine.connect().close()
    except exc.SQLAlchemyError:
        pass  # shows at the first use, like any dependency that is down


def _postgresql_engine(url: str, pool_size: int) -> sa.Engine:
    poolclass = waiting.install()
    parsed = sa.make_url(url)
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return sa.create_engine(
        parsed,
        isolation_level="AUTOCOMMIT",  # as most statements want it: setting it costs as much as they do
        poolclass=poolclass,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        pool_pre_ping=False,  # a round trip each; a broken connection is one StoreUnavailable
        pool_use_lifo=True,
        pool_reset_on_return=None,  # `_run` ends its transactions, and `Direct` has none
        connect_args={"connect_timeout": 5, "options": _PG_OPTIONS, **_PG_LINE},
    )


def _sqlite_engine(url: str) -> sa.Engine:
    engine = sa.create_engine(url, poolclass=_ThreadPool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours, below
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")  # first: the others may meet a lock
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # NORMAL may lose a committed money gate at a power cut
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: sa.Connection) -> None:
    if connection.get_execution_options().get(_WRITE):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


class _ThreadPool(pool.SingletonThreadPool):
    """One connection a native thread, also where `threading.local` means a greenlet."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **{**kw, "pool_size": 256})
        local = _native_local()
        self._conn = local()
        self._fairy = local()


def _native_local() -> Any:
    try:
        from gevent import monkey
    except ImportError:
        import threading

        return threading.local
    return monkey.get_original("threading", "local")
