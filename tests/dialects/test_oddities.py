"""Peculiarities of real servers, each with its dialect: what comes out of them is a legal answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import OpenAI

from tests.dialects.asking import Target
from tests.support.echo import ECHO
from tests.support.event_order import of_type
from tests.support.inputs import BOTH, TIME, WEATHER
from tests.support.stack import Stack
from tests.support.wire import create

pytestmark = pytest.mark.parametrize("stack", ["embedded"], indirect=True, scope="session")

LOGPROBS = "message.output_text.logprobs"
# of any dialect: quirks of its objects, and bytes that are odd but whole
ODD = (
    *("quirk=foreign_ids", "quirk=no_ids", "quirk=no_usage", "quirk=null_deltas", "quirk=json_answer"),
    *("quirk=one_chunk", "quirk=byte_chunks", "quirk=comments", "quirk=unknown_events", "quirk=no_done"),
    *("quirk=done_marker", "quirk=no_event_lines", "fault=missing_created", "fault=dup_terminal"),
    *("fault=after_terminal", "fault=crlf", "fault=cr", "fault=bom", "fault=no_space"),
)
CHAT_ODD = (
    *("no_index", "zero_index", "whole_calls", "usage_in_finish", "usage_always", "stop_for_calls"),
    *("no_ids", "no_usage", "null_deltas", "comments", "json_answer"),
)
TOGETHER = "&".join(
    f"quirk={quirk}" for quirk in ("no_ids", "no_index", "no_usage", "null_deltas", "comments")
)
WHERE = {"location": "Oslo"}
HEADERS = "echo headers"


@pytest.fixture(scope="module")
def healthy(stack: Stack, client: OpenAI) -> str:
    return Target(stack, client, "main/plain").ask("blocking").text


@pytest.mark.parametrize("odd", ODD)
def test_text_when_the_server_is_odd_then_it_is_whole(streaming: Target, odd: str, healthy: str) -> None:
    told = streaming.ask("streamed", odd)

    assert told.status == "completed"
    assert told.text in (healthy, healthy + " late"), "only what came after its end may be lost"


@pytest.mark.parametrize("odd", ODD)
def test_tool_when_the_server_is_odd_then_its_call_is_whole(streaming: Target, odd: str) -> None:
    told = streaming.ask("streamed", odd, input="Call get_weather for Oslo", tools=[WEATHER])

    assert (told.status, told.calls) == ("completed", [("get_weather", WHERE)])


@pytest.mark.parametrize("quirk", CHAT_ODD)
def test_chat_when_its_calls_are_told_oddly_then_both_are_whole(chat: Target, quirk: str) -> None:
    told = chat.ask("streamed", f"quirk={quirk}", input=BOTH, tools=[WEATHER, TIME])

    assert (told.status, told.calls) == ("completed", [("get_weather", WHERE), ("get_time", WHERE)])
    assert len({item["call_id"] for item in told.call_items}) == 2


def test_chat_when_much_is_missing_at_once_then_the_conversation_goes_on(chat: Target) -> None:
    first = chat.ask("streamed", TOGETHER, input=BOTH, tools=[WEATHER, TIME])

    second = chat.ask(
        "streamed",
        TOGETHER,
        previous_response_id=first.response["id"],
        input=first.results("four"),
        tools=[WEATHER, TIME],
    )

    assert "four" in second.text


@pytest.mark.parametrize("quirk", ["usage_in_finish", "usage_always"])
def test_chat_when_usage_comes_elsewhere_then_it_is_found(chat: Target, quirk: str) -> None:
    told = chat.ask("streamed", f"words=9&quirk={quirk}")

    assert told.response["usage"]["output_tokens"] == 9


def test_chat_when_reasoning_has_the_other_name_then_it_is_an_item(chat: Target) -> None:
    told = chat.ask("streamed", "quirk=reasoning_key", reasoning={"effort": "low"})

    assert told.kinds == ["reasoning", "message"]


@pytest.mark.parametrize("quirk", ["", "&quirk=error_choice"])
def test_chat_when_an_error_comes_within_a_stream_then_failed(
    stack: Stack, client: OpenAI, quirk: str
) -> None:
    told = Target(stack, client, "chat/plain").ask("streamed", f"words=9&fault=failed:3{quirk}")

    assert (told.status, len(told.text.split())) == ("failed", 3)


@pytest.mark.parametrize("model", ["main/plain", "chat/plain", "chat-plain/plain"])
def test_logprobs_when_asked_for_then_they_are_there(stack: Stack, client: OpenAI, model: str) -> None:
    told = Target(stack, client, model).ask("streamed", "words=3", include=[LOGPROBS], top_logprobs=2)

    (part,) = told.parts
    assert [word["token"] for word in part["logprobs"]] == ["rivers", " carry", " small"]
    assert [len(word["top_logprobs"]) for word in part["logprobs"]] == [2, 2, 2]


def test_messages_when_thinking_is_redacted_then_the_next_turn_works(messages: Target) -> None:
    asked: Any = {"tools": [WEATHER, TIME], "reasoning": {"effort": "low"}}
    first = messages.ask("streamed", "quirk=redacted", input=BOTH, **asked)

    second = messages.ask(
        "streamed",
        "quirk=redacted",
        previous_response_id=first.response["id"],
        input=first.results("four"),
        **asked,
    )

    assert first.kinds[0] == second.kinds[0] == "reasoning"
    assert "four" in second.text


def test_messages_when_usage_is_told_in_two_places_then_it_is_added_up(messages: Target) -> None:
    told = messages.ask("streamed", "words=9&quirk=small_usage", input="one two three")

    usage = told.response["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (3, 9)


def test_messages_when_overloaded_within_a_stream_then_so_told(stack: Stack, client: OpenAI) -> None:
    told = Target(stack, client, "messages/plain").ask("streamed", "words=9&fault=error_event:3")

    assert (told.status, told.response["error"]["message"].partition(":")[0]) == (
        "failed",
        "upstream_overloaded",
    )


@pytest.mark.parametrize(
    ("model", "header", "path"),
    [
        ("main/plain", "authorization", "/v1/responses"),
        ("chat/plain", "authorization", "/v1/chat/completions"),
        ("messages/plain", "x-api-key", "/v1/messages"),
    ],
)
def test_key_when_sent_then_as_the_dialect_has_it(stack: Stack, model: str, header: str, path: str) -> None:
    response = create(stack, model=model, input=HEADERS)

    said = json.loads(response["output"][0]["content"][0]["text"].removeprefix("HEADERS "))
    assert (said["path"], "upstream-key" in said["headers"][header]) == (path, True)
    assert said["headers"]["idempotency-key"] == response["id"]


def test_stream_when_the_server_sends_the_whole_at_once_then_ours_has_deltas(target: Target) -> None:
    told = target.ask("streamed", "quirk=json_answer")

    assert of_type(told.events, "response.output_text.delta")


def test_request_when_echoed_then_nothing_of_ours_was_sent(target: Target) -> None:
    response = create(target.stack, model=target.named(), input=ECHO, metadata={"ours": "alone"})

    sent = response["output"][0]["content"][0]["text"]
    assert "ours" not in sent or target.dialect == "responses"
    assert response["id"] not in sent and "upstream-key" not in sent
