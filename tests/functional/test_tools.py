"""Function tools there and back, structured output, and tools we know nothing about."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.responses import ResponseFunctionToolCall
from pydantic import BaseModel

from tests.support.contract import Json
from tests.support.echo import said, sent_for
from tests.support.event_order import check_story, of_type
from tests.support.inputs import BOTH, QUESTION, TIME, WEATHER
from tests.support.stack import Stack
from tests.support.wire import create, create_stream, error_of, events_of


class Trip(BaseModel):
    city: str
    days: int
    tags: list[str]


def calls_of(response: Json) -> list[tuple[str, Any]]:
    return [
        (item["name"], json.loads(item["arguments"]))
        for item in response["output"]
        if item["type"] == "function_call"
    ]


def test_create_when_the_model_calls_a_tool_then_the_call_is_an_output_item(stack: Stack) -> None:
    response = create(stack, input=QUESTION, tools=[WEATHER])

    assert calls_of(response) == [("get_weather", {"location": "New York"})]
    assert response["tools"] == [WEATHER]


def test_stream_when_the_model_calls_a_tool_then_its_arguments_come_in_pieces(stack: Stack) -> None:
    events = events_of(create_stream(stack, input=QUESTION, tools=[WEATHER]))

    response = check_story(events)
    deltas = of_type(events, "response.function_call_arguments.delta")
    assert len(deltas) > 1
    assert calls_of(response) == [("get_weather", {"location": "New York"})]


def test_stream_when_two_tools_are_called_then_both_are_whole(stack: Stack) -> None:
    events = events_of(create_stream(stack, input=BOTH, tools=[WEATHER, TIME]))

    assert [name for name, _ in calls_of(check_story(events))] == ["get_weather", "get_time"]


def test_create_when_parallel_calls_are_off_then_one_call(stack: Stack) -> None:
    response = create(stack, input=BOTH, tools=[WEATHER, TIME], parallel_tool_calls=False)

    assert len(calls_of(response)) == 1


def test_round_trip_when_the_output_is_sent_by_chain_then_the_model_answers(stack: Stack) -> None:
    responses = stack.client().responses
    first = responses.create(model="plain", input=QUESTION, tools=[WEATHER])  # type: ignore[list-item]
    call = first.output[0]
    assert isinstance(call, ResponseFunctionToolCall)

    second = responses.create(
        model="plain",
        previous_response_id=first.id,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "4 degrees"}],
        tools=[WEATHER],  # type: ignore[list-item]
    )

    assert "4 degrees" in second.output_text


def test_round_trip_when_the_client_keeps_the_state_then_the_model_answers(stack: Stack) -> None:
    responses = stack.client().responses
    turns: list[Any] = [{"role": "user", "content": BOTH}]
    first = responses.create(model="plain", input=turns, tools=[WEATHER, TIME], store=False)  # type: ignore[list-item]
    turns += first.output
    turns += [
        {"type": "function_call_output", "call_id": item.call_id, "output": "four"}
        for item in first.output
        if item.type == "function_call"
    ]

    second = responses.create(model="plain", input=turns, tools=[WEATHER, TIME], store=False)  # type: ignore[list-item]

    assert "four" in second.output_text


def test_round_trip_when_streamed_then_the_model_answers(stack: Stack) -> None:
    first = events_of(create_stream(stack, input=QUESTION, tools=[WEATHER]))[-1]["response"]
    answer = {"type": "function_call_output", "call_id": first["output"][0]["call_id"], "output": "rain"}

    stream = create_stream(stack, previous_response_id=first["id"], input=[answer], tools=[WEATHER])
    second = check_story(events_of(stream))

    assert "rain" in second["output"][0]["content"][0]["text"]


def test_chain_when_it_goes_past_a_tool_call_then_call_and_output_go_upstream(stack: Stack) -> None:
    first = create(stack, input=QUESTION, tools=[WEATHER])
    answer = {"type": "function_call_output", "call_id": first["output"][0]["call_id"], "output": "rain"}
    second = create(stack, previous_response_id=first["id"], input=[answer])

    sent = sent_for(stack, previous_response_id=second["id"])

    kinds = [who for who, _ in map(said, sent["input"])]
    assert kinds == ["user", "function_call", "function_call_output", "assistant", "user"]
    assert sent["input"][1]["call_id"] == sent["input"][2]["call_id"] == answer["call_id"]


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "get_weather"}])
def test_create_when_a_call_is_demanded_then_the_model_calls(stack: Stack, choice: Any) -> None:
    response = create(stack, input="hello", tools=[WEATHER], tool_choice=choice)

    assert [name for name, _ in calls_of(response)] == ["get_weather"]
    assert response["tool_choice"] == choice


def test_create_when_no_call_is_wanted_then_the_model_speaks(stack: Stack) -> None:
    response = create(stack, input=QUESTION, tools=[WEATHER], tool_choice="none")

    assert [item["type"] for item in response["output"]] == ["message"]


def test_create_when_the_tool_has_the_chat_shape_then_it_is_flattened(stack: Stack) -> None:
    inner = {key: value for key, value in WEATHER.items() if key != "type"}

    response = create(stack, input=QUESTION, tools=[{"type": "function", "function": inner}])

    assert (response["tools"], len(calls_of(response))) == ([WEATHER], 1)


def test_create_when_a_tools_type_is_unknown_then_it_goes_upstream_as_it_is(stack: Stack) -> None:
    tool = {"type": "tool_of_tomorrow", "setting": {"deep": [1, None]}}

    sent = sent_for(stack, tools=[tool])

    assert sent["tools"] == [tool]


def test_parse_when_a_format_is_given_then_the_output_is_an_instance(stack: Stack) -> None:
    response = stack.client().responses.parse(model="plain", input="Plan a trip", text_format=Trip)

    assert isinstance(response.output_parsed, Trip)


def test_parse_when_its_output_goes_back_as_input_then_it_is_accepted(stack: Stack) -> None:
    responses = stack.client().responses
    turns: list[Any] = [{"role": "user", "content": "Plan a trip"}]
    turns += responses.parse(model="plain", input=turns, text_format=Trip).output
    turns.append({"role": "user", "content": "And now another"})

    response = responses.parse(model="plain", input=turns, text_format=Trip)

    assert isinstance(response.output_parsed, Trip)


def test_create_when_a_schema_is_given_then_the_object_echoes_it(stack: Stack) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    form = {"type": "json_schema", "name": "thing", "schema": schema, "strict": True}

    response = create(stack, text={"format": form})

    assert response["text"]["format"] == {**form, "description": None}
    assert json.loads(response["output"][0]["content"][0]["text"]) == {"a": 1}


def test_create_when_an_output_has_no_call_then_400(stack: Stack) -> None:
    output = {"type": "function_call_output", "call_id": "call_x", "output": "rain"}

    answer = stack.request("POST", "/responses", json={"model": "plain", "input": [output]})

    error = error_of(answer)
    assert (answer.status_code, error["param"]) == (400, "input")
    assert "call_x" in error["message"]


def test_create_when_a_call_of_the_turn_before_is_unanswered_then_400(stack: Stack) -> None:
    first = create(stack, input=QUESTION, tools=[WEATHER])
    body = {"model": "plain", "input": "Never mind.", "previous_response_id": first["id"]}

    answer = stack.request("POST", "/responses", json=body)

    assert (answer.status_code, error_of(answer)["param"]) == (400, "input")
