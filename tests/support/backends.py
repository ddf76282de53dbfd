"""The store and the log on each pair of backends we promise to run on, emptied before each test.

`embedded` is SQLite in a file and fakeredis; `servers` is PostgreSQL and Redis. `Hands` reaches past
the verbs of the store, to make time pass without waiting for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import fakeredis
import pytest
import redis
import sqlalchemy as sa

from shared.log import EventLog
from shared.services import connect_redis
from shared.store import Limits, Store, migrate, open_store
from shared.store.engine import Database
from shared.store.rows import ResponseRow
from shared.store.tables import metadata, responses
from tests.support.servers import PostgresServer, RedisServer

LEASE_SECONDS = 60.0  # nothing runs out but by Hands
PAIRS = ("embedded", "servers")


class Hands:
    def __init__(self, database_url: str) -> None:
        self.database = Database(database_url, pool_size=2)

    def empty(self) -> None:
        def work(connection: sa.Connection) -> None:
            for table in reversed(metadata.sorted_tables):
                connection.execute(sa.delete(table))

        self.database.write(work)

    def backdate(self, response_id: str, *columns: str, seconds: float = 1e6) -> None:
        """Move some of a row's times into the past."""
        values = {name: responses.c[name] - seconds for name in columns}
        statement = sa.update(responses).where(responses.c.id == response_id).values(values)
        self.database.write(lambda c: c.execute(statement))

    def set(self, response_id: str, **values: object) -> None:
        statement = sa.update(responses).where(responses.c.id == response_id).values(values)
        self.database.write(lambda c: c.execute(statement))

    def count(self, table: sa.Table, response_id: str) -> int:
        column = table.c.id if table is responses else table.c.response_id
        query = sa.select(sa.func.count()).select_from(table).where(column == response_id)
        return int(self.database.read(lambda c: c.execute(query).scalar_one()))

    def close(self) -> None:
        self.database.close()


@dataclass(frozen=True)
class Backends:
    name: str
    database_url: str
    store: Store
    redis: redis.Redis
    log: EventLog
    hands: Hands

    def row(self, response_id: str) -> ResponseRow:
        return self.store.responses.states([response_id])[response_id]

    def empty(self) -> None:
        self.hands.empty()
        self.redis.flushdb()

    def close(self) -> None:
        self.store.close()
        self.hands.close()
        self.redis.close()


def open_backends(name: str, request: pytest.FixtureRequest, folder: Path) -> Backends:
    client: redis.Redis
    if name == "embedded":
        url = f"sqlite:///{folder / 'store.db'}"
        client = fakeredis.FakeRedis(server=fakeredis.FakeServer(), protocol=2)
    else:
        postgres: PostgresServer = request.getfixturevalue("postgres_server")
        server: RedisServer = request.getfixturevalue("redis_server")
        url = postgres.new_database()
        client = connect_redis(server.url)
    migrate.upgrade(url)
    store = open_store(url, pool_size=8, limits=Limits(lease_seconds=LEASE_SECONDS))
    store.leases.claimable(background=True, limit=1)  # what a first connection asks is no cost of a verb
    return Backends(name, url, store, client, EventLog(client), Hands(url))
