"""The Messages dialect: what it answers, streamed and plain."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.upstream.client import CLOCK, WEATHER, Client, events

THINKING: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
TOOL = {"name": "get_weather", "input_schema": WEATHER["parameters"]}
TIME = {"name": "get_time", "input_schema": CLOCK["parameters"]}
BOTH = [{"role": "user", "content": "Call get_weather and get_time for Lima"}]


def _streamed(client: Client, **body: Any) -> list[dict[str, Any]]:
    return events(client.message(stream=True, **body).content)


def _of(got: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in got if event["type"] == kind]


def _joined(got: list[dict[str, Any]], key: str) -> str:
    return "".join(event["delta"].get(key, "") for event in _of(got, "content_block_delta"))


def test_plain_answer_has_text_and_usage(client: Client) -> None:
    answer = client.message(model="mock-n4").json()

    assert (answer["type"], answer["stop_reason"]) == ("message", "end_turn")
    assert len(answer["content"][0]["text"].split()) == answer["usage"]["output_tokens"] == 4


def test_stream_has_the_documented_order(client: Client) -> None:
    got = _streamed(client, model="mock-n1")

    assert [event["type"] for event in got] == [
        *("message_start", "content_block_start", "ping", "content_block_delta"),
        *("content_block_stop", "message_delta", "message_stop"),
    ]


def test_stream_names_each_event_and_numbers_none(client: Client) -> None:
    answer = client.message(model="mock-n1", stream=True)

    named = [line.removeprefix("event: ") for line in answer.text.split("\n") if line.startswith("event: ")]
    assert named == [event["type"] for event in events(answer.content)]
    assert "sequence_number" not in answer.text and "[DONE]" not in answer.text


def test_stream_deltas_make_the_plain_text(client: Client) -> None:
    plain = client.message().json()["content"][0]["text"]

    assert _joined(_streamed(client), "text") == plain


def test_thinking_is_told_and_signed_when_asked(client: Client) -> None:
    got = _streamed(client, **THINKING)

    assert _joined(got, "thinking") and _joined(got, "signature")
    assert got[1]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}


def test_thinking_that_is_omitted_is_signed_alone(client: Client) -> None:
    got = _streamed(client, thinking={"type": "adaptive", "display": "omitted"})

    assert (_joined(got, "thinking"), bool(_joined(got, "signature"))) == ("", True)


def test_thinking_can_be_redacted(client: Client) -> None:
    answer = client.message(model="mock!quirk=redacted", **THINKING).json()

    assert [block["type"] for block in answer["content"]] == ["redacted_thinking", "text"]


def test_parallel_tools_come_as_blocks_with_json_pieces(client: Client) -> None:
    got = _streamed(client, messages=BOTH, tools=[TOOL, TIME])

    begun = [event["content_block"] for event in _of(got, "content_block_start")]
    assert [(block["type"], block["name"]) for block in begun] == [
        ("tool_use", "get_weather"),
        ("tool_use", "get_time"),
    ]
    first = [
        event["delta"]["partial_json"] for event in _of(got, "content_block_delta") if event["index"] == 0
    ]
    assert json.loads("".join(first)) == {"location": "Lima", "unit": "c"}
    assert _of(got, "message_delta")[0]["delta"]["stop_reason"] == "tool_use"


def test_call_without_arguments_says_nothing(client: Client) -> None:
    got = _streamed(client, messages=BOTH, tools=[TIME])

    assert (_joined(got, "partial_json"), got[-1]["type"]) == ("", "message_stop")


def test_parallel_use_can_be_forbidden(client: Client) -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": True}

    answer = client.message(messages=BOTH, tools=[TOOL, TIME], tool_choice=choice).json()

    assert [block["name"] for block in answer["content"]] == ["get_weather"]


def test_tool_result_is_quoted_with_its_signed_thinking(client: Client) -> None:
    asked = {"tools": [TOOL], **THINKING}
    first = client.message(model="plain", messages=BOTH, **asked).json()
    result = {"type": "tool_result", "tool_use_id": first["content"][1]["id"], "content": "rain"}
    turns = [
        *BOTH,
        {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": [result]},
    ]

    answer = client.message(model="plain", messages=turns, **asked).json()

    assert answer["content"][-1]["text"].startswith("The tool answered: rain.")


def test_budget_below_the_words_ends_with_max_tokens(client: Client) -> None:
    assert client.message(model="mock-n9", max_tokens=5).json()["stop_reason"] == "max_tokens"


def test_schema_is_filled(client: Client) -> None:
    form = {"type": "json_schema", "schema": {"enum": ["yes"]}}

    answer = client.message(model="plain", output_config={"format": form}).json()

    assert answer["content"][0]["text"] == '"yes"'


def test_image_is_told(client: Client) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}
    content = [{"type": "text", "text": "Look"}, {"type": "image", "source": source}]

    answer = client.message(model="plain", messages=[{"role": "user", "content": content}]).json()

    assert "You showed an image of image/png, 5 bytes." in answer["content"][0]["text"]


@pytest.mark.parametrize("directive", ["fault=refusal", "fault=content_filter:2"])
def test_refusal_is_a_stop_reason(client: Client, directive: str) -> None:
    end = _of(_streamed(client, model=f"mock!{directive}"), "message_delta")[0]["delta"]

    assert (end["stop_reason"], end["stop_details"]["type"]) == ("refusal", "refusal")


def test_cached_input_is_counted_apart(client: Client) -> None:
    messages = [{"role": "user", "content": "one two three four five six"}]

    usage = client.message(model="mock!quirk=cached", messages=messages).json()["usage"]

    counts = (usage["input_tokens"], usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"])
    assert counts == (1, 3, 2)


def test_small_usage_tells_the_input_at_the_start_alone(client: Client) -> None:
    got = _streamed(client, model="mock-n3!quirk=small_usage")

    assert _of(got, "message_delta")[0]["usage"] == {"output_tokens": 3}
    assert got[0]["message"]["usage"]["input_tokens"] == 1


@pytest.mark.parametrize(
    ("fault", "kind"), [("failed:2", "api_error"), ("error_event:2", "overloaded_error")]
)
def test_failure_in_mid_stream_is_an_error_event(client: Client, fault: str, kind: str) -> None:
    last = _streamed(client, model=f"mock!fault={fault}")[-1]

    assert (last["type"], last["error"]["type"]) == ("error", kind)


def test_cut_stream_has_no_end(client: Client) -> None:
    got = _streamed(client, model="mock-n9!fault=cut:3")

    assert (len(_of(got, "content_block_delta")), got[-1]["type"]) == (3, "content_block_delta")


def test_tokens_are_counted_without_a_limit(client: Client) -> None:
    body = {"model": "mock", "system": "be kind", "messages": [{"role": "user", "content": "one two"}]}

    answer = client.post("/messages/count_tokens", body, more={"anthropic-version": "2023-06-01"})

    assert answer.json() == {"input_tokens": 4}


def test_call_is_in_the_ledger_by_its_key(client: Client) -> None:
    client.message("msg-key", model="mock-n3", stream=True)

    call = client.calls("msg-key")[0]
    assert (call["path"], call["outcome"], call["words"]) == ("/v1/messages", "completed", 3)
