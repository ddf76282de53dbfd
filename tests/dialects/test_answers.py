"""What a model says comes out the same whatever dialect its server speaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import OpenAI
from pydantic import BaseModel

from tests.dialects.asking import Target, Told
from tests.dialects.conftest import ASKED
from tests.support.contract import Json
from tests.support.event_order import of_type
from tests.support.inputs import BOTH, PDF, PIXEL, QUESTION, TIME, WEATHER
from tests.support.stack import Stack

# the dialect is the subject here, not the store
pytestmark = pytest.mark.parametrize("stack", ["embedded"], indirect=True, scope="session")
EVERY = pytest.mark.parametrize(("target", "mode"), ASKED, indirect=["target"])
# what only the request to the upstream differs by is the same in every mode
ONCE = pytest.mark.parametrize(
    ("target", "mode"), [one for one in ASKED if one[1] == "streamed"], indirect=["target"]
)

THING: Json = {
    "type": "object",
    "properties": {"place": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["place", "days"],
    "additionalProperties": False,
}
FORM = {"type": "json_schema", "name": "thing", "schema": THING, "strict": True}
REASONING = {"effort": "low", "summary": "auto"}
ALLOWED = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get_time"}]}


class Thing(BaseModel):
    place: str
    days: int


@pytest.fixture(scope="session")
def reference(stack: Stack, client: OpenAI) -> str:
    """What the model says to `hello`, by our own dialect."""
    return Target(stack, client, "main/plain").ask("blocking").text


def shown(*parts: Json) -> list[Json]:
    return [{"role": "user", "content": [{"type": "input_text", "text": "Look."}, *parts]}]


def thought(told: Told) -> str:
    item = told.response["output"][0]
    return "".join(part["text"] for part in [*item["summary"], *item.get("content", [])])


@EVERY
def test_text_when_asked_then_word_for_word_the_same(target: Target, mode: str, reference: str) -> None:
    told = target.ask(mode)

    assert (told.status, told.kinds, told.text) == ("completed", ["message"], reference)
    assert told.response["provider"] == target.model.partition("/")[0]


@EVERY
def test_text_when_it_is_long_then_every_word_is_there(target: Target, mode: str) -> None:
    told = target.ask(mode, "words=700")

    assert len(told.text.split()) == 700


@EVERY
def test_usage_when_counted_then_it_is_the_upstreams(target: Target, mode: str) -> None:
    told = target.ask(mode, "words=12&quirk=cached", input="one two three four five six")
    usage = told.response["usage"]

    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (6, 12, 18)
    assert usage["input_tokens_details"]["cached_tokens"] == 3


@EVERY
def test_tool_when_the_model_calls_it_then_one_call(target: Target, mode: str) -> None:
    told = target.ask(mode, input=QUESTION, tools=[WEATHER])

    assert (told.kinds, told.calls) == (["function_call"], [("get_weather", {"location": "New York"})])
    assert of_type(told.events, "response.function_call_arguments.delta")


@EVERY
def test_tools_when_two_are_called_then_both_are_whole(target: Target, mode: str) -> None:
    told = target.ask(mode, input=BOTH, tools=[WEATHER, TIME])

    where = {"location": "Oslo"}
    assert told.calls == [("get_weather", where), ("get_time", where)]
    assert len({item["call_id"] for item in told.call_items}) == 2


@ONCE
def test_tools_when_parallel_calls_are_off_then_one_call(target: Target, mode: str) -> None:
    told = target.ask(mode, input=BOTH, tools=[WEATHER, TIME], parallel_tool_calls=False)

    assert len(told.calls) == 1


@ONCE
def test_tool_when_it_takes_nothing_then_empty_arguments(target: Target, mode: str) -> None:
    nothing = {**TIME, "parameters": {"type": "object", "properties": {}, "additionalProperties": False}}

    told = target.ask(mode, input="Call get_time", tools=[nothing])

    assert told.calls == [("get_time", {})]


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", []),
        ("required", ["get_weather"]),
        ({"type": "function", "name": "get_time"}, ["get_time"]),
        (ALLOWED, ["get_time"]),
    ],
    ids=["none", "required", "function", "allowed"],
)
@ONCE
def test_tool_choice_when_given_then_it_is_kept_to(
    target: Target, mode: str, choice: Any, called: list[str]
) -> None:
    told = target.ask(mode, input="hello", tools=[WEATHER, TIME], tool_choice=choice)

    assert [name for name, _ in told.calls] == called
    assert told.response["tool_choice"] == choice


@EVERY
def test_refusal_when_the_model_refuses_then_a_refusal_part(target: Target, mode: str) -> None:
    told = target.ask(mode, "fault=refusal")

    assert (told.status, told.parts[-1]["type"]) == ("completed", "refusal")
    assert told.parts[-1]["refusal"]
    assert of_type(told.events, "response.refusal.delta")


@EVERY
def test_structure_when_a_schema_is_given_then_the_text_is_an_instance(target: Target, mode: str) -> None:
    told = target.ask(mode, text={"format": FORM})

    assert told.kinds == ["message"]
    assert json.loads(told.text) == {"place": "place", "days": 1}


@EVERY
def test_structure_when_the_sdk_parses_then_an_object(target: Target, mode: str) -> None:
    responses = target.client.responses
    wanted: Any = {"model": target.named(), "input": "Plan a trip", "text_format": Thing}

    if mode == "streamed":
        with responses.stream(**wanted) as stream:
            parsed = stream.get_final_response().output_parsed
    else:
        parsed = responses.parse(**wanted).output_parsed

    assert isinstance(parsed, Thing)


@ONCE
def test_json_when_any_object_will_do_then_the_text_is_one(target: Target, mode: str) -> None:
    told = target.ask(mode, input="Say it in JSON.", text={"format": {"type": "json_object"}})

    assert isinstance(json.loads(told.text), dict)


@EVERY
def test_reasoning_when_asked_for_then_its_item_comes_first(target: Target, mode: str) -> None:
    told = target.ask(mode, reasoning=REASONING)

    assert told.kinds == ["reasoning", "message"]
    assert thought(told) == "The user wants an answer, so one is prepared."
    assert told.response["usage"]["output_tokens_details"]["reasoning_tokens"] == 9


@EVERY
def test_reasoning_when_its_tool_is_answered_then_the_next_turn_works(target: Target, mode: str) -> None:
    asked: Any = {"tools": [WEATHER], "reasoning": REASONING}
    first = target.ask(mode, input=QUESTION, **asked)

    second = target.ask(
        mode, previous_response_id=first.response["id"], **{**asked, "input": first.results("rain")}
    )

    assert (first.kinds, second.kinds) == (["reasoning", "function_call"], ["reasoning", "message"])
    assert "rain" in second.text


@ONCE
def test_image_when_shown_then_the_model_sees_it(target: Target, mode: str) -> None:
    told = target.ask(mode, input=shown({"type": "input_image", "image_url": PIXEL, "detail": "auto"}))

    assert "You showed an image of image/png, 70 bytes." in told.text


@ONCE
def test_image_when_it_lies_elsewhere_then_its_address_is_passed_on(target: Target, mode: str) -> None:
    url = "https://example.com/boat.png"

    told = target.ask(mode, input=shown({"type": "input_image", "image_url": url, "detail": "auto"}))

    assert f"You showed an image of {url}." in told.text


@ONCE
def test_file_when_shown_then_the_model_sees_it(target: Target, mode: str) -> None:
    told = target.ask(mode, input=shown({"type": "input_file", "filename": "a.pdf", "file_data": PDF}))

    assert "You showed a file of application/pdf, 15 bytes." in told.text


@EVERY
def test_limit_when_reached_then_incomplete_with_the_text_so_far(target: Target, mode: str) -> None:
    told = target.ask(mode, "words=50", max_output_tokens=16)

    assert (told.status, len(told.text.split())) == ("incomplete", 16)
    assert told.response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert told.response["output"][-1]["status"] == "incomplete"


@EVERY
def test_filter_when_it_strikes_then_incomplete_with_the_text_so_far(target: Target, mode: str) -> None:
    told = target.ask(mode, "words=50&fault=content_filter:5")

    assert len(told.text.split()) == 5
    if target.dialect == "messages":  # has one word for both
        assert (told.status, told.parts[-1]["type"]) == ("completed", "refusal")
    else:
        assert told.response["incomplete_details"] == {"reason": "content_filter"}
