"""Refusals that were not billed are tried again; nothing else is."""

from __future__ import annotations

import pytest
from openai import RateLimitError

from tests.support.stack import Stack
from tests.support.waiting import wait_until


@pytest.mark.parametrize(
    ("stack", "status"),
    [("embedded", 429), ("postgres", 429), ("embedded", 503), ("embedded", 529)],
    indirect=["stack"],
    scope="session",
)
def test_refusal_when_it_says_not_now_then_tried_again(stack: Stack, status: int) -> None:
    stack.upstream.script(f"fault=refuse:{status}:1", "")

    response = stack.client().responses.create(model="retrying/plain", input="hello")

    assert response.status == "completed"
    assert [call["words"] > 0 for call in stack.calls(response.id)] == [False, True]


def test_refusal_when_it_never_ends_then_passed_on_after_two_more_tries(stack: Stack) -> None:
    with pytest.raises(RateLimitError) as caught:
        stack.client().responses.create(model="retrying/plain!fault=refuse:429:1", input="hello")

    assert caught.value.response.headers["retry-after"] == "1"


def test_refusal_when_streamed_and_tried_again_then_one_dense_stream(stack: Stack) -> None:
    stack.upstream.script("fault=refuse:429:1", "")

    with stack.client().responses.create(model="retrying/plain", input="hello", stream=True) as stream:
        events = list(stream)

    assert [e.sequence_number for e in events] == list(range(len(events)))
    assert [e.type for e in events].count("response.in_progress") == 1
    assert events[-1].type == "response.completed"


def test_client_error_when_refused_then_never_tried_again(stack: Stack) -> None:
    answer = stack.request(
        "POST", "/responses", json={"model": "retrying/plain!fault=refuse:400", "input": "once only"}
    )

    assert answer.status_code == 400
    last = wait_until(lambda: list(stack.upstream.ledger()["calls"].values())[-1], "the ledger has it")
    assert len(last) == 1


def test_broken_stream_when_something_was_generated_then_never_tried_again(stack: Stack) -> None:
    response = stack.client().responses.create(model="retrying/plain!fault=reset:2", input="hello")

    assert response.status == "failed"
    assert len(stack.calls(response.id)) == 1
