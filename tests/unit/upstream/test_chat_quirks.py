"""What real servers of Chat Completions do differently, and what the official one refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.upstream.client import CLOCK, WEATHER, Client, events

TOOLS = [
    {"type": "function", "function": {key: tool[key] for key in ("name", "parameters")}}
    for tool in (WEATHER, CLOCK)
]
BOTH = [{"role": "user", "content": "Call get_weather and get_time for Lima"}]
USAGE = {"stream_options": {"include_usage": True}}


def _stream(client: Client, quirk: str, **body: Any) -> list[dict[str, Any]]:
    return events(client.chat(stream=True, model=f"mock-n3!{quirk}", **body).content)


def _fragments(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [call for chunk in chunks for call in _delta(chunk).get("tool_calls") or []]


def _delta(chunk: dict[str, Any]) -> dict[str, Any]:
    return (chunk["choices"] or [{}])[0].get("delta") or {}


def _called(client: Client, quirk: str) -> list[dict[str, Any]]:
    return _fragments(_stream(client, f"quirk={quirk}", messages=BOTH, tools=TOOLS))


def test_no_ids_leaves_them_out(client: Client) -> None:
    chunks = _stream(client, "quirk=no_ids", messages=BOTH, tools=TOOLS)

    assert not any("id" in found for found in [*chunks, *_fragments(chunks)])


def test_no_index_leaves_it_out(client: Client) -> None:
    assert not any("index" in fragment for fragment in _called(client, "no_index"))


def test_zero_index_is_every_calls(client: Client) -> None:
    fragments = _called(client, "zero_index")

    assert ({f["index"] for f in fragments}, len({f["id"] for f in fragments if "id" in f})) == ({0}, 2)


def test_whole_calls_come_in_one_chunk(client: Client) -> None:
    chunks = _stream(client, "quirk=whole_calls", messages=BOTH, tools=TOOLS)

    told = [_delta(chunk)["tool_calls"] for chunk in chunks if "tool_calls" in _delta(chunk)]
    assert [[call["function"]["name"] for call in calls] for calls in told] == [["get_weather", "get_time"]]
    assert json.loads(told[0][0]["function"]["arguments"]) == {"location": "Lima", "unit": "c"}


def test_null_deltas_are_all_null(client: Client) -> None:
    chunks = _stream(client, "quirk=null_deltas")

    assert {"role": None, "content": None, "tool_calls": None} in [_delta(chunk) for chunk in chunks]


def test_usage_in_finish_comes_with_the_reason(client: Client) -> None:
    last = _stream(client, "quirk=usage_in_finish", **USAGE)[-1]

    reason = last["choices"][0]["finish_reason"]
    assert (reason, last["usage"]["completion_tokens"]) == ("stop", 3)


def test_usage_always_grows_with_each_chunk(client: Client) -> None:
    chunks = _stream(client, "quirk=usage_always")

    assert [chunk["usage"]["completion_tokens"] for chunk in chunks] == [0, 1, 2, 3, 3]


def test_no_usage_is_silent_even_when_asked(client: Client) -> None:
    assert not any("usage" in chunk for chunk in _stream(client, "quirk=no_usage", **USAGE))


def test_comments_stand_between_the_chunks(client: Client) -> None:
    assert b"\n\n: still at work\n\ndata:" in client.chat(stream=True, model="mock!quirk=comments").content


def test_reasoning_key_is_the_other_word(client: Client) -> None:
    chunks = _stream(client, "quirk=reasoning_key", reasoning_effort="low")

    assert "".join(_delta(chunk).get("reasoning", "") for chunk in chunks)
    assert not any("reasoning_content" in _delta(chunk) for chunk in chunks)


def test_refusal_comes_in_deltas_of_its_own(client: Client) -> None:
    chunks = _stream(client, "fault=refusal")

    assert "refuse" in "".join(_delta(chunk).get("refusal", "") for chunk in chunks)


def test_content_filter_is_a_finish_reason(client: Client) -> None:
    chunks = _stream(client, "fault=content_filter:2")

    assert (chunks[-1]["choices"][0]["finish_reason"], len(chunks)) == ("content_filter", 4)


def test_error_choice_has_both(client: Client) -> None:
    last = _stream(client, "quirk=error_choice&fault=failed:1")[-1]

    assert (last["choices"][0]["finish_reason"], last["error"]["type"]) == ("error", "server_error")


def test_stop_for_calls_ends_as_if_nothing_was_called(client: Client) -> None:
    chunks = _stream(client, "quirk=stop_for_calls", messages=BOTH, tools=TOOLS)

    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_logprobs_come_when_asked(client: Client) -> None:
    chunk = _stream(client, "words=1", logprobs=True, top_logprobs=2)[1]

    told = chunk["choices"][0]["logprobs"]["content"][0]
    assert (told["token"], len(told["top_logprobs"])) == ("rivers", 2)


def test_cached_input_is_told(client: Client) -> None:
    messages = [{"role": "user", "content": "one two three four five six"}]

    usage = client.chat(model="mock!quirk=cached", messages=messages).json()["usage"]

    assert (usage["prompt_tokens"], usage["prompt_tokens_details"]) == (6, {"cached_tokens": 3})


def test_api_key_header_and_version_query_are_taken_and_noted(client: Client) -> None:
    del client.session.headers["Authorization"]
    body = {"model": "mock", "messages": BOTH}

    answer = client.post("/chat/completions?api-version=2026-01-01", body, "azure", more={"api-key": "good"})

    assert answer.status_code == 200
    assert client.calls("azure")[0]["query"] == {"api-version": "2026-01-01"}


def test_echo_headers_shows_how_it_was_asked(client: Client) -> None:
    messages = [{"role": "user", "content": "echo headers"}]

    answer = client.post(
        "/chat/completions?a=b", {"model": "plain", "messages": messages}, more={"x-mine": "yes"}
    )

    said = json.loads(answer.json()["choices"][0]["message"]["content"].removeprefix("HEADERS "))
    assert (said["query"], said["headers"]["x-mine"]) == ({"a": "b"}, "yes")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"instructions": "x"}, "instructions"),
        ({"messages": [{"role": "tool", "tool_call_id": "x", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "assistant"}]}, "messages[0].content"),
        (
            {"messages": [{"role": "system", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0]",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "input_text"}]}]}, "messages[0].content[0]"),
        ({"tool_choice": "auto"}, "tool_choice"),
    ],
)
def test_wrong_request_is_refused(client: Client, body: dict[str, Any], param: str) -> None:
    answer = client.chat(**body)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_tool_answers_must_follow_at_once(client: Client) -> None:
    call = client.chat(messages=BOTH, tools=TOOLS).json()["choices"][0]["message"]

    answer = client.chat(messages=[*BOTH, call, {"role": "user", "content": "well?"}])

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "messages[2].role")
