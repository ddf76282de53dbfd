"""`state: upstream`: turns build upon the upstream's own ids, and go on without them where those are gone."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.support.contract import Json
from tests.support.echo import ECHO, said, sent_for, sent_upstream
from tests.support.stack import Stack
from tests.support.waiting import wait_until
from tests.support.wire import column_of, create, create_stream, events_of, follow

MODEL = "chained/plain"
PROVIDERS = ["chained", "chained-resumable"]


def copy_of(stack: Stack, response: Json) -> str:
    """The upstream's id of its own copy."""
    upstream_id: str = column_of(stack, response["id"], "kept_upstream_id")
    return upstream_id


def upstream_has(stack: Stack, upstream_id: str) -> bool:
    url = f"{stack.upstream.url}/v1/responses/{upstream_id}"
    answer = requests.get(url, headers={"Authorization": "Bearer upstream-key"}, timeout=10)
    return answer.status_code == 200


def forget(stack: Stack, upstream_id: str) -> None:
    url = f"{stack.upstream.url}/v1/responses/{upstream_id}"
    requests.delete(url, headers={"Authorization": "Bearer upstream-key"}, timeout=10).raise_for_status()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_chain_when_the_upstream_has_the_turn_before_then_only_the_new_input_goes(
    stack: Stack, provider: str
) -> None:
    first = create(stack, model=f"{provider}/plain", input="remember 7")

    sent = sent_for(stack, model=f"{provider}/plain", previous_response_id=first["id"])

    assert (sent["previous_response_id"], sent["store"]) == (copy_of(stack, first), True)
    assert [said(item) for item in sent["input"]] == [("user", ECHO)]


def test_chain_when_streamed_and_in_the_background_then_it_goes_on_all_the_same(stack: Stack) -> None:
    first = create(stack, model=MODEL)
    streamed = events_of(create_stream(stack, model=MODEL, previous_response_id=first["id"]))[-1]["response"]
    queued = create(stack, model=MODEL, input=ECHO, background=True, previous_response_id=streamed["id"])

    assert sent_upstream(follow(stack, queued["id"])[-1]["response"])["previous_response_id"] == copy_of(
        stack, streamed
    )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_chain_when_the_upstream_has_forgotten_then_the_whole_story_goes(stack: Stack, provider: str) -> None:
    first = create(stack, model=f"{provider}/plain", input="remember 7")
    forget(stack, copy_of(stack, first))

    sent = sent_for(stack, model=f"{provider}/plain", previous_response_id=first["id"])

    assert "previous_response_id" not in sent
    assert [said(item)[0] for item in sent["input"]] == ["user", "assistant", "user"]


def test_chain_when_the_turn_before_was_anothers_then_the_whole_story_goes(stack: Stack) -> None:
    first = create(stack, model="main/plain", input="remember 7")

    sent = sent_for(stack, model=MODEL, previous_response_id=first["id"])

    assert ("previous_response_id" in sent, len(sent["input"]), sent["store"]) == (False, 3, True)


def test_chain_when_another_goes_on_then_it_gets_the_whole_story(stack: Stack) -> None:
    first = create(stack, model=MODEL, input="remember 7")
    second = create(stack, model=MODEL, previous_response_id=first["id"])

    sent = sent_for(stack, model="main/plain", previous_response_id=second["id"])

    assert ("previous_response_id" in sent, len(sent["input"]), sent["store"]) == (False, 5, False)


def test_chain_when_the_turn_is_not_to_be_stored_then_the_whole_story_and_no_copy(stack: Stack) -> None:
    first = create(stack, model=MODEL)

    sent = sent_for(stack, model=MODEL, previous_response_id=first["id"], store=False)

    assert ("previous_response_id" in sent, len(sent["input"]), sent["store"]) == (False, 3, False)


def test_tools_when_the_upstream_has_the_calls_then_the_outputs_alone_go(stack: Stack) -> None:
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
    first = create(stack, model=MODEL, input="weather in Oslo?", tools=[tool])
    outputs = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "4 degrees"}
        for item in first["output"]
    ]

    second = create(stack, model=MODEL, input=outputs, tools=[tool], previous_response_id=first["id"])

    assert "4 degrees" in second["output"][0]["content"][0]["text"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_delete_when_the_upstream_has_a_copy_then_that_goes_too(stack: Stack, provider: str) -> None:
    response = create(stack, model=f"{provider}/plain")
    copy = copy_of(stack, response)
    assert upstream_has(stack, copy)

    assert stack.request("DELETE", f"/responses/{response['id']}").status_code == 200

    wait_until(lambda: not upstream_has(stack, copy), "the upstream's copy is gone")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_chain_when_the_turn_before_is_deleted_meanwhile_then_its_grandchild_goes_on(
    stack: Stack, provider: str
) -> None:
    first = create(stack, model=f"{provider}/plain", input="remember 7")
    second = create(stack, model=f"{provider}/plain", previous_response_id=first["id"])
    stack.request("DELETE", f"/responses/{first['id']}")

    sent = sent_for(stack, model=f"{provider}/plain", previous_response_id=second["id"])

    assert sent["previous_response_id"] == copy_of(stack, second)


def test_cancel_when_it_runs_then_no_copy_stays(stack: Stack) -> None:
    wish: Any = {"model": "chained/mock-n200-i50", "background": True}
    queued = create(stack, **wish)
    wait_until(lambda: _copies(stack, queued), "the upstream has begun")

    stack.request("POST", f"/responses/{queued['id']}/cancel")

    (copy,) = _copies(stack, queued)
    wait_until(lambda: not upstream_has(stack, copy), "nothing stays upstream")


def _copies(stack: Stack, response: Json) -> list[str]:
    return [call["response_id"] for call in stack.calls(response["id"]) if call.get("response_id")]
