"""F19 to F28: Redis restarts, forgets, freezes, fills up; its connections are cut in every way.

Whatever it is, no generation runs twice, no stream has a gap, and all of it completes.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import redis

from tests.faults.conftest import Plant
from tests.faults.load import under_way
from tests.support.clients import Caller
from tests.support.waiting import wait_until


@contextmanager
def again_and_again(act: Callable[[], object], seconds: float) -> Iterator[None]:
    """`act` every so many seconds, beside what happens inside."""
    stopping = threading.Event()

    def run() -> None:
        while not stopping.wait(seconds):
            act()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


@pytest.mark.parametrize(("kind", "seconds"), [("pubsub", 0.1), ("normal", 0.5)])
def test_connections_killed_again_and_again_when_under_load_then_all_complete_once(
    plant: Plant, kind: str, seconds: float
) -> None:
    client = plant.redis_client()

    with again_and_again(lambda: client.client_kill_filter(_type=kind), seconds):
        load = under_way(plant)
        findings = load.findings()

    assert findings == []
    assert load.statuses() == {"completed"}
    client.close()


def test_line_to_redis_reset_when_under_load_then_all_complete(plant: Plant) -> None:
    load = under_way(plant)

    plant.redis_line.reset()

    assert load.findings() == []
    assert load.statuses() == {"completed"}


@pytest.mark.slow_fault
def test_line_to_redis_slow_when_under_load_then_all_complete(plant: Plant) -> None:
    plant.redis_line.delay(30)
    load = under_way(plant)

    plant.redis_line.throttle(200_000)

    assert load.findings() == []
    assert load.statuses() == {"completed"}


@pytest.mark.slow_fault
def test_redis_away_when_asked_for_work_then_all_but_streams_is_done(plant: Plant) -> None:
    # Given streams under way, and then no Redis
    load = under_way(plant)
    plant.redis_line.cut()
    # When more is asked for
    waiting = plant.create()
    background = plant.create(background=True)
    refused = plant.stack.request("POST", "/responses", json={"model": "plain", "input": "x", "stream": True})
    # Then idle workers find it in SQL, and a stream is refused before it is paid for
    assert waiting["status"] == "completed"
    assert plant.wait_for_end(background["id"]) == "completed"
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "stream_unavailable")
    # And what was under way has its whole story once Redis is back
    plant.redis_line.passing()
    assert load.findings() == []
    assert load.statuses() == {"completed"}


@pytest.mark.slow_fault
def test_waiting_client_when_redis_stays_away_then_it_gets_its_answer(plant: Plant) -> None:
    """A blocking create outlasts the patience that streams have without Redis."""
    caller = Caller(plant.stack, {"model": "mock-n200-i200", "input": "forty seconds"})
    caller.start()
    wait_until(lambda: plant.upstream_line.connections, "it is under way")

    plant.redis_line.cut()

    assert (caller.finished().answer or {}).get("status") == "completed"


@pytest.mark.slow_fault
def test_redis_half_open_when_it_passes_again_then_streams_go_on(plant: Plant) -> None:
    load = under_way(plant)
    plant.redis_line.half_open()
    late = plant.create(background=True)

    assert plant.wait_for_end(late["id"]) == "completed"
    plant.redis_line.passing()

    assert load.findings() == []
    assert load.statuses() == {"completed"}


@pytest.mark.slow_fault
def test_pubsub_half_open_when_all_else_passes_then_it_is_noticed(plant: Plant) -> None:
    """F26: a subscriber that hears nothing on a dead line takes a new one."""
    wait_until(lambda: _subscribers(plant) == 1, "the API listens")
    plant.redis_line.half_open()
    wait_until(lambda: not plant.is_ready(), "nothing comes through")

    before = plant.redis_line.accepted
    wait_until(lambda: plant.redis_line.accepted > before + 3, "lines are tried anew", seconds=40)
    plant.redis_line.passing()

    wait_until(lambda: _subscribers(plant) == 1, "the API listens again")
    load = under_way(plant)
    assert load.findings() == []


@pytest.mark.slow_fault
def test_redis_frozen_when_work_comes_then_it_is_done_without_it(plant: Plant) -> None:
    load = under_way(plant)
    with frozen(plant):
        background = plant.create(background=True)
        assert plant.wait_for_end(background["id"]) == "completed"

    assert load.findings() == []
    assert load.statuses() == {"completed"}


@pytest.mark.parametrize("trouble", ["full", pytest.param("read only", marks=pytest.mark.slow_fault)])
def test_redis_refuses_writes_when_under_load_then_all_complete(plant: Plant, trouble: str) -> None:
    load = under_way(plant)
    client = plant.redis_client()
    if trouble == "full":
        client.config_set("maxmemory", 1)
    else:
        client.replicaof("127.0.0.1", "1")  # as after a failed save: every write is refused
    try:
        background = plant.create(background=True)
        assert plant.wait_for_end(background["id"]) == "completed"
    finally:
        client.config_set("maxmemory", 0)
        client.replicaof("NO", "ONE")
        client.close()

    assert load.findings() == []
    assert load.statuses() == {"completed"}


def test_redis_nearly_full_when_logs_have_their_archive_then_those_go_first(plant: Plant) -> None:
    # Given a log that has ended, and logs that have not
    checker, client = plant.checker(), plant.redis_client()
    ended = plant.stream("mock-n80").finished()
    checker.wait_for_all()
    load = under_way(plant)
    running = load.followers[0].transcript.response_id
    # When Redis is filled to four fifths
    client.config_set("maxmemory", int(client.info("memory")["used_memory"] / 0.8))
    try:
        assert client.pttl(_log_of(ended.response_id)) > 20_000
        wait_until(lambda: not client.exists(_log_of(ended.response_id)), "it makes room", seconds=15)
        kept = client.exists(_log_of(running))
    finally:
        client.config_set("maxmemory", 0)
        client.close()
    # Then only what SQL has is gone, and nobody notices
    assert kept
    assert load.findings() == []
    assert load.statuses() == {"completed"}
    assert checker.findings([ended]) == []


@pytest.mark.slow_fault
@pytest.mark.timeout(300)
def test_redis_forgets_all_bells_when_a_thousand_wait_then_all_are_done(plant: Plant) -> None:
    """F19: what was queued in Redis is gone; the rows are not."""
    checker = plant.checker()
    worker = plant.stack.pid("worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(8) as clients:
            list(clients.map(lambda _: plant.create(background=True), range(1_000)))
        client = plant.redis_client()
        client.flushall()
        client.close()
    finally:
        os.kill(worker, signal.SIGCONT)

    checker.wait_for_all(seconds=180)
    rows = checker.rows()
    assert (len(rows), {row.status for row in rows.values()}) == (1_000, {"completed"})
    assert checker.findings() == []


def test_redis_restarted_politely_when_jobs_run_then_the_same_worker_goes_on(plant: Plant) -> None:
    load, worker = under_way(plant), plant.stack.pid("worker")

    plant.redis.stop()
    plant.redis.start()

    assert load.findings() == []
    assert load.statuses() == {"completed"}
    assert plant.stack.pid("worker") == worker
    plant.create()
    client = plant.redis_client()
    wait_until(lambda: client.llen("respool:responses") == 0, "the worker hears bells again")
    client.close()


@contextmanager
def frozen(plant: Plant) -> Iterator[None]:
    client = plant.redis_client()
    pid = int(client.info("server")["process_id"])
    client.close()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _log_of(response_id: str) -> str:
    return "respool:{" + response_id + "}:log"


def _subscribers(plant: Plant) -> int:
    client = plant.redis_client()
    try:
        return len(list(client.pubsub_channels("respool:api:*")))
    except redis.exceptions.ConnectionError:
        return 0
    finally:
        client.close()
