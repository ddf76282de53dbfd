"""What a create in a conversation is refused for: unpaired tool calls, and conversations there are not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functional.conftest import Keys
from tests.functional.test_conversations import talk, text_of
from tests.support.contract import Json
from tests.support.inputs import QUESTION, WEATHER
from tests.support.stack import Stack
from tests.support.wire import create, error_of


def refused(stack: Stack, **body: Any) -> tuple[int, str, Any, Any]:
    answer = stack.request("POST", "/responses", json={"model": "plain", "input": "hello", **body})
    error = error_of(answer)
    return answer.status_code, error["message"], error["code"], error["param"]


def call_in(stack: Stack, conversation_id: str) -> str:
    """A turn that ends with a tool call; its call_id."""
    response = create(stack, conversation=conversation_id, input=QUESTION, tools=[WEATHER])
    call_id: str = response["output"][-1]["call_id"]
    return call_id


def output_for(call_id: str) -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": "sunny"}


def test_tools_when_the_output_comes_in_the_next_turn_then_the_call_goes_before_it(stack: Stack) -> None:
    identity = talk(stack)
    call_id = call_in(stack, identity)

    response = create(stack, conversation=identity, input=[output_for(call_id)], tools=[WEATHER])

    assert "sunny" in text_of(response["output"][-1])


def test_tools_when_the_output_was_added_as_an_item_then_the_next_turn_runs(stack: Stack) -> None:
    identity = talk(stack)
    call_id = call_in(stack, identity)
    stack.request("POST", f"/conversations/{identity}/items", json={"items": [output_for(call_id)]})

    assert create(stack, conversation=identity)["status"] == "completed"


def test_tools_when_a_call_has_no_output_then_400(stack: Stack) -> None:
    identity = talk(stack)
    call_id = call_in(stack, identity)

    status, message, code, param = refused(stack, conversation=identity)

    assert (status, code, param) == (400, None, "input")
    assert message == f"No tool output found for function call {call_id}."


def test_tools_when_an_output_has_no_call_then_400(stack: Stack) -> None:
    status, message, code, param = refused(stack, conversation=talk(stack), input=[output_for("call_x")])

    assert (status, code, param) == (400, None, "input")
    assert message == "No tool call found for function call output with call_id call_x."


@pytest.mark.parametrize("within", [True, False])
def test_create_when_a_custom_output_has_no_call_id_then_it_is_the_upstreams_affair(
    stack: Stack, within: bool
) -> None:
    item = {"type": "custom_tool_call_output", "output": "x"}

    status, *_ = refused(stack, input=[item], **({"conversation": talk(stack)} if within else {}))

    assert status == 400


def test_create_when_a_chain_and_a_conversation_are_given_then_400_names_both(stack: Stack) -> None:
    previous = create(stack)["id"]

    status, message, *_ = refused(stack, conversation=talk(stack), previous_response_id=previous)

    assert status == 400
    assert "previous_response_id" in message and "conversation" in message


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ("abc", "invalid_id", "conversation"),
        ({"id": "abc"}, "invalid_id", "conversation.id"),
        ({}, "missing_required_parameter", "conversation.id"),
        (1, "invalid_type", "conversation"),
    ],
)
def test_create_when_the_conversation_is_none_then_400_names_it(
    stack: Stack, given: Any, code: str, param: str
) -> None:
    status, _, *named = refused(stack, conversation=given)

    assert (status, named) == (400, [code, param])


@pytest.mark.parametrize("stored", [True, False])
def test_create_when_the_conversation_is_foreign_then_as_if_it_never_was(
    stack: Stack, keys: Keys, stored: bool
) -> None:
    theirs, unknown = talk(stack, key=keys.theirs), "conv_" + "0" * 48

    answers = [
        refused(stack, conversation=identity, store=stored) for identity in (theirs, unknown, "conv_é")
    ]

    expected = ("conversation_not_found", "conversation")
    assert [(status, *named) for status, _, *named in answers] == [(404, *expected)] * 3
    assert answers[0][1].replace(theirs, unknown) == answers[1][1]
