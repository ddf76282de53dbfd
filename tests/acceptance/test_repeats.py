"""An SDK's own retry of a lost foreground request attaches instead of paying again."""

from __future__ import annotations

import threading

from tests.support.stack import Stack
from tests.support.waiting import wait_until


def test_api_killed_when_the_sdk_repeats_its_request_then_paid_once(embedded: Stack) -> None:
    answers = []
    client = embedded.client(max_retries=5)
    body = {"model": "plain!words=40&pace=100", "input": "one lost request"}
    before = _called(embedded)
    thread = threading.Thread(target=lambda: answers.append(client.responses.create(**body)))
    thread.start()
    wait_until(lambda: _called(embedded) - before, "the upstream was called")

    embedded.kill("api")
    thread.join(60)

    assert len(answers) == 1
    assert answers[0].status == "completed"
    assert _called(embedded) - before == {answers[0].id}


def test_same_body_when_it_is_not_a_repeat_then_a_response_of_its_own(embedded: Stack) -> None:
    client = embedded.client()

    first = client.responses.create(model="plain", input="the same words")
    second = client.responses.create(model="plain", input="the same words")

    assert first.id != second.id


def test_repeat_when_the_first_waiter_is_still_there_then_a_response_of_its_own(embedded: Stack) -> None:
    client = embedded.client()
    answers = []
    body = {"model": "plain!words=20&pace=100", "input": "two at once"}
    before = _called(embedded)
    thread = threading.Thread(target=lambda: answers.append(client.responses.create(**body)))
    thread.start()
    wait_until(lambda: _called(embedded) - before, "the upstream was called")

    second = client.responses.create(**body, extra_headers={"x-stainless-retry-count": "1"})
    thread.join(30)

    assert answers[0].id != second.id


def _called(stack: Stack) -> set[str]:
    """The responses that the upstream was ever asked for."""
    return set(stack.upstream.ledger()["calls"])
