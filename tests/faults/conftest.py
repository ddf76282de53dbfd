"""The whole product on PostgreSQL and Redis, with a line that can be broken to each and to the upstream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from redis import Redis

from tests.support.checker import Checker
from tests.support.clients import Caller, Follower
from tests.support.faultproxy import FaultProxy
from tests.support.running import started
from tests.support.servers import PostgresServer, RedisServer, postgres_of_its_own
from tests.support.stack import SHORT, Stack
from tests.support.waiting import wait_until


@dataclass
class Plant:
    stack: Stack
    redis: RedisServer
    postgres: PostgresServer
    database_url: str  # past the line
    redis_line: FaultProxy
    sql_line: FaultProxy
    upstream_line: FaultProxy

    def checker(self) -> Checker:
        return Checker(self.stack, self.database_url)

    def heal(self) -> None:
        for line in (self.redis_line, self.sql_line, self.upstream_line):
            line.passing()
        wait_until(self.is_ready, "all is well again", seconds=60)

    def is_ready(self) -> bool:
        try:
            return self._readyz().status_code == 200
        except requests.exceptions.RequestException:
            return False

    def health(self) -> dict[str, Any]:
        """What /readyz says of each dependency."""
        value: dict[str, Any] = self._readyz().json()
        return value

    def _readyz(self) -> requests.Response:
        return requests.get(self.stack.base_url.removesuffix("/v1") + "/readyz", timeout=5)

    def stream(self, model: str, *, words: int = 3, **body: Any) -> Follower:
        """A stream that is under way."""
        follower = Follower(self.stack, body={"model": model, "input": "go on", **body})
        follower.start()
        wait_until(lambda: len(deltas(follower)) >= words, "the stream is under way")
        return follower

    def create(self, **body: Any) -> dict[str, Any]:
        """A create that must be accepted."""
        caller = Caller(self.stack, {"model": "plain", "input": "hello", **body})
        caller.run()
        assert caller.status == 200 and caller.answer is not None, (caller.status, caller.answer)
        return caller.answer

    def retrieve(self, response_id: str) -> dict[str, Any]:
        value: dict[str, Any] = self.stack.request("GET", f"/responses/{response_id}").json()
        return value

    def wait_for_end(self, response_id: str) -> str:
        """How it ended, by a GET; the gateway may be away for a while."""

        def ended() -> str | None:
            status = self.retrieve(response_id).get("status")
            return status if status not in ("queued", "in_progress") else None

        return wait_until(ended, "it ends", seconds=60) or ""

    def redis_client(self) -> Redis:
        return Redis.from_url(self.redis.url)

    def sql(self, statement: str) -> Any:
        """Run past the line; the first value of its answer, if it has one."""
        engine = sa.create_engine(self.database_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.execute(sa.text("SET default_transaction_read_only = off"))
            result = connection.execute(sa.text(statement))
            return result.scalar() if result.returns_rows else None

    def lease_left(self, response_id: str) -> float:
        now = "CAST(extract(epoch from now()) AS double precision)"
        return float(self.sql(f"SELECT lease_until - {now} FROM responses WHERE id = '{response_id}'"))


def deltas(follower: Follower) -> list[str]:
    return [e["delta"] for e in follower.transcript.events if e["type"] == "response.output_text.delta"]


@pytest.fixture(scope="package", name="standing")
def standing_plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    folder = tmp_path_factory.mktemp("plant")
    with (
        started(RedisServer(folder / "redis")) as server,
        postgres_of_its_own() as postgres,
        started(FaultProxy(postgres.socket)) as sql_line,
        started(FaultProxy(("127.0.0.1", int(server.url.split(":")[2].partition("/")[0])))) as redis_line,
    ):
        url = postgres.new_database()
        env = {
            **SHORT,
            "DATABASE_URL": f"postgresql://postgres@127.0.0.1:{sql_line.port}/{sa.make_url(url).database}",
            "REDIS_URL": f"redis://127.0.0.1:{redis_line.port}/0",
        }
        with started(Stack(folder / "stack", env, proxied=True)) as stack:
            assert stack.upstream_line is not None
            yield Plant(stack, server, postgres, url, redis_line, sql_line, stack.upstream_line)


@pytest.fixture
def plant(standing: Plant) -> Iterator[Plant]:
    standing.heal()
    yield standing
    standing.heal()
