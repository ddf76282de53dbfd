"""Redis dies, or forgets everything, under load: nobody is restarted, nothing is lost or paid twice."""

from __future__ import annotations

import psutil
import redis

from tests.support.checker import Checker
from tests.support.clients import Caller, Follower
from tests.support.stack import Stack
from tests.support.waiting import wait_until

SLOW = "mock-n150-i20"  # three seconds of words
BELLS = "respool:responses"  # the Celery queue in Redis


def _load(stack: Stack, *, streams: int, others: int) -> tuple[list[Follower], list[Caller]]:
    followers = [Follower(stack, body={"model": SLOW, "input": f"stream {n}"}) for n in range(streams)]
    callers = [
        Caller(stack, {"model": SLOW, "input": f"call {n}", "background": n % 2 == 0}) for n in range(others)
    ]
    for client in (*followers, *callers):
        client.start()
    wait_until(lambda: all(f.transcript.last >= 10 for f in followers), "all streams are under way")
    return followers, callers


def test_redis_when_killed_under_load_then_every_response_completes_and_no_stream_has_a_gap(
    either: Stack,
) -> None:
    # Given streams, blocking and background responses under way
    checker = Checker(either)
    worker = psutil.Process(either.pid("worker"))
    followers, callers = _load(either, streams=8, others=8)
    # When Redis is killed and comes back
    old = either.kill("redis")
    either.wait_for_restart("redis", old)
    seen = [f.finished() for f in followers]
    for caller in callers:
        caller.finished()
    checker.wait_for_all()
    # Then all of them complete, once
    assert checker.findings(seen, callers) == []
    assert {r.status for r in checker.rows().values()} == {"completed"}
    # And the same worker hears bells again
    assert worker.is_running()
    either.client().responses.create(model="plain", input="hello")
    client = redis.Redis.from_url(either.dev["redis_url"])
    wait_until(lambda: client.llen(BELLS) == 0, "the worker consumes from Celery again")
    client.close()


def test_redis_when_it_forgets_everything_then_streams_go_on_without_a_cut(
    embedded: Stack, checker: Checker
) -> None:
    followers, callers = _load(embedded, streams=4, others=2)

    client = redis.Redis.from_url(embedded.dev["redis_url"])
    client.flushall()
    client.close()

    seen = [f.finished() for f in followers]
    for caller in callers:
        caller.finished()
    checker.wait_for_all()
    assert checker.findings(seen, callers) == []
    assert {r.status for r in checker.rows().values()} == {"completed"}
    assert [s.cuts for s in seen] == [0] * 4


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
