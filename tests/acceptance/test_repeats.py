"""An SDK's own retry of a lost foreground request attaches instead of paying again."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.support.stack import SHORT, Stack
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("repeats"), SHORT).start()
    yield running
    running.stop()


def test_api_killed_when_the_sdk_repeats_its_request_then_paid_once(fragile: Stack) -> None:
    answers = []
    client = fragile.client(max_retries=5)
    body = {"model": "plain!words=40&pace=100", "input": "one lost request"}
    thread = threading.Thread(target=lambda: answers.append(client.responses.create(**body)))
    thread.start()
    wait_until(lambda: fragile.upstream.ledger()["calls"], "the upstream was called")

    fragile.kill("api")
    thread.join(60)

    assert len(answers) == 1
    assert answers[0].status == "completed"
    assert list(fragile.upstream.ledger()["calls"]) == [answers[0].id]


def test_same_body_when_it_is_not_a_repeat_then_a_response_of_its_own(fragile: Stack) -> None:
    client = fragile.client()

    first = client.responses.create(model="plain", input="the same words")
    second = client.responses.create(model="plain", input="the same words")

    assert first.id != second.id


def test_repeat_when_the_first_waiter_is_still_there_then_a_response_of_its_own(fragile: Stack) -> None:
    client = fragile.client()
    answers = []
    body = {"model": "plain!words=20&pace=100", "input": "two at once"}
    before = len(fragile.upstream.ledger()["calls"])
    thread = threading.Thread(target=lambda: answers.append(client.responses.create(**body)))
    thread.start()
    wait_until(lambda: len(fragile.upstream.ledger()["calls"]) > before, "the upstream was called")

    second = client.responses.create(**body, extra_headers={"x-stainless-retry-count": "1"})
    thread.join(30)

    assert answers[0].id != second.id
