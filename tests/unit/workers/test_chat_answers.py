"""Chunks as servers send them, by the book and otherwise, as Responses events."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import UpstreamError
from tests.unit.workers.chat_chunks import COUNTED, Chunk, Heard, chunk, heard
from workers.providers.chat.answers import Answer

STOP = chunk(reason="stop")


def test_text_when_streamed_then_a_message_delta_by_delta() -> None:
    result = heard(
        chunk({"role": "assistant", "content": ""}), chunk({"content": "he"}), chunk({"content": "y"}), STOP
    )

    assert [e.get("delta") for e in result.events] == ["he", "y", None]
    assert result.texts == [("message", "hey")]
    assert result.response["status"] == "completed"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_when_streamed_then_an_item_of_its_own_that_ends_where_the_text_begins(field: str) -> None:
    result = heard(
        chunk({field: "h", "content": None}), chunk({field: "m"}), chunk({field: None, "content": "a"}), STOP
    )

    assert result.texts == [("reasoning", "hm"), ("message", "a")]
    assert [e["type"] for e in result.events][2] == "response.output_item.done"


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning": "hm", "reasoning_content": "hm"},
        {"reasoning": None, "reasoning_details": [{"text": "hm"}, {"data": "sealed"}]},
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "hm"}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
    ],
)  # fmt: skip
def test_reasoning_when_said_in_another_place_then_heard_once(delta: Chunk) -> None:
    assert heard(chunk(delta), STOP).texts == [("reasoning", "hm")]


def test_reasoning_when_it_goes_on_between_texts_then_items_in_that_order() -> None:
    result = heard(
        chunk({"reasoning": "1"}),
        chunk({"content": "2"}),
        chunk({"reasoning": "3"}),
        chunk({"content": "4"}),
        STOP,
    )

    assert result.texts == [("reasoning", "1"), ("message", "2"), ("reasoning", "3"), ("message", "4")]


def test_refusal_when_streamed_then_a_part_of_its_own() -> None:
    result = heard(chunk({"content": None, "refusal": "I "}), chunk({"refusal": "can't."}), STOP)

    assert result.output[0]["content"] == [{"type": "refusal", "refusal": "I can't."}]


def test_logprobs_when_asked_for_then_at_their_delta_with_every_key() -> None:
    given = {"content": [{"token": "hé", "logprob": -0.1, "top_logprobs": [{"token": "a", "logprob": -2}]}]}
    whole = chunk({"content": "hé"})
    whole["choices"][0]["logprobs"] = given

    result = heard(whole, STOP)

    alternative = {"token": "a", "logprob": -2, "bytes": [97], "top_logprobs": []}
    expected = [{"token": "hé", "logprob": -0.1, "bytes": [104, 195, 169], "top_logprobs": [alternative]}]
    assert result.events[0]["logprobs"] == expected
    assert result.output[0]["content"][0]["logprobs"] == expected


@pytest.mark.parametrize("odd", [True, 5, "x", {}])
def test_logprobs_when_their_alternatives_are_no_list_then_there_are_none(odd: Any) -> None:
    whole = chunk({"content": "a"})
    whole["choices"][0]["logprobs"] = {"content": [{"token": "a", "top_logprobs": odd}]}

    assert heard(whole, chunk(reason="stop")).events[0]["logprobs"][0]["top_logprobs"] == []


def test_annotations_when_given_then_flat() -> None:
    citation = {"url": "https://host", "title": "t", "start_index": 0, "end_index": 2}

    result = heard(
        chunk({"content": "hi", "annotations": [{"type": "url_citation", "url_citation": citation}]}), STOP
    )

    assert result.output[0]["content"][0]["annotations"] == [{"type": "url_citation", **citation}]


def test_choices_when_there_are_several_then_only_the_first_is_heard() -> None:
    other = {"index": 1, "delta": {"content": "no"}, "finish_reason": "length"}

    result = heard(
        {"choices": [other]}, chunk({"content": "yes"}), {"choices": [other]}, STOP, {"choices": [other]}
    )

    assert result.texts == [("message", "yes")]
    assert result.response["status"] == "completed"


# whole answers


def completion(message: Chunk, reason: str | None = "stop", **more: Any) -> Chunk:
    return {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        **more,
    }


def test_answer_when_it_comes_at_once_then_the_same_items() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {
        "role": "assistant",
        "reasoning_content": "hm",
        "content": "hey",
        "tool_calls": [{"id": "a", **call}, call],
    }

    result = Heard(Answer()).whole(completion(message, "tool_calls", usage=COUNTED))

    assert result.texts == [
        ("reasoning", "hm"),
        ("message", "hey"),
        ("function_call", "{}"),
        ("function_call", "{}"),
    ]
    assert result.response["usage"]["input_tokens"] == 7


def test_answer_when_it_comes_at_once_without_a_reason_then_completed() -> None:
    assert Heard(Answer()).whole(completion({"content": "a"}, None)).response["status"] == "completed"


def test_answer_when_a_stream_holds_a_whole_message_then_heard_once() -> None:
    assert heard(completion({"content": "a"}), completion({"content": "a"})).texts == [("message", "a")]


def test_answer_when_it_has_no_choices_then_refused() -> None:
    with pytest.raises(UpstreamError) as caught:
        Answer().whole({"object": "chat.completion", "choices": []})

    assert caught.value.reason == "upstream_invalid_response"
