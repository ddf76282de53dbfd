"""Migrations bring every database to the schema that the code describes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from shared.errors import ConfigurationError
from shared.store import migrate
from shared.store.engine import Database
from shared.store.tables import metadata
from tests.support.servers import PostgresServer

EmptyDatabase = Callable[[], str]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


def read(url: str, work: Callable[[sa.Connection], Any]) -> Any:
    database = Database(url, pool_size=1)
    try:
        return database.read(work)
    finally:
        database.close()


def test_upgrade_when_empty_then_at_this_release(empty_database: str) -> None:
    revision = migrate.upgrade(empty_database)

    assert migrate.check(empty_database) == revision


def test_upgrade_when_repeated_then_nothing_changes(empty_database: str) -> None:
    first = migrate.upgrade(empty_database)

    assert migrate.upgrade(empty_database) == first


def test_check_when_empty_then_says_what_to_run(empty_database: str) -> None:
    with pytest.raises(ConfigurationError, match="respool db migrate"):
        migrate.check(empty_database)


def test_upgrade_when_done_then_the_tables_are_those_of_the_code(empty_database: str) -> None:
    migrate.upgrade(empty_database)

    def differences(connection: sa.Connection) -> list[Any]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    assert read(empty_database, differences) == []


def test_upgrade_when_done_then_the_check_constraints_are_those_of_the_code(empty_database: str) -> None:
    migrate.upgrade(empty_database)

    def names(connection: sa.Connection) -> dict[str, set[str | None]]:
        inspector = sa.inspect(connection)
        return {t: {c["name"] for c in inspector.get_check_constraints(t)} for t in metadata.tables}

    expected = {
        name: {c.name for c in table.constraints if isinstance(c, sa.CheckConstraint)}
        for name, table in metadata.tables.items()
    }
    assert read(empty_database, names) == expected


def test_upgrade_when_done_then_the_partial_indexes_are_partial(empty_database: str) -> None:
    migrate.upgrade(empty_database)
    sql = {
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index'",
        "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    }

    def definitions(connection: sa.Connection) -> dict[str, str]:
        records = connection.exec_driver_sql(sql[connection.dialect.name]).all()
        return {name: definition or "" for name, definition in records}

    found = read(empty_database, definitions)
    partial = {
        index.name
        for table in metadata.tables.values()
        for index in table.indexes
        if index.dialect_options["postgresql"]["where"] is not None
    }
    assert {name for name, definition in found.items() if " WHERE " in definition} == partial


def test_upgrade_when_two_deploys_run_it_at_once_then_both_succeed(postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database()
    done: list[str] = []
    lanes = [threading.Thread(target=lambda: done.append(migrate.upgrade(url))) for _ in range(2)]

    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join(60)

    assert len(done) == 2 and len(set(done)) == 1


def test_check_when_the_database_cannot_be_read_then_a_plain_message(tmp_path: Path) -> None:
    file = tmp_path / "not.db"
    file.write_bytes(b"this is not a database" * 100)

    with pytest.raises(Exception, match=r"database"):
        migrate.check(f"sqlite:///{file}")
