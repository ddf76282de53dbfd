"""The bell: bounded in time, silent about its failures, and a message that says almost nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import orjson
import pytest

from shared.queue.bell import (
    ENOUGH,
    LOOK_EACH,
    QUIET_SECONDS,
    RING_SECONDS,
    RUN_RESPONSE,
    TASKS,
    Queue,
    make_celery,
)
from shared.services import connect_redis
from shared.settings import Settings
from tests.support.servers import RedisServer, free_port


@pytest.fixture
def mute_server() -> Iterator[int]:
    """A server that accepts connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]


def queue(url: str) -> Queue:
    return Queue(make_celery(Settings(broker_url=url), publisher=True))


def test_ring_when_redis_answers_then_one_message_with_the_id_alone(redis_server: RedisServer) -> None:
    client = connect_redis(redis_server.url)
    client.delete("respool:responses")
    bell = queue(redis_server.url)

    assert bell.ring("resp_1") is True

    (raw,) = client.lrange("respool:responses", 0, -1)
    message = orjson.loads(raw)
    assert message["headers"]["task"] == RUN_RESPONSE and RUN_RESPONSE in TASKS
    assert message["headers"]["retries"] == 0 and message["headers"]["eta"] is None
    client.delete("respool:responses")
    bell.close()
    client.close()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_ring_when_many_bells_are_unheard_then_silent_for_a_while_and_again_once_heard(
    redis_server: RedisServer,
) -> None:
    client, clock = connect_redis(redis_server.url), Clock()
    client.delete("respool:responses")
    bell = Queue(make_celery(Settings(broker_url=redis_server.url), publisher=True), clock)

    answers = {bell.ring("resp_1") for _ in range(2 * ENOUGH)}
    unheard = client.llen("respool:responses")
    client.delete("respool:responses")
    bell.ring("resp_1")
    meanwhile = client.llen("respool:responses")
    clock.now = QUIET_SECONDS
    bell.ring("resp_1")

    assert answers == {True}
    assert ENOUGH <= unheard < ENOUGH + LOOK_EACH
    assert (meanwhile, client.llen("respool:responses")) == (0, 1)
    client.delete("respool:responses")
    bell.close()
    client.close()


def test_ring_when_nobody_listens_then_false() -> None:
    bell = queue(f"redis://127.0.0.1:{free_port()}/0")

    assert bell.ring("resp_1") is False
    bell.close()


def test_ring_when_redis_is_mute_then_false_within_its_time(mute_server: int) -> None:
    bell = queue(f"redis://127.0.0.1:{mute_server}/0")
    begun = time.monotonic()

    heard = bell.ring("resp_1")

    assert heard is False
    assert time.monotonic() - begun < 3 * RING_SECONDS  # a bound of the interface, not a speed
    bell.close()


def test_ring_when_the_broker_is_given_by_another_transport_then_heard() -> None:
    bell = queue("memory://")

    assert bell.ring("resp_1") is True
    bell.close()
