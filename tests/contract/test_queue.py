"""The bell: bounded in time, silent about its failures, and a message that says almost nothing."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Iterator

import orjson
import pytest
from celery.contrib.testing.worker import start_worker

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
from tests.support.waiting import wait_until
from workers.tasks import register


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


def test_ring_when_heard_then_its_message_is_what_celery_itself_would_send(redis_server: RedisServer) -> None:
    client = connect_redis(redis_server.url)
    client.delete("respool:responses")
    app = make_celery(Settings(broker_url=redis_server.url), publisher=True)
    bell = Queue(app)

    bell.ring("resp_1")
    app.send_task(RUN_RESPONSE, args=["resp_1"], argsrepr="", kwargsrepr="")

    theirs, ours = (orjson.loads(raw) for raw in client.lrange("respool:responses", 0, -1))
    assert orjson.loads(base64.b64decode(ours["body"])) == orjson.loads(base64.b64decode(theirs["body"]))
    own = ours["headers"]["id"]
    assert (ours["headers"]["root_id"], ours["properties"]["delivery_tag"]) == (own, own)
    for message in (ours, theirs):
        for part, name in (("headers", "id"), ("headers", "root_id"), ("properties", "delivery_tag")):
            del message[part][name]
        del message["properties"]["correlation_id"], message["body"]
        # where results would go, and what only its log shows
        for name in ("reply_to", "argsrepr", "kwargsrepr"):
            message["properties"].pop(name, None)
        del message["headers"]["ignore_result"]  # there is nowhere to keep one
    assert ours == theirs
    client.delete("respool:responses")
    bell.close()
    client.close()


def test_parcel_when_pushed_then_it_is_where_a_ring_would_be_and_says_the_same(
    redis_server: RedisServer,
) -> None:
    client = connect_redis(redis_server.url)
    client.delete("respool:responses")
    bell = queue(redis_server.url)

    bell.ring("resp_1")
    parcel = bell.parcel("resp_1")
    assert parcel is not None
    client.lpush(*parcel)

    parts = [orjson.loads(raw) for raw in client.lrange("respool:responses", 0, -1)]
    assert [part["body"] for part in parts] == [parts[0]["body"]] * 2
    assert parts[0].keys() == parts[1].keys()
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


def test_bells_when_another_transport_brings_them_then_each_is_answered_and_acknowledged() -> None:
    app = make_celery(Settings(broker_url="memory://"))
    bell = Queue(app)
    answered: list[str] = []
    register(app, lambda: answered.append("once"))

    with start_worker(app, pool="threads", concurrency=1, perform_ping_check=False):
        for number in range(5):  # more than are read ahead of an acknowledgement
            assert bell.ring(f"resp_{number}")
        wait_until(lambda: len(answered) == 5, "all bells are answered")
    bell.close()
