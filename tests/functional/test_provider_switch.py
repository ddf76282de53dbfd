"""A chain that changes its provider, and with it the dialect, at every turn: facts and tool results stay.

What the upstream was sent is read from its own words: `echo request` makes it quote the whole body.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.contract import Json, check_response
from tests.support.echo import ECHO
from tests.support.event_order import check_story
from tests.support.stack import Stack
from tests.support.wire import create, create_stream, events_of, follow

MODELS = ["main/plain", "chat/plain", "messages/plain", "main/plain"]
DIALECTS = MODELS[:3]
TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
EFFORT = {"effort": "low", "summary": "auto"}
SEALED = "reasoning.encrypted_content"
FACTS = ["the fox is red", "the house is old", "the key is brass"]


def plainly(stack: Stack, **body: Any) -> Json:
    return check_response(create(stack, **body))


def streamed(stack: Stack, **body: Any) -> Json:
    return check_story(events_of(create_stream(stack, **body)))


def in_background(stack: Stack, **body: Any) -> Json:
    return check_story(follow(stack, create(stack, background=True, **body)["id"]))


WAYS = [plainly, streamed, in_background]
# what is sent is decided after the store has told the story: that is compared where `stack` is both
ONE = pytest.mark.parametrize("stack", ["embedded"], indirect=True, scope="session")


def text_of(response: Json) -> str:
    return "".join(
        part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"]
    )


def sent(response: Json) -> Json:
    body: Json = json.loads(text_of(response).partition("ECHO ")[2])
    return body


def outputs_for(response: Json, answer: str) -> list[Json]:
    calls = [item for item in response["output"] if item["type"] == "function_call"]
    assert calls, response["output"]
    return [{"type": "function_call_output", "call_id": c["call_id"], "output": answer} for c in calls]


@pytest.mark.parametrize("ask", WAYS)
def test_chain_when_the_dialect_changes_at_every_turn_then_every_fact_is_told(stack: Stack, ask: Any) -> None:
    previous = None
    for model, fact in zip(MODELS, FACTS, strict=False):
        previous = ask(stack, model=model, input=fact, previous_response_id=previous, reasoning=EFFORT)["id"]

    body = json.dumps(sent(ask(stack, model=MODELS[3], input=ECHO, previous_response_id=previous)))

    assert [fact in body for fact in FACTS] == [True] * 3
    assert body.count("You said: ") == 3  # the answers as well


@ONE
@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.parametrize("made_by", DIALECTS)
@pytest.mark.parametrize("told_to", DIALECTS)
def test_tools_when_the_call_is_one_dialects_and_its_output_anothers_then_they_pair(
    stack: Stack, made_by: str, told_to: str, ask: Any
) -> None:
    question = ask(stack, model=made_by, input="What is the weather in Oslo?", tools=[TOOL])

    answer = ask(
        stack,
        model=told_to,
        input=outputs_for(question, "4 degrees in Oslo"),
        tools=[TOOL],
        previous_response_id=question["id"],
    )

    assert "4 degrees in Oslo" in text_of(answer)


@ONE
@pytest.mark.parametrize("last", DIALECTS)
def test_tools_when_four_turns_change_their_dialect_then_every_result_is_still_told(
    stack: Stack, last: str
) -> None:
    previous, given = None, [{"role": "user", "content": "What is the weather in Oslo?"}]
    for number, model in enumerate(DIALECTS):
        question = create(stack, model=model, input=given, tools=[TOOL], previous_response_id=previous)
        outputs = outputs_for(question, f"{number} degrees")
        given = [*outputs, {"role": "user", "content": "And the weather in Rome?"}]
        previous = question["id"]

    asked = [*outputs, {"role": "user", "content": ECHO}]
    body = json.dumps(sent(create(stack, model=last, input=asked, previous_response_id=previous)))

    assert [f"{number} degrees" in body for number in range(3)] == [True] * 3


@ONE
@pytest.mark.parametrize("made_by", DIALECTS)
@pytest.mark.parametrize("told_to", DIALECTS)
def test_client_state_when_it_keeps_the_items_then_any_dialect_takes_them(
    stack: Stack, made_by: str, told_to: str
) -> None:
    wish: Any = {"store": False, "reasoning": EFFORT, "include": [SEALED]}
    question = [{"role": "user", "content": "the fox is red"}]
    first = create(stack, model=made_by, input=question, **wish)

    then = [*question, *first["output"], {"role": "user", "content": ECHO}]
    body = sent(create(stack, model=told_to, input=then, **wish))

    assert "the fox is red" in json.dumps(body)
    assert "rsm1" not in json.dumps(body)  # our own sign is for nobody upstream


@ONE
@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("model", ["main/plain", "messages/plain"])
def test_reasoning_when_its_maker_is_asked_again_then_it_is_told(
    stack: Stack, model: str, keep: bool
) -> None:
    assert _seals(stack, model, model, keep=keep) == 1


@ONE
@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(
    ("made_by", "told_to"),
    [(a, b) for a in DIALECTS for b in [*DIALECTS, "strict/gpt-4.1"] if a != b],
)
def test_reasoning_when_another_is_asked_then_it_is_left_out(
    stack: Stack, made_by: str, told_to: str, keep: bool
) -> None:
    assert _seals(stack, made_by, told_to, keep=keep) == 0


def _seals(stack: Stack, made_by: str, told_to: str, *, keep: bool) -> int:
    """How many pieces of sealed reasoning of the first turn the second one's upstream was sent."""
    wish: Any = {"reasoning": EFFORT, "include": [SEALED], "store": keep}
    first = create(stack, model=made_by, input="hello", **wish)
    assert [item["type"] for item in first["output"]] == ["reasoning", "message"]
    if keep:
        second = create(stack, model=told_to, input=ECHO, previous_response_id=first["id"], **wish)
    else:
        question = {"role": "user", "content": "hello"}
        given = [question, *first["output"], {"role": "user", "content": ECHO}]
        second = create(stack, model=told_to, input=given, **wish)
    body = json.dumps(sent(second).get("input") or sent(second)["messages"])
    return body.count('"encrypted_content"') + body.count('"signature"')


@pytest.mark.parametrize("made_by", DIALECTS)
@pytest.mark.parametrize("told_to", DIALECTS)
def test_conversation_when_its_turns_are_of_two_dialects_then_the_second_knows_the_first(
    stack: Stack, made_by: str, told_to: str
) -> None:
    conversation = stack.request("POST", "/conversations", json={}).json()["id"]
    wish: Any = {"conversation": conversation, "reasoning": EFFORT}
    create(stack, model=made_by, input="the fox is red", **wish)

    body = sent(create(stack, model=told_to, input=ECHO, **wish))

    assert "the fox is red" in json.dumps(body)
    assert "rsm1" not in json.dumps(body)
