"""Reading, expiry and what is published, on fakeredis and on Redis; and a Redis that is not there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from shared.errors import LogUnavailable
from shared.log import Batch, EventLog, Heard, LogState, Subscriber
from shared.services import connect_redis
from tests.contract.test_log_scripts import frames
from tests.support.backends import Backends
from tests.support.servers import RedisServer, free_port
from tests.support.waiting import wait_until

ID = "resp_1"
KEYS = [f"respool:{{{ID}}}:{name}" for name in ("log", "meta", "watch")]
TWO_DAYS_MS = 48 * 3600 * 1000


class Ear:
    """One subscriber, and everything it was told."""

    def __init__(self, client: redis.Redis) -> None:
        self.heard: list[tuple[str, Heard]] = []
        self.deaf = 0
        self.subscriber = Subscriber(client, heard=lambda i, h: self.heard.append((i, h)), deaf=self._deaf)

    def _deaf(self) -> None:
        self.deaf += 1

    def start(self) -> Ear:
        self.subscriber.start()
        assert self.subscriber.connected.wait(10)
        return self


@pytest.fixture(scope="module")
def one_ear(opened: Backends) -> Iterator[Ear]:
    ear = Ear(opened.redis).start()
    yield ear
    ear.subscriber.stop()


@pytest.fixture
def ear(backends: Backends, one_ear: Ear) -> Ear:
    one_ear.heard.clear()
    return one_ear


def ttls(backends: Backends) -> list[int]:
    return [int(backends.redis.pttl(key)) for key in KEYS]


def test_read_when_after_a_cursor_then_only_what_follows(log: EventLog) -> None:
    log.acquire(ID, 1, frames(0, 5))

    assert log.read(ID, 2).frames == frames(3, 2)
    assert log.read(ID, 4).frames == []


def test_read_when_there_is_no_log_then_no_state(log: EventLog) -> None:
    found = log.read(ID, -1)

    assert (found.frames, found.state) == ([], None)


def test_read_when_limited_then_a_page(log: EventLog) -> None:
    log.acquire(ID, 1, frames(0, 5))

    assert log.read(ID, 0, limit=2).frames == frames(1, 2)


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1000, 1200])
def test_read_all_when_of_any_length_then_whole(log: EventLog, count: int) -> None:
    log.acquire(ID, 1, [])
    log.append(ID, 1, 0, frames(0, count))

    found = log.read_all(ID)

    assert found.frames == frames(0, count)
    assert found.state == LogState(1, count - 1, False, False)


def test_heads_when_some_are_missing_then_none_in_their_places(log: EventLog) -> None:
    log.acquire("resp_a", 1, frames(0, 2))
    log.acquire("resp_c", 3, [], lost=True)

    assert log.heads(["resp_a", "resp_b", "resp_c"]) == [
        LogState(1, 1, False, False),
        None,
        LogState(3, -1, False, True),
    ]


def test_heads_when_nothing_is_asked_then_nothing(log: EventLog) -> None:
    assert log.heads([]) == []


def test_expiry_when_running_then_two_days(log: EventLog, backends: Backends) -> None:
    log.acquire(ID, 1, frames(0, 1), channel="c")

    assert all(TWO_DAYS_MS - 60_000 < ttl <= TWO_DAYS_MS for ttl in ttls(backends))


def test_expiry_when_ended_then_as_told(log: EventLog, backends: Backends) -> None:
    log.acquire(ID, 1, frames(0, 1), channel="c")

    log.append(ID, 1, 1, frames(1, 1), seconds=60)

    assert all(50_000 < ttl <= 60_000 for ttl in ttls(backends))


def test_expiry_when_a_watcher_comes_later_then_it_ends_with_the_log(
    log: EventLog, backends: Backends
) -> None:
    log.acquire(ID, 1, frames(0, 1))

    log.acquire(ID, 1, frames(0, 1), channel="c")

    assert all(0 < ttl <= TWO_DAYS_MS for ttl in ttls(backends))


@pytest.mark.parametrize("how", ["read", "heads"])
def test_expiry_when_there_is_no_log_to_watch_then_an_hour(
    log: EventLog, backends: Backends, how: str
) -> None:
    if how == "read":
        log.read(ID, -1, channel="c")
    else:
        log.heads([ID], channel="c")

    (watched,) = [ttl for ttl in ttls(backends) if ttl > 0]
    assert watched <= 3_600_000


def test_expiry_when_reseeded_then_two_days_again(log: EventLog, backends: Backends) -> None:
    log.acquire(ID, 1, frames(0, 1))
    log.expire(ID, 5)

    log.reseed(ID, 1, frames(0, 3))

    assert all(ttl > TWO_DAYS_MS - 60_000 for ttl in ttls(backends)[:2])


def test_expire_when_asked_then_the_whole_log(log: EventLog, backends: Backends) -> None:
    log.acquire(ID, 1, frames(0, 1), channel="c")

    log.expire(ID, 7)

    assert all(0 < ttl <= 7_000 for ttl in ttls(backends))


def test_drop_when_asked_then_no_key_is_left(log: EventLog, backends: Backends) -> None:
    log.acquire(ID, 1, frames(0, 1), channel="c")
    log.acquire("resp_2", 1, frames(0, 1))

    log.drop([ID, "resp_2", "resp_unknown"])

    assert backends.redis.keys("respool:*") == []


def test_drop_when_nothing_is_given_then_nothing(log: EventLog) -> None:
    log.drop([])


def test_publish_when_watched_then_the_batch_is_heard(log: EventLog, ear: Ear) -> None:
    log.acquire(ID, 1, frames(0, 1), channel=ear.subscriber.channel)
    log.append(ID, 1, 1, frames(1, 2))
    log.append(ID, 1, 3, frames(3, 1), seconds=60)

    wait_until(lambda: len(ear.heard) == 3, "three batches are heard")

    assert ear.heard == [
        (ID, Heard(0, False, b"f0\n\n")),
        (ID, Heard(1, False, b"f1\n\nf2\n\n")),
        (ID, Heard(3, True, b"f3\n\n")),
    ]


def test_publish_when_part_was_known_then_only_the_new_part(log: EventLog, ear: Ear) -> None:
    log.acquire(ID, 1, frames(0, 2), channel=ear.subscriber.channel)

    log.append_many([Batch(ID, 1, 1, frames(1, 2))])

    wait_until(lambda: len(ear.heard) == 2, "the second batch is heard")
    assert ear.heard[1] == (ID, Heard(2, False, b"f2\n\n"))


def test_publish_when_refused_or_known_then_nothing_is_heard(log: EventLog, ear: Ear) -> None:
    log.acquire(ID, 2, frames(0, 2), channel=ear.subscriber.channel)

    log.append(ID, 1, 2, frames(2, 1))
    log.append(ID, 2, 5, frames(5, 1))
    log.append(ID, 2, 0, frames(0, 2))
    log.append(ID, 2, 2, frames(2, 1))

    wait_until(lambda: len(ear.heard) == 2, "the last batch is heard")
    assert [h.first for _, h in ear.heard] == [0, 2]


def test_publish_when_reseeded_then_everything_from_the_start(log: EventLog, ear: Ear) -> None:
    log.acquire(ID, 1, frames(0, 1), channel=ear.subscriber.channel)

    log.reseed(ID, 1, frames(0, 3))

    wait_until(lambda: len(ear.heard) == 2, "the journal is heard")
    assert ear.heard[1] == (ID, Heard(0, False, b"".join(frames(0, 3))))


def test_publish_when_another_response_is_watched_then_not_heard(log: EventLog, ear: Ear) -> None:
    log.acquire("resp_2", 1, frames(0, 1), channel="somebody else")
    log.acquire(ID, 1, frames(0, 1), channel=ear.subscriber.channel)

    wait_until(lambda: bool(ear.heard), "the own batch is heard")
    assert [i for i, _ in ear.heard] == [ID]


@pytest.mark.parametrize("how", ["read", "heads"])
def test_watching_when_begun_by_a_look_then_later_events_are_heard(log: EventLog, ear: Ear, how: str) -> None:
    log.acquire(ID, 1, frames(0, 1))
    if how == "read":
        log.read(ID, -1, channel=ear.subscriber.channel)
    else:
        log.heads([ID], channel=ear.subscriber.channel)

    log.append(ID, 1, 1, frames(1, 1))

    wait_until(lambda: bool(ear.heard), "the event is heard")
    assert ear.heard == [(ID, Heard(1, False, b"f1\n\n"))]


def test_subscriber_when_it_has_subscribed_then_followers_are_told_to_look(ear: Ear) -> None:
    wait_until(lambda: ear.deaf >= 1, "followers are told to look")


def test_subscriber_when_its_connection_is_cut_then_it_says_so_and_hears_again(
    redis_server: RedisServer,
) -> None:
    client = connect_redis(redis_server.url)
    ear, log = Ear(client).start(), EventLog(client)
    wait_until(lambda: ear.deaf >= 1, "the first subscription is told")
    before = ear.deaf

    client.client_kill_filter(_type="pubsub")

    wait_until(lambda: ear.deaf > before and ear.subscriber.connected.is_set(), "it has subscribed again")
    log.acquire("resp_cut", 1, frames(0, 1), channel=ear.subscriber.channel)
    wait_until(lambda: bool(ear.heard), "it hears again")
    ear.subscriber.stop()
    client.close()


def test_subscriber_when_stopped_in_silence_then_it_ends_at_once(backends: Backends) -> None:
    ear = Ear(backends.redis).start()
    began = time.monotonic()

    ear.subscriber.stop()

    assert time.monotonic() - began < 0.5
    assert ear.heard == []


CALLS: list[Callable[[EventLog], Any]] = [
    lambda log: log.acquire(ID, 1, []),
    lambda log: log.append(ID, 1, 0, frames(0, 1)),
    lambda log: log.append_many([Batch(ID, 1, 0, frames(0, 1))]),
    lambda log: log.reseed(ID, 1, []),
    lambda log: log.read(ID, -1, channel="c"),
    lambda log: log.heads([ID]),
    lambda log: log.expire(ID, 1),
    lambda log: log.drop([ID]),
    lambda log: log.ping(),
]


@pytest.mark.parametrize("call", CALLS)
def test_log_when_redis_is_not_there_then_unavailable(call: Callable[[EventLog], Any]) -> None:
    client = connect_redis(f"redis://127.0.0.1:{free_port()}/0")

    with pytest.raises(LogUnavailable):
        call(EventLog(client))
    client.close()


def test_ping_when_redis_can_be_written_then_silent(log: EventLog) -> None:
    log.ping()
