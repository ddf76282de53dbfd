"""What the operator sees of a worker that dies, and of one that is too slow."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from tests.support.checker import Checker
from tests.support.clients import Follower
from tests.support.roles import Role, freeze_worker, thaw
from tests.support.stack import Stack
from tests.support.waiting import wait_until

SLOW = "mock-n150-i20"  # three seconds of words


@pytest.fixture
def follower(embedded: Stack) -> Follower:
    """Of a stream under way."""
    made = Follower(embedded, body={"model": SLOW, "input": "go on"})
    made.start()
    wait_until(lambda: made.transcript.last >= 20, "the stream is under way")
    return made


def _value(stack: Stack, sample: str) -> float:
    text = requests.get(stack.base_url.removesuffix("/v1") + "/metrics", timeout=30).text
    return next(
        (float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(sample + " ")), 0.0
    )


def test_metrics_when_a_worker_is_killed_then_its_rescue_and_its_end_are_counted(
    embedded: Stack, checker: Checker, follower: Follower
) -> None:
    samples = (
        'respool_rescues_total{rung="fail"}',
        'respool_responses_ended_total{status="failed",reason="worker_lost"}',
    )
    before = {sample: _value(embedded, sample) for sample in samples}

    embedded.wait_for_restart("worker", embedded.kill("worker"))
    follower.finished()
    checker.wait_for_all()

    for sample in samples:
        wait_until(lambda s=sample: _value(embedded, s) == before[s] + 1, f"{sample} is one more")  # type: ignore[misc]


def test_metrics_when_a_frozen_worker_comes_back_too_late_then_it_is_fenced_and_counted(
    embedded: Stack, checker: Checker, follower: Follower, tmp_path: Path
) -> None:
    # Given a worker that is frozen until another one has settled its response
    before = _value(embedded, "respool_fenced_writes_total")
    frozen = freeze_worker(embedded)
    second = Role("work", "--data-dir", str(embedded.data_dir), env=embedded.env, log=tmp_path / "second.log")
    try:
        follower.finished()
        # When it goes on
        thaw(frozen)
        # Then
        wait_until(
            lambda: _value(embedded, "respool_fenced_writes_total") > before, "the late worker is counted"
        )
    finally:
        thaw(frozen)
        second.stop()
    checker.wait_for_all()
