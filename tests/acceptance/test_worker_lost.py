"""A worker dies or freezes at the worst moment: what subscribers see, what is paid, what is kept."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.checker import Checker, Row
from tests.support.clients import Caller, Follower
from tests.support.roles import Role, freeze_worker, thaw
from tests.support.stack import Stack
from tests.support.waiting import wait_until

SLOW = "mock-n150-i20"  # three seconds of words


def _stream(stack: Stack, **body: object) -> Follower:
    follower = Follower(stack, body={"model": SLOW, "input": "go on", **body})
    follower.start()
    wait_until(lambda: follower.transcript.last >= 20, "the stream is under way")
    return follower


def test_stream_when_its_worker_is_killed_then_it_fails_densely_and_is_paid_once(either: Stack) -> None:
    # Given a stream under way
    checker = Checker(either)
    follower = _stream(either)
    # When its worker dies
    old = either.kill("worker")
    either.wait_for_restart("worker", old)
    seen = follower.finished()
    checker.wait_for_all()
    # Then subscribers get its end, and nothing is generated twice
    assert checker.findings([seen]) == []
    assert seen.events[-1]["type"] == "response.failed"
    assert len(either.calls(seen.response_id)) == 1
    # And what was seen is kept
    row = checker.row(seen.response_id)
    assert (row.status, row.error_reason) == ("failed", "worker_lost")
    deltas = [e["delta"] for e in seen.events if e["type"] == "response.output_text.delta"]
    assert row.object["output"][0]["content"][0]["text"] == "".join(deltas)


@pytest.mark.parametrize("how", ["blocking", "background"])
def test_create_when_its_worker_is_killed_then_the_failed_object_is_its_answer(
    embedded: Stack, checker: Checker, how: str
) -> None:
    caller = Caller(embedded, {"model": SLOW, "input": "go on", "background": how == "background"})
    caller.start()
    (row,) = wait_until(lambda: _started(checker), "its upstream call began")

    embedded.wait_for_restart("worker", embedded.kill("worker"))
    checker.wait_for_all()

    caller.finished()
    assert checker.findings(callers=[caller]) == []
    assert checker.row(row.id).error_reason == "worker_lost"


def test_response_when_its_worker_is_killed_before_the_gate_then_it_runs_again_and_is_paid_once(
    embedded: Stack, checker: Checker
) -> None:
    # Given a frozen Redis: a worker claims from SQL, then waits for the log and cannot reach the gate
    redis = embedded.pid("redis")
    os.kill(redis, signal.SIGSTOP)
    try:
        caller = Caller(embedded, {"model": "plain", "input": "hello", "background": True})
        caller.start()
        (claimed,) = wait_until(lambda: _claimed(checker), "a worker claims it")
        # When it is killed there
        old = embedded.kill("worker")
        assert checker.row(claimed.id).upstream_started_at is None
    finally:
        os.kill(redis, signal.SIGCONT)
    embedded.wait_for_restart("worker", old)
    # Then it goes back to the queue and is completed, by one call
    checker.wait_for_all()
    assert checker.findings(callers=[caller.finished()]) == []
    row = checker.row(claimed.id)
    assert (row.status, row.attempt) == ("completed", claimed.attempt + 2)
    assert len(embedded.calls(claimed.id)) == 1


def test_worker_when_frozen_past_its_lease_then_it_writes_nothing_any_more(
    embedded: Stack, checker: Checker, tmp_path: Path
) -> None:
    # Given a stream whose worker is frozen, and a second worker
    follower = _stream(embedded)
    second = Role("work", "--data-dir", str(embedded.data_dir), env=embedded.env, log=tmp_path / "second.log")
    frozen = freeze_worker(embedded)
    try:
        # When the second one has settled the lost lease, and the first one wakes up
        seen = follower.finished()
        (settled,) = wait_until(lambda: _archived(checker, seen.response_id), "it is settled and archived")
    finally:
        thaw(frozen)
    wait_until(lambda: _outcome(embedded, seen.response_id) != "running", "the zombie lets go of its call")
    # Then nothing has changed
    assert checker.row(seen.response_id) == settled
    assert checker.findings([seen]) == []
    assert settled.error_reason == "worker_lost"
    second.stop()


def _started(checker: Checker) -> list[Row]:
    return [r for r in checker.rows().values() if r.upstream_started_at is not None]


def _claimed(checker: Checker) -> list[Row]:
    return [r for r in checker.rows().values() if r.status == "in_progress"]


def _archived(checker: Checker, response_id: str) -> list[Row]:
    return [r for r in checker.rows().values() if r.id == response_id and r.terminal_seq is not None]


def _outcome(stack: Stack, response_id: str) -> str:
    outcome: str = stack.calls(response_id)[0]["outcome"]
    return outcome
