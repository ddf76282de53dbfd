"""The Chat Completions dialect."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.upstream.client import WEATHER, Client, events

TOOL = {"type": "function", "function": {k: WEATHER[k] for k in ("name", "parameters")}}
QUESTION = {"role": "user", "content": "weather in Lima"}


def _stream(client: Client, **body: Any) -> list[dict[str, Any]]:
    return events(client.chat(stream=True, **body).content)


def test_plain_answer_has_text_and_usage(client: Client) -> None:
    answer = client.chat(model="mock-n4").json()

    assert answer["choices"][0]["finish_reason"] == "stop"
    assert (
        len(answer["choices"][0]["message"]["content"].split()),
        answer["usage"]["completion_tokens"],
    ) == (4, 4)


def test_stream_deltas_make_the_plain_text(client: Client) -> None:
    plain = client.chat().json()["choices"][0]["message"]["content"]

    chunks = _stream(client)

    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks) == plain


def test_stream_ends_with_done(client: Client) -> None:
    assert client.chat(stream=True).content.endswith(b"data: [DONE]\n\n")


def test_usage_chunk_comes_last_when_asked(client: Client) -> None:
    last = _stream(client, model="mock-n3", stream_options={"include_usage": True})[-1]

    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 3)


def test_weather_question_calls_the_tool(client: Client) -> None:
    chunks = _stream(client, messages=[QUESTION], tools=[TOOL])

    parts = [c["choices"][0]["delta"].get("tool_calls", [{}])[0].get("function", {}) for c in chunks]
    arguments = "".join(part.get("arguments", "") for part in parts)
    assert json.loads(arguments) == {"location": "Lima", "unit": "c"}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_tool_message_is_quoted(client: Client) -> None:
    call = client.chat(messages=[QUESTION], tools=[TOOL]).json()["choices"][0]["message"]
    told = {"role": "tool", "tool_call_id": call["tool_calls"][0]["id"], "content": "rain"}

    answer = client.chat(model="plain", messages=[QUESTION, call, told], tools=[TOOL]).json()

    assert answer["choices"][0]["message"]["content"].startswith("The tool answered: rain.")


def test_tool_message_without_a_call_is_refused(client: Client) -> None:
    told = {"role": "tool", "tool_call_id": "call_x", "content": "rain"}

    assert client.chat(messages=[QUESTION, told]).status_code == 400


def test_budget_below_the_words_ends_with_length(client: Client) -> None:
    answer = client.chat(model="mock-n9", max_tokens=5).json()

    assert answer["choices"][0]["finish_reason"] == "length"


def test_response_format_schema_is_filled(client: Client) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "o", "schema": {"enum": ["yes"]}}}

    answer = client.chat(model="plain", response_format=form).json()

    assert answer["choices"][0]["message"]["content"] == '"yes"'


def test_failure_in_mid_stream_is_an_error_object(client: Client) -> None:
    assert "error" in _stream(client, model="mock!fault=failed:2")[-1]
