"""What `respool serve` and `respool work` look at before they start, and what they say of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from cli.checks import Patience, check_database, check_redis
from cli.main import main
from shared.errors import ConfigurationError
from shared.log.server import mark_development
from shared.store import migrate
from tests.support.servers import RedisServer, free_port

HASTY = Patience(seconds=0.0)


@pytest.fixture
def server(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """A Redis as we want it, before and after."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.delete("respool:development")
        yield client
        client.delete("respool:development")
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("appendonly", "yes")
        client.acl_deluser("managed", "reader")


def test_redis_when_it_keeps_everything_then_nothing_is_said(
    server: redis.Redis, redis_server: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    check_redis(redis_server.url, own_redis=False, patience=HASTY)

    assert capsys.readouterr().err == ""


def test_redis_when_it_may_evict_then_refused_with_what_to_set(
    server: redis.Redis, redis_server: RedisServer
) -> None:
    server.config_set("maxmemory-policy", "allkeys-lru")

    with pytest.raises(ConfigurationError, match=r"allkeys-lru.*set maxmemory-policy to noeviction"):
        check_redis(redis_server.url, own_redis=False, patience=HASTY)


def test_redis_of_a_development_when_given_by_its_url_then_refused(
    server: redis.Redis, redis_server: RedisServer
) -> None:
    mark_development(server)

    with pytest.raises(ConfigurationError, match="--data-dir"):
        check_redis(redis_server.url, own_redis=False, patience=HASTY)


def test_redis_of_a_development_when_given_by_its_directory_then_used(
    server: redis.Redis, redis_server: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    mark_development(server)

    check_redis(redis_server.url, own_redis=True, patience=HASTY)

    assert capsys.readouterr().err == ""


def test_redis_without_an_append_only_file_when_checked_then_warned_of(
    server: redis.Redis, redis_server: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.config_set("appendonly", "no")

    check_redis(redis_server.url, own_redis=False, patience=HASTY)

    assert capsys.readouterr().err.startswith("respool: warning: Redis keeps nothing over a restart")


def test_redis_that_forbids_to_be_asked_when_checked_then_warned_of(
    server: redis.Redis, redis_server: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.acl_setuser("managed", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-info"])
    address = redis_server.url.partition("://")[2]

    check_redis(f"redis://managed:pw@{address}", own_redis=False, patience=HASTY)

    assert "make sure that its maxmemory-policy is noeviction" in capsys.readouterr().err


def test_redis_that_cannot_be_written_when_checked_then_refused(
    server: redis.Redis, redis_server: RedisServer
) -> None:
    server.acl_setuser("reader", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@read", "+info"])
    address = redis_server.url.partition("://")[2]

    with pytest.raises(ConfigurationError, match="check REDIS_URL"):
        check_redis(f"redis://reader:pw@{address}", own_redis=False, patience=HASTY)


def test_redis_that_is_not_up_when_waited_for_then_said_and_refused_in_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    patience = Patience(seconds=0.2, say_seconds=0.0, look_seconds=0.01)

    with pytest.raises(ConfigurationError, match=r"Redis was not there within 0 s .*refused"):
        check_redis(f"redis://127.0.0.1:{free_port()}/0", own_redis=False, patience=patience)

    assert capsys.readouterr().err.startswith("respool: waiting for Redis (")


def test_redis_url_that_is_none_when_checked_then_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL is not a Redis URL"):
        check_redis("postgresql://h/d", own_redis=False, patience=HASTY)


def test_database_when_at_this_release_then_nothing_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    migrate.upgrade(url)

    check_database(url, patience=HASTY)

    assert capsys.readouterr().err == ""


def test_database_with_another_clock_when_checked_then_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    migrate.upgrade(url)
    monkeypatch.setattr("cli.checks.time.time", lambda: 1_000_000.0)

    check_database(url, patience=HASTY)

    assert "the database's clock is +" in capsys.readouterr().err


def test_database_that_is_not_up_when_waited_for_then_refused_without_its_password() -> None:
    url = f"postgresql://respool:hunter2hunter2@127.0.0.1:{free_port()}/respool"

    with pytest.raises(ConfigurationError, match=r"the database was not there.*check DATABASE_URL") as no:
        check_database(url, patience=HASTY)

    assert "hunter2" not in str(no.value)


@pytest.mark.parametrize("role", ["serve", "work"])
def test_role_without_a_schema_when_started_then_one_line_that_says_what_to_run(
    role: str, redis_server: RedisServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {
        "DATABASE_URL": f"sqlite:///{tmp_path}/store.db",
        "REDIS_URL": redis_server.url,
        "RESPOOL_SECRET_KEY": "pepper",
    }

    status = main([role], environ)

    error = capsys.readouterr().err
    assert (status, error.count("\n")) == (2, 1)
    assert "run `respool db migrate`" in error
