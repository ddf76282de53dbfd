"""Bring the database to this release's schema, or say that it is not there.

Alembic runs the files of `migrations/`: expand in one release, contract in a later one.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import exc

from shared.errors import ConfigurationError
from shared.store.engine import Database

_FOLDER = Path(__file__).parent / "migrations"


def upgrade(database_url: str) -> str:
    """Run what is missing; the revision the database is at afterwards."""
    _with_connection(database_url, _upgrade, write=True)
    return _head()


def check(database_url: str) -> str:
    """The database's revision. Raises ConfigurationError where it is not this release's."""
    try:
        found = _with_connection(database_url, _revision, write=False)
    except exc.SQLAlchemyError as error:
        raise ConfigurationError(f"cannot read the database: {type(error).__name__}") from error
    if found != _head():
        raise ConfigurationError(
            f"the database is at revision {found or 'none'}, this release needs {_head()}: "
            "run `respool db migrate`"
        )
    return found


def _with_connection(database_url: str, work: object, *, write: bool) -> str | None:
    database = Database(database_url, pool_size=1)
    try:
        run = database.write if write else database.read
        return run(work)  # type: ignore[arg-type]
    finally:
        database.close()


def _upgrade(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        # two deploys at once: the second waits, then finds nothing to do
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(7241905532)"))
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _head() -> str:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return config
