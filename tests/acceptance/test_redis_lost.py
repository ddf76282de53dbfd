"""Redis dies, or forgets everything, under load: nobody is restarted, nothing is lost or paid twice."""

from __future__ import annotations

import psutil
import redis

from tests.support.checker import Checker
from tests.support.clients import Follower
from tests.support.load import begin
from tests.support.stack import Stack
from tests.support.waiting import wait_until

SLOW = "mock-n150-i20"  # three seconds of words
BELLS = "respool:responses"  # the Celery queue in Redis


def test_redis_when_killed_under_load_then_every_response_completes_and_no_stream_has_a_gap(
    either: Stack,
) -> None:
    # Given streams, blocking and background responses under way
    checker = Checker(either)
    worker = psutil.Process(either.pid("worker"))
    load = begin(either, checker, SLOW, streams=8, others=8)
    # When Redis is killed and comes back
    old = either.kill("redis")
    either.wait_for_restart("redis", old)
    # Then all of them complete, once
    assert load.findings() == []
    assert load.statuses() == {"completed"}
    # And the same worker hears bells again
    assert worker.is_running()
    either.client().responses.create(model="plain", input="hello")
    client = redis.Redis.from_url(either.dev["redis_url"])
    wait_until(lambda: client.llen(BELLS) == 0, "the worker consumes from Celery again")
    client.close()


def test_redis_when_it_forgets_everything_then_streams_go_on_without_a_cut(
    embedded: Stack, checker: Checker
) -> None:
    load = begin(embedded, checker, SLOW, streams=4, others=2)

    client = redis.Redis.from_url(embedded.dev["redis_url"])
    client.flushall()
    client.close()

    assert load.findings() == []
    assert load.statuses() == {"completed"}
    assert [f.transcript.cuts for f in load.followers] == [0] * 4


def test_stream_when_log_and_worker_are_lost_together_then_it_is_aborted_and_says_so(
    embedded: Stack, checker: Checker
) -> None:
    # Given a stream under way
    follower = Follower(embedded, body={"model": SLOW, "input": "go on"})
    follower.start()
    wait_until(lambda: follower.transcript.last >= 20, "the stream is under way")
    # When its events are lost, and the only process that could give them back dies
    old = embedded.kill("worker")
    client = redis.Redis.from_url(embedded.dev["redis_url"])
    client.flushall()
    client.close()
    embedded.wait_for_restart("worker", old)
    seen = follower.finished()
    checker.wait_for_all()
    # Then nobody is shown a clean end that is none: the connection breaks, coming back is refused
    assert seen.cuts == 1
    assert "410" in seen.complaint and "stream_lost" in seen.complaint
    # And the object is there, failed
    assert embedded.client().responses.retrieve(seen.response_id).status == "failed"
    assert len(embedded.calls(seen.response_id)) == 1
