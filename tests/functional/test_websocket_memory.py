"""WebSocket mode: what one connection remembers of its unstored responses, and what it forgets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.echo import said, sent_upstream
from tests.support.event_order import check_story
from tests.support.sockets import open_socket
from tests.support.stack import Stack

UNKNOWN_CALL = [{"type": "function_call_output", "call_id": "call_nobody", "output": "1"}]


def test_continuation_when_nothing_is_stored_then_the_upstream_has_all_turns(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = socket.response(store=False, input="one")
        second = socket.response(store=False, input="two", previous_response_id=first["id"])
        third = socket.response(store=False, input="echo request", previous_response_id=second["id"])

    texts = [said(item)[1] for item in sent_upstream(third)["input"]]
    assert [texts[0], texts[2], texts[4]] == ["one", "two", "echo request"]
    assert texts[1] == said(first["output"][0])[1] and texts[3] == said(second["output"][0])[1]


def test_continuation_when_nothing_is_stored_then_the_object_names_the_response_before(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = socket.response(store=False)
        events = socket.turn(store=False, previous_response_id=first["id"])

    assert check_story(events)["previous_response_id"] == first["id"]
    assert events[0]["response"]["previous_response_id"] == first["id"]


def test_continuation_when_the_chain_began_stored_then_the_upstream_has_all_turns(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = socket.response(input="one")
        second = socket.response(store=False, input="two", previous_response_id=first["id"])
        third = socket.response(store=False, input="echo request", previous_response_id=second["id"])

    texts = [said(item)[1] for item in sent_upstream(third)["input"]]
    assert [texts[0], texts[2], texts[4]] == ["one", "two", "echo request"]


def test_continuation_when_it_answers_a_tool_call_then_it_completes(stack: Stack) -> None:
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
    with open_socket(stack) as socket:
        asked = socket.response(store=False, input="What is the weather?", tools=[tool])
        (call,) = [item for item in asked["output"] if item["type"] == "function_call"]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}

        answered = socket.response(store=False, input=[output], previous_response_id=asked["id"])

    assert answered["status"] == "completed"


def test_continuation_when_the_socket_is_new_then_the_id_is_unknown_there(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = socket.response(store=False)

    with open_socket(stack) as socket:
        error = socket.error(store=False, previous_response_id=first["id"])
        fresh = socket.response(store=False)

    assert (error["code"], error["param"]) == ("previous_response_not_found", "previous_response_id")
    assert fresh["status"] == "completed"


def test_continuation_when_the_id_is_made_up_then_it_is_unknown(stack: Stack) -> None:
    with open_socket(stack) as socket:
        error = socket.error(previous_response_id="resp_" + "0" * 48)

    assert (error["status"], error["code"]) == (400, "previous_response_not_found")


@pytest.mark.parametrize(
    "failing",
    [
        pytest.param({"input": UNKNOWN_CALL}, id="refused"),
        pytest.param({"temperature": 3}, id="invalid"),
        pytest.param({"model": "plain!fault=refuse:400"}, id="failed"),
    ],
)
def test_continuation_when_one_failed_then_its_id_is_forgotten(stack: Stack, failing: dict[str, Any]) -> None:
    with open_socket(stack) as socket:
        first = socket.response(store=False)
        failed = socket.turn(**{"store": False, "previous_response_id": first["id"], **failing})[-1]

        error = socket.error(store=False, previous_response_id=first["id"])

    assert failed["type"] in ("error", "response.failed")
    assert error["code"] == "previous_response_not_found"


def test_continuation_when_a_later_response_came_then_the_older_one_is_forgotten(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = socket.response(store=False)
        socket.response(store=False)

        error = socket.error(store=False, previous_response_id=first["id"])

    assert error["code"] == "previous_response_not_found"


def test_continuation_when_it_is_stored_then_it_is_one_for_every_connection(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = socket.response(input="one")
    with open_socket(stack) as socket:
        second = socket.response(input="echo request", previous_response_id=first["id"])

    assert said(sent_upstream(second)["input"][0])[1] == "one"


def test_continuation_when_it_is_stored_after_unstored_turns_then_its_items_are_listed(stack: Stack) -> None:
    with open_socket(stack) as socket:
        first = socket.response(store=False, input="one")
        second = socket.response(store=True, input="two", previous_response_id=first["id"])

    listed = stack.request("GET", f"/responses/{second['id']}/input_items?order=asc").json()["data"]
    assert [said(listed[0])[1], said(listed[2])[1]] == ["one", "two"]


def test_chain_when_it_begins_with_a_compaction_then_the_turn_completes(stack: Stack) -> None:
    answer = stack.request("POST", "/responses/compact", json={"model": "plain", "input": "a long story"})
    user = {"type": "message", "role": "user", "content": "go on"}

    with open_socket(stack) as socket:
        response = socket.response(input=[*answer.json()["output"], user], tools=[])

    assert response["status"] == "completed"
