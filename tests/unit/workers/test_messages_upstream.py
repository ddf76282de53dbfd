"""The `messages` dialect against a server that speaks it, and checks every request as closely."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shared.errors import UpstreamError
from tests.support.inputs import PIXEL
from tests.unit.workers.messages_calls import (
    WEATHER,
    account,
    answer,
    assembled,
    generation,
    patience,
    texts,
)
from upstream.launch import Running
from workers import counting
from workers.compaction import is_not_there
from workers.providers import HttpClient
from workers.providers.messages import Messages

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
FORM = {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}


def dialect(upstream: Running, client: HttpClient, **changes: Any) -> Messages:
    return Messages(account(upstream.url, **changes), client)


@pytest.mark.parametrize("changes", [{}, {"streaming": False}])
@pytest.mark.parametrize(
    "quirk", ["", "!quirk=json_answer", "!quirk=no_event_lines", "!quirk=unknown_events"]
)
def test_answer_when_streamed_plain_or_odd_then_the_same_words(
    upstream: Running, client: HttpClient, changes: dict[str, Any], quirk: str
) -> None:
    outcome = answer(client, upstream.url, generation("plain" + quirk, "Tell me."), **changes)

    assert outcome.status == "completed"
    assert texts(outcome).startswith("You said: Tell me.")
    assert outcome.usage is not None
    assert outcome.usage["output_tokens"] > 0


@pytest.mark.parametrize("quirk", ["", "!quirk=redacted", "!quirk=no_ids"])
def test_turns_when_tools_are_called_with_thinking_then_the_next_one_is_understood(
    upstream: Running, client: HttpClient, quirk: str
) -> None:
    asked = {"tools": [WEATHER], "reasoning": {"effort": "low"}}
    question = {"role": "user", "content": "What is the weather in Paris?"}
    first = answer(client, upstream.url, generation("plain" + quirk, [question], **asked))
    calls = [item for item in first.items if item["type"] == "function_call"]
    results = [
        {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"} for call in calls
    ]

    second = answer(client, upstream.url, generation("plain", [question, *first.items, *results], **asked))

    assert [item["type"] for item in first.items] == ["reasoning", "function_call"]
    assert orjson.loads(calls[0]["arguments"]) == {"city": "Paris"}
    assert "sunny" in texts(second)
    assert second.items[0]["type"] == "reasoning"


def test_turn_when_another_provider_called_the_tool_then_it_goes_on_without_thinking(
    upstream: Running, client: HttpClient
) -> None:
    items = [
        {"role": "user", "content": "What is the weather in Paris?"},
        {"type": "function_call", "call_id": "functions.x:0", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "functions.x:0", "output": "sunny"},
    ]
    asked = {"tools": [WEATHER], "reasoning": {"effort": "high"}}

    outcome = answer(client, upstream.url, generation("plain", items, **asked))

    assert "sunny" in texts(outcome)
    assert outcome.response["reasoning"]["effort"] == "none"


def test_answer_when_it_must_have_a_form_then_its_text_has_it(upstream: Running, client: HttpClient) -> None:
    outcome = answer(client, upstream.url, generation("plain", "x", text=FORM))

    assert isinstance(orjson.loads(texts(outcome))["a"], str)


def test_answer_when_the_limit_is_reached_then_incomplete(upstream: Running, client: HttpClient) -> None:
    outcome = answer(client, upstream.url, generation("mock-n50", max_output_tokens=16))

    assert outcome.status == "incomplete"
    assert outcome.response["incomplete_details"] == {"reason": "max_output_tokens"}


def test_answer_when_images_and_files_are_sent_then_taken(upstream: Running, client: HttpClient) -> None:
    parts = [
        {"type": "input_text", "text": "Look."},
        {"type": "input_image", "image_url": PIXEL},
        {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,aGVsbG8="},
    ]

    outcome = answer(client, upstream.url, generation("plain", [{"role": "user", "content": parts}]))

    assert outcome.status == "completed"


def test_answer_when_the_model_refuses_then_a_refusal_part(upstream: Running, client: HttpClient) -> None:
    outcome = answer(client, upstream.url, generation("plain!fault=refusal"))

    assert outcome.items[0]["content"][-1]["type"] == "refusal"


@pytest.mark.parametrize(
    ("fault", "reason", "status"),
    [
        ("refuse:400", "upstream_refused", 400),
        ("refuse:401", "upstream_auth", 502),
        ("refuse:413", "upstream_refused", 413),
        ("refuse:429", "upstream_rate_limited", 429),
        ("refuse:500", "upstream_error", 502),
        ("refuse:529", "upstream_overloaded", 503),
    ],
)
def test_call_when_refused_then_by_its_status(
    upstream: Running, client: HttpClient, fault: str, reason: str, status: int
) -> None:
    with pytest.raises(UpstreamError) as refused:
        list(dialect(upstream, client).stream(generation(f"plain!fault={fault}"), patience()))

    assert refused.value.reason == reason
    assert refused.value.refusal is not None
    assert refused.value.refusal["status"] == status


@pytest.mark.parametrize(
    ("fault", "reason"), [("error_event", "upstream_overloaded"), ("failed", "upstream_error")]
)
def test_call_when_it_fails_in_the_stream_then_no_refusal_for_something_was_made(
    upstream: Running, client: HttpClient, fault: str, reason: str
) -> None:
    with pytest.raises(UpstreamError) as failed:
        list(dialect(upstream, client).stream(generation(f"mock-n9!fault={fault}"), patience()))

    assert (failed.value.reason, failed.value.refusal) == (reason, None)


def test_call_when_the_stream_is_cut_then_it_has_no_end(upstream: Running, client: HttpClient) -> None:
    told = dialect(upstream, client).stream(generation("mock-n20!fault=cut:5"), patience())

    assert assembled(told) is None


def test_count_when_asked_then_the_upstreams(upstream: Running, client: HttpClient) -> None:
    counted = counting.count(dialect(upstream, client), generation("plain", "one two three"), patience())

    assert (counted["input_tokens"], counted["counted_by"]) == (3, "upstream")


def test_compact_when_asked_then_it_is_not_there(upstream: Running, client: HttpClient) -> None:
    with pytest.raises(UpstreamError) as refused:
        dialect(upstream, client).once("compact", generation("plain"), patience())

    assert is_not_there(refused.value)


@pytest.mark.parametrize("step", ["resume", "retrieve"])
def test_background_when_asked_for_then_nothing_is_there(
    upstream: Running, client: HttpClient, step: str
) -> None:
    made = dialect(upstream, client)

    with pytest.raises(UpstreamError) as refused:
        if step == "resume":
            list(made.resume(generation("plain"), "resp_x", 0, patience()))
        else:
            made.retrieve(generation("plain"), "resp_x", patience())

    assert is_not_there(refused.value)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"x-api-key": "upstream-key", "anthropic-version": "2023-06-01"}),
        ({"api_version": "2099-01-01"}, {"anthropic-version": "2099-01-01"}),
        ({"headers": {"anthropic-beta": "a,b"}}, {"anthropic-beta": "a,b"}),
        ({"auth": "bearer"}, {"Authorization": "Bearer upstream-key"}),
    ],
)
def test_headers_when_sent_then_as_the_account_says(
    upstream: Running, client: HttpClient, changes: dict[str, Any], expected: dict[str, str]
) -> None:
    opened = dialect(upstream, client, **changes)._account

    assert expected.items() <= opened.headers(generation("plain")).items()
    assert "?" not in opened.url("/messages")
