"""Round trips to Redis on lines that are kept: a lost one costs nothing, a late answer is nobody's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from shared.errors import LogUnavailable
from shared.log import EventLog
from shared.services import connect_redis
from tests.support.backends import Backends
from tests.support.servers import RedisServer

FRAMES = [b"f0\n\n", b"f1\n\n"]


@pytest.fixture
def hasty(servers_backends: Backends, redis_server: RedisServer) -> Iterator[redis.Redis]:
    """A client that waits for an answer only briefly."""
    servers_backends.empty()
    client = connect_redis(redis_server.url + "?socket_timeout=0.2")
    yield client
    client.close()


def test_call_when_all_lines_were_cut_then_done_on_a_new_one(
    servers_backends: Backends, hasty: redis.Redis
) -> None:
    log = EventLog(hasty)
    log.acquire("resp_1", 1, FRAMES)

    servers_backends.redis.client_kill_filter(_type="normal", skipme=True)

    assert log.append("resp_1", 1, 2, FRAMES) == 3


def test_call_when_the_one_before_was_given_up_then_its_late_answer_is_not_taken_for_this_one(
    servers_backends: Backends, hasty: redis.Redis
) -> None:
    log = EventLog(hasty)
    for name in ("resp_1", "resp_2"):
        log.acquire(name, 1, FRAMES)
    servers_backends.redis.client_pause(600, all=True)

    with pytest.raises(LogUnavailable):
        log.append("resp_1", 1, 2, FRAMES * 4)
    servers_backends.redis.ping()  # answered once the pause is over

    assert log.append("resp_2", 1, 2, FRAMES) == 3


def test_lines_when_calls_follow_each_other_then_one(hasty: redis.Redis) -> None:
    log = EventLog(hasty)

    for number in range(20):
        log.acquire(f"resp_{number}", 1, FRAMES)

    assert len(hasty.connection_pool._in_use_connections) == 1  # type: ignore[attr-defined]
