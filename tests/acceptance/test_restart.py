"""The whole stack stops or is killed, and starts again on the same data: everything is still there."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import psutil
import pytest

from tests.support.checker import Checker
from tests.support.clients import Caller, Follower
from tests.support.running import started
from tests.support.stack import SHORT, Stack
from tests.support.waiting import wait_until

SLOW = "mock-n150-i20"  # three seconds of words
ENDS = [signal.SIGINT, signal.SIGKILL]


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One generation at a time, so that others wait in the queue."""
    env = {**SHORT, "RESPOOL_WORKER_CONCURRENCY": "1"}
    with started(Stack(tmp_path_factory.mktemp("narrow"), env)) as stack:
        yield stack


@pytest.mark.parametrize("how", ENDS, ids=lambda how: how.name)
def test_stack_when_it_ends_and_starts_again_then_everything_is_there_and_the_queue_goes_on(
    narrow: Stack, how: signal.Signals
) -> None:
    # Given an ended response, one that runs, and two behind it
    checker, key = Checker(narrow), narrow.api_key
    ended = narrow.client().responses.create(model="plain", input="hello")
    replayed = _replay(narrow, ended.id)
    callers = [
        Caller(narrow, {"model": SLOW, "input": "first", "background": True}),
        Caller(narrow, {"model": "plain", "input": "second", "background": True}),
        Caller(narrow, {"model": "plain", "input": "third", "background": True}),
    ]
    for n, caller in enumerate(callers):
        caller.start()
        assert caller.finished().status == 200
        if n == 0:
            wait_until(lambda: _statuses(checker, callers[:1]) == ["in_progress"], "the first one runs")
    family = _family(narrow)
    # When all is stopped
    narrow.terminate(how)
    wait_until(lambda: not _living(family), "no child is left", seconds=10)
    assert _statuses(checker, callers)[1:] == ["queued", "queued"]
    narrow.launch()
    # Then the key, the past and the queue are as they were
    assert narrow.api_key == key
    assert narrow.client().responses.retrieve(ended.id).output_text == ended.output_text
    assert _replay(narrow, ended.id) == replayed
    checker.wait_for_all()
    assert checker.findings(callers=callers) == []
    assert _statuses(checker, callers)[1:] == ["completed", "completed"]
    # And what was running was not run again: completed while stopping, or lost
    assert _statuses(checker, callers)[0] in ("completed", "failed")


def test_stack_when_stopped_in_a_stream_then_the_stream_is_cut_and_goes_on_after_the_start(
    narrow: Stack,
) -> None:
    checker = Checker(narrow)
    follower = Follower(narrow, body={"model": "mock-n400-i20", "input": "go on"})
    follower.start()
    wait_until(lambda: follower.transcript.last >= 20, "the stream is under way")

    narrow.terminate()
    narrow.launch()

    seen = follower.finished()
    checker.wait_for_all()
    assert checker.findings([seen]) == []
    assert seen.cuts > 0


def _statuses(checker: Checker, callers: list[Caller]) -> list[str]:
    return [checker.row((c.answer or {})["id"]).status for c in callers]


def _replay(stack: Stack, response_id: str) -> list[bytes]:
    follower = Follower(stack, response_id=response_id)
    follower.start()
    return follower.finished().frames


def _family(stack: Stack) -> list[psutil.Process]:
    parent = psutil.Process(stack.supervisor)
    return [parent, *parent.children(recursive=True)]


def _living(family: list[psutil.Process]) -> list[psutil.Process]:
    return [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
