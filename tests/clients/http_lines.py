"""What an Open Responses conformance suite asks over HTTP (CONTRACT 10), line by line, in our own words.

A line is a function of a stack that asserts; its name in LINES is the suite's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.support.contract import check_error, check_response
from tests.support.event_order import check_story, of_type
from tests.support.inputs import PDF, PIXEL
from tests.support.shapes import Json, fit_compacted, fit_event, fit_item, fit_response
from tests.support.stack import Stack
from tests.support.wire import events_of

Line = Callable[[Stack], None]

MODEL = "gpt-4o-mini"
WEATHER: Json = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the weather at a place",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "a city"}},
        "required": ["location"],
    },
}
QUESTION = "What's the weather like in San Francisco?"


def message(role: str, content: Any, **more: Any) -> Json:
    return {"type": "message", "role": role, "content": content, **more}


def completed(response: Any) -> Json:
    """A Response that fits the strict schema, has completed and says something."""
    check_response(fit_response(response))
    assert response["status"] == "completed" and response["output"]
    found: Json = response
    return found


def ask(stack: Stack, **body: Any) -> Json:
    """A blocking create that completes."""
    answer = stack.request("POST", "/responses", json={"model": MODEL, **body})
    assert answer.status_code == 200, answer.text
    return completed(answer.json())


def listen(stack: Stack, **body: Any) -> list[Json]:
    """A streamed create: every event fits, the whole tells one story that ends completed."""
    answer = stack.request("POST", "/responses", json={"model": MODEL, "stream": True, **body}, stream=True)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [fit_event(event) for event in events_of(answer)]
    completed(check_story(events))
    return events


def calls_of(response: Json) -> list[Json]:
    return [item for item in response["output"] if item["type"] == "function_call"]


def basic_response(stack: Stack) -> None:
    ask(stack, input=[message("user", "Say hello in exactly 3 words.")])


def assistant_phase(stack: Stack) -> None:
    turns = [
        message("assistant", "I am looking it up.", phase="commentary"),
        message("assistant", "It is blue.", phase="final_answer"),
        message("user", "And the sea?"),
    ]
    ask(stack, input=turns)


def response_output_phase_schema(stack: Stack) -> None:
    """No request: whether a phase in an output message would be taken for what it is."""
    part = {"type": "output_text", "text": "blue", "annotations": [], "logprobs": []}
    item = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]}
    fit_item({**item, "phase": "final_answer"})
    for wrong in (None, "middle"):
        try:
            fit_item({**item, "phase": wrong})
        except AssertionError:
            continue
        raise AssertionError(f"the phase {wrong!r} was taken")


def streaming_response(stack: Stack) -> None:
    events = listen(stack, input=[message("user", "Count from 1 to 5.")])
    assert of_type(events, "response.output_text.delta")


def system_prompt(stack: Stack) -> None:
    ask(stack, input=[message("system", "You are a pirate."), message("user", "Say hello.")])


def tool_calling(stack: Stack) -> None:
    response = ask(stack, input=[message("user", QUESTION)], tools=[WEATHER])
    assert [call["name"] for call in calls_of(response)] == ["get_weather"]


def tool_calling_streaming(stack: Stack) -> None:
    events = listen(stack, input=[message("user", QUESTION)], tools=[WEATHER])
    (call,) = calls_of(events[-1]["response"])
    deltas = of_type(events, "response.function_call_arguments.delta")
    (done,) = of_type(events, "response.function_call_arguments.done")
    assert "".join(event["delta"] for event in deltas) == done["arguments"] == call["arguments"]
    assert "location" in json.loads(call["arguments"])


def function_call_round_trip(stack: Stack) -> None:
    choice = {"type": "function", "name": "get_weather"}
    first = ask(stack, input=QUESTION, tools=[WEATHER], tool_choice=choice)
    assert first["tool_choice"] == choice
    (call,) = calls_of(first)
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "18 degrees, foggy"}
    second = ask(stack, input=[output], previous_response_id=first["id"], tools=[WEATHER])
    assert "18 degrees" in second["output"][0]["content"][0]["text"]


def image_input(stack: Stack) -> None:
    parts = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": PIXEL}]
    ask(stack, input=[message("user", parts)])


def file_input(stack: Stack) -> None:
    file = {"type": "input_file", "filename": "a.pdf", "file_data": PDF}
    ask(stack, input=[message("user", [{"type": "input_text", "text": "What does it say?"}, file])])


def multi_turn(stack: Stack) -> None:
    turns = [
        message("user", "My name is Alice."),
        message("assistant", "Hello Alice! How can I help?"),
        message("user", "What is my name?"),
    ]
    ask(stack, input=turns)


def previous_response_id(stack: Stack) -> None:
    first = ask(stack, input="My name is Alice.")
    second = ask(stack, input="echo request", previous_response_id=first["id"])
    assert second["previous_response_id"] == first["id"]
    assert "My name is Alice." in second["output"][0]["content"][0]["text"]


def reasoning(stack: Stack) -> None:
    events = listen(stack, input="Think.", reasoning={"effort": "low", "summary": "auto"})
    assert events[-1]["response"]["output"][0]["type"] == "reasoning"


def compact_response(stack: Stack) -> None:
    body = {"model": MODEL, "input": [message("user", "My name is Alice.")], "prompt_cache_key": "a-key"}
    answer = stack.request("POST", "/responses/compact", json=body)
    assert answer.status_code == 200, answer.text
    assert "compaction" in [item["type"] for item in fit_compacted(answer.json())["output"]]


def compact_missing_model(stack: Stack) -> None:
    answer = stack.request("POST", "/responses/compact", json={"input": [message("user", "hello")]})
    assert answer.status_code in (400, 422)
    assert check_error(answer.status_code, answer.json())["param"] == "model"


LINES: dict[str, Line] = {
    "basic-response": basic_response,
    "assistant-phase": assistant_phase,
    "response-output-phase-schema": response_output_phase_schema,
    "streaming-response": streaming_response,
    "system-prompt": system_prompt,
    "tool-calling": tool_calling,
    "image-input": image_input,
    "multi-turn": multi_turn,
    "compact-response": compact_response,
    "compact-missing-model": compact_missing_model,
    # of a later variant of the suite
    "function-call-roundtrip": function_call_round_trip,
    "file-input": file_input,
    "previous-response-id": previous_response_id,
    "tool-calling-streaming": tool_calling_streaming,
    # the events that no line of the suite ever sees
    "reasoning-streaming": reasoning,
}
