"""SIGTERM: nothing that runs is lost, whoever is told to stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import httpx2
import pytest
import requests
from openai import APIConnectionError

from tests.support.running import started
from tests.support.stack import SHORT, Stack
from tests.support.waiting import wait_until


@pytest.fixture(scope="module", name="running")
def running_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with started(Stack(tmp_path_factory.mktemp("drain"), {**SHORT, "RESPOOL_DRAIN_SECONDS": "2"})) as stack:
        yield stack


@pytest.fixture
def drained(running: Stack) -> Stack:
    wait_until(lambda: _answers(running), "the API answers")
    return running


def _terminate(stack: Stack, role: str) -> int:
    pid = stack.pid(role)
    os.kill(pid, signal.SIGTERM)
    return pid


def _answers(stack: Stack) -> bool:
    try:
        return stack.request("GET", "/models").status_code == 200
    except requests.exceptions.ConnectionError:
        return False


def test_worker_told_to_stop_when_the_generation_is_resumable_then_handed_over(drained: Stack) -> None:
    client = drained.client()
    with client.responses.create(
        model="resumable/plain!words=60&pace=100", input="hi", stream=True, timeout=90
    ) as stream:
        events = []
        for event in stream:
            events.append(event)
            if event.type == "response.output_text.delta" and len(events) < 8:
                old = _terminate(drained, "worker")
                break
        events.extend(stream)

    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert events[-1].type == "response.completed"
    assert len(drained.calls(events[0].response.id)) == 1
    drained.wait_for_restart("worker", old)


def test_worker_told_to_stop_when_the_generation_is_short_then_it_ends_first(drained: Stack) -> None:
    client = drained.client()
    response = client.responses.create(model="plain!words=20&pace=50", input="hi", background=True)
    wait_until(lambda: drained.calls(response.id), "the upstream was called")

    old = _terminate(drained, "worker")
    drained.wait_for_restart("worker", old)

    assert client.responses.retrieve(response.id).status == "completed"


def test_api_told_to_stop_when_streaming_then_cut_between_frames_and_continued(drained: Stack) -> None:
    client = drained.client()
    seen = []
    with (
        pytest.raises((APIConnectionError, httpx2.RemoteProtocolError)),  # as the SDK's release has it
        client.responses.create(model="plain!words=60&pace=100", input="hi", stream=True) as stream,
    ):
        for event in stream:
            seen.append(event)
            if len(seen) == 6:
                old = _terminate(drained, "api")
    drained.wait_for_restart("api", old)
    wait_until(lambda: _answers(drained), "the API is back")
    response_id = seen[0].response.id
    with client.responses.retrieve(response_id, stream=True, starting_after=seen[-1].sequence_number) as rest:
        seen.extend(rest)

    assert [e.sequence_number for e in seen] == list(range(len(seen)))
    assert seen[-1].type == "response.completed"


def test_api_told_to_stop_when_somebody_waits_then_answered_first(drained: Stack) -> None:
    answers = []
    body = {"model": "plain!words=10&pace=100", "input": "a waiting client"}
    before = len(drained.upstream.ledger()["calls"])
    thread = threading.Thread(target=lambda: answers.append(drained.client().responses.create(**body)))
    thread.start()
    wait_until(lambda: len(drained.upstream.ledger()["calls"]) > before, "the upstream was called")

    old = _terminate(drained, "api")
    thread.join(30)

    assert [a.status for a in answers] == ["completed"]
    drained.wait_for_restart("api", old)
