"""F1 to F13: workers die, freeze, or are told to go, at every point of a response's life."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.conftest import Plant, deltas
from tests.faults.load import under_way
from tests.support.clients import Caller, Follower
from tests.support.roles import ApiProcess, Role
from tests.support.stack import ROOT
from tests.support.waiting import wait_until

WORDS = 60
RESUMABLE = f"resumable/plain!words={WORDS}&pace=40"
SLOW = "plain!words=60&pace=40"


@pytest.fixture
def second(plant: Plant, tmp_path: Path) -> Iterator[Role]:
    """One more worker."""
    role = _worker(plant, tmp_path / "second.log")
    yield role
    role.stop()


def test_worker_killed_while_idle_when_another_is_there_then_it_takes_what_comes(
    plant: Plant, second: Role
) -> None:
    old = plant.stack.kill("worker")

    response = plant.create()

    assert response["status"] == "completed"
    plant.stack.wait_for_restart("worker", old)


def test_worker_killed_between_gate_and_first_byte_when_not_resumable_then_failed_and_never_sent_again(
    plant: Plant,
) -> None:
    # Given a request that the upstream never gets
    checker = plant.checker()
    plant.upstream_line.half_open()
    caller = Caller(plant.stack, {"model": "plain", "input": "hello", "background": True})
    caller.run()
    (row,) = wait_until(
        lambda: [r for r in checker.rows().values() if r.upstream_started_at], "the gate is passed"
    )
    # When its worker dies
    old = plant.stack.kill("worker")
    plant.upstream_line.passing()
    plant.stack.wait_for_restart("worker", old)
    # Then nobody sends it again
    checker.wait_for_all()
    assert checker.findings(callers=[caller]) == []
    assert checker.row(row.id).error_reason == "worker_lost"
    assert plant.stack.calls(row.id) == []


@pytest.mark.parametrize("count", [1, pytest.param(50, marks=pytest.mark.slow_fault)])
def test_worker_killed_in_mid_stream_when_resumable_then_the_stream_has_no_seam(
    plant: Plant, count: int
) -> None:
    checker = plant.checker()
    follower = plant.stream(RESUMABLE, words=count)

    plant.stack.wait_for_restart("worker", plant.stack.kill("worker"))

    seen = follower.finished()
    checker.wait_for_all()
    assert checker.findings([seen]) == []
    assert seen.events[-1]["type"] == "response.completed"
    assert len("".join(deltas(follower)).split()) == WORDS


@pytest.mark.slow_fault
def test_worker_killed_after_the_upstream_ended_when_resumable_then_the_rest_is_fetched(plant: Plant) -> None:
    # Given an upstream that says the last words and its end to nobody
    checker = plant.checker()
    follower = plant.stream(RESUMABLE, words=40)
    plant.upstream_line.half_open()
    response_id = follower.transcript.response_id
    wait_until(lambda: plant.stack.calls(response_id)[0]["outcome"] == "completed", "the upstream has ended")
    # When the worker dies
    old = plant.stack.kill("worker")
    plant.upstream_line.passing()
    plant.stack.wait_for_restart("worker", old)
    # Then the next one has the rest
    seen = follower.finished()
    checker.wait_for_all()
    assert checker.findings([seen]) == []
    assert len("".join(deltas(follower)).split()) == WORDS


def test_worker_killed_before_its_terminal_event_when_the_row_has_ended_then_others_say_it(
    plant: Plant,
) -> None:
    # Given a response that ends in SQL while Redis cannot be told
    checker = plant.checker()
    follower = plant.stream(SLOW)
    plant.redis_line.cut()
    wait_until(lambda: checker.row(follower.transcript.response_id).is_terminal, "it has ended in SQL")
    # When its worker dies
    old = plant.stack.kill("worker")
    plant.redis_line.passing()
    plant.stack.wait_for_restart("worker", old)
    # Then there is one end, the row's
    seen = follower.finished()
    checker.wait_for_all()
    assert checker.findings([seen]) == []
    assert seen.events[-1]["type"] == "response.completed"


def test_worker_frozen_for_less_than_its_lease_when_thawed_then_it_goes_on(plant: Plant) -> None:
    checker = plant.checker()
    follower = plant.stream(SLOW)
    response_id = follower.transcript.response_id
    pid = plant.stack.pid("worker")

    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: plant.lease_left(response_id) < 1.5, "half of its lease is over")
    os.kill(pid, signal.SIGCONT)

    seen = follower.finished()
    checker.wait_for_all()
    assert checker.findings([seen]) == []
    row = checker.row(response_id)
    assert (row.status, row.attempt) == ("completed", 1)


@pytest.fixture
def beside(plant: Plant) -> Iterator[ExitStack]:
    """Ends what runs beside the plant, also where a test fails."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.slow_fault
@pytest.mark.parametrize("hours", [1, -1])
def test_worker_whose_clock_is_off_when_leases_are_renewed_then_none_counts_as_lost(
    plant: Plant, tmp_path: Path, beside: ExitStack, hours: int
) -> None:
    # Given a second worker with another time, which has some of the work, and sweeps
    clock = tmp_path / "clock"
    clock.mkdir()
    (clock / "sitecustomize.py").write_text(
        f"import time\nread = time.time\ntime.time = lambda: read() + {3600 * hours}\n"
    )
    role = _worker(plant, tmp_path / "off.log", PYTHONPATH=f"{clock}{os.pathsep}{ROOT}")
    beside.callback(role.stop)
    assert "database's clock is" in role.log.read_text()
    pid = plant.stack.pid("worker")
    os.kill(pid, signal.SIGSTOP)
    try:
        load = under_way(plant, each=2, model="mock-n250-i25")
    finally:
        os.kill(pid, signal.SIGCONT)
    # When it goes on for longer than a lease, beside one whose clock is right
    more = under_way(plant, each=2, model="mock-n250-i25")
    # Then neither takes the other for dead
    assert load.findings() + more.findings() == []
    assert load.statuses() == {"completed"}
    assert {row.attempt for row in load.checker.rows().values()} == {1}


@dataclass
class Front:
    """What a load balancer shows: one address, whoever is behind it now."""

    api: ApiProcess

    @property
    def base_url(self) -> str:
        return self.api.base_url

    @property
    def api_key(self) -> str:
        return self.api.api_key


@pytest.mark.slow_fault
@pytest.mark.timeout(300)  # eight starts and eight drains of real processes
def test_rolling_restart_when_under_load_then_no_resumable_request_fails(
    plant: Plant, tmp_path: Path, beside: ExitStack
) -> None:
    def api(name: str) -> ApiProcess:
        process = _api(plant, tmp_path / f"{name}.log")
        beside.callback(process.stop)
        return process

    def worker(name: str) -> Role:
        role = _worker(plant, tmp_path / f"{name}.log")
        beside.callback(role.stop)
        return role

    # Given two workers, and an API process that clients reach
    checker, front = plant.checker(), Front(api("api"))
    workers = [worker(f"worker{n}") for n in range(2)]
    followers: list[Follower] = []
    callers: list[Caller] = []
    # When all of them are replaced, one after the other, under load
    for turn in range(4):
        for n in range(3):
            body = {"model": "resumable/plain!words=80&pace=50", "input": f"turn {turn}, {n}"}
            followers.append(Follower(front, body=body, repeat="key"))
            callers.append(Caller(front, {**body, "input": f"call {turn}, {n}"}, repeat="sdk"))
        for client in (*followers[-3:], *callers[-3:]):
            client.start()
        wait_until(lambda turn=turn: len(checker.rows()) >= 6 * (turn + 1), "all are accepted")  # type: ignore[misc]
        old, front.api = front.api, api(f"api{turn}")
        old.stop()
        workers[turn % 2].stop()
        workers[turn % 2] = worker(f"worker{turn}b")
    seen = [follower.finished() for follower in followers]
    for caller in callers:
        caller.finished()
    # Then nobody has noticed
    checker.wait_for_all()
    assert checker.findings(seen, callers) == []
    assert {r.status for r in checker.rows().values()} == {"completed"}
    assert {(c.answer or {}).get("status") for c in callers} == {"completed"}


def _worker(plant: Plant, log: Path, **more: str) -> Role:
    env = {**plant.stack.env, "RESPOOL_DRAIN_SECONDS": "1", **more}
    role = Role("work", "--data-dir", str(plant.stack.data_dir), env=env, log=log)
    wait_until(lambda: " ready." in log.read_text(), "a worker is ready")
    return role


def _api(plant: Plant, log: Path) -> ApiProcess:
    env = {**plant.stack.env, "RESPOOL_DRAIN_SECONDS": "15"}
    return ApiProcess(plant.stack.data_dir, plant.stack.api_key, env, log).start()
