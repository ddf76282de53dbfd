"""Reasoning: shown as a summary, sealed for the next turn, its seal private unless asked for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.contract import Json
from tests.support.echo import sent_for
from tests.support.event_order import check_story, of_type
from tests.support.stack import Stack
from tests.support.wire import create, create_stream, events_of

EFFORT = {"effort": "low", "summary": "auto"}
SEALED = "reasoning.encrypted_content"


@pytest.fixture(scope="module")
def thought(stack: Stack) -> Json:
    """A response with reasoning, without its encrypted content."""
    return create(stack, reasoning=EFFORT)


def test_create_when_it_reasons_then_the_reasoning_comes_before_the_message(thought: Json) -> None:
    assert [item["type"] for item in thought["output"]] == ["reasoning", "message"]
    assert thought["output"][0]["summary"][0]["text"]
    assert thought["usage"]["output_tokens_details"]["reasoning_tokens"] > 0
    assert thought["reasoning"] == EFFORT


def test_stream_when_it_reasons_then_the_summary_comes_in_pieces(stack: Stack) -> None:
    events = events_of(create_stream(stack, reasoning=EFFORT))

    check_story(events)
    assert len(of_type(events, "response.reasoning_summary_text.delta")) > 1


def test_create_when_the_seal_is_not_asked_for_then_it_is_nowhere(stack: Stack) -> None:
    answer = create_stream(stack, reasoning=EFFORT)

    response_id = events_of(answer)[0]["response"]["id"]
    stored = stack.request("GET", f"/responses/{response_id}")
    assert (b"encrypted_content" in answer.content, b"encrypted_content" in stored.content) == (False, False)


def test_create_when_the_seal_is_asked_for_then_it_is_there(stack: Stack) -> None:
    events = events_of(create_stream(stack, reasoning=EFFORT, include=[SEALED]))

    assert check_story(events)["output"][0]["encrypted_content"]


def test_chain_when_the_seal_was_private_then_it_goes_upstream_all_the_same(
    stack: Stack, thought: Json
) -> None:
    sent = sent_for(stack, previous_response_id=thought["id"])

    kinds = [item.get("type", "message") for item in sent["input"]]
    assert kinds == ["message", "reasoning", "message", "message"]
    assert sent["input"][1]["encrypted_content"]
    assert sent["input"][1]["id"] == thought["output"][0]["id"]


def test_round_trip_when_the_client_keeps_the_state_then_the_upstream_knows_its_seal(stack: Stack) -> None:
    responses = stack.client().responses
    turns: list[Any] = [{"role": "user", "content": "hello"}]
    wish: Any = {"reasoning": EFFORT, "include": [SEALED], "store": False}
    turns += responses.create(model="plain", input=turns, **wish).output
    turns.append({"role": "user", "content": "once more"})

    response = responses.create(model="plain", input=turns, **wish)

    assert "once more" in response.output_text


def test_create_when_the_seal_is_forged_then_the_upstreams_refusal_comes_through(stack: Stack) -> None:
    forged = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "forged"}
    body = {"model": "plain", "input": [forged, {"role": "user", "content": "x"}], "reasoning": EFFORT}

    answer = stack.request("POST", "/responses", json=body)

    assert answer.status_code == 400


@pytest.mark.parametrize(("query", "shown"), [("", False), (f"?include[]={SEALED}", True)])
def test_input_items_when_the_seal_is_asked_for_or_not_then_it_is_shown_or_not(
    stack: Stack, thought: Json, query: str, shown: bool
) -> None:
    child = create(stack, previous_response_id=thought["id"])

    page = stack.request("GET", f"/responses/{child['id']}/input_items{query}").json()

    reasoning = next(item for item in page["data"] if item["type"] == "reasoning")
    assert ("encrypted_content" in reasoning) is shown


def test_sdk_when_it_reasons_then_the_summary_is_readable(stack: Stack) -> None:
    response = stack.client().responses.create(model="plain", input="hello", reasoning={"effort": "low"})

    reasoning = response.output[0]
    assert reasoning.type == "reasoning" and reasoning.summary[0].text
