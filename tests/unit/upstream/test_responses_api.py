"""The Responses API of the scripted upstream, healthy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.upstream.client import CLOCK, WEATHER, Client, text_of

TEXT_ORDER = (
    "response.created response.in_progress response.output_item.added response.content_part.added "
    "response.output_text.delta response.output_text.delta response.output_text.done "
    "response.content_part.done response.output_item.done response.completed"
)


def test_create_quotes_the_last_user_text(client: Client) -> None:
    response = client.made(model="plain", input="good morning")

    assert text_of(response).startswith("You said: good morning.")


def test_create_twice_gives_the_same_words(client: Client) -> None:
    first, second = client.made(), client.made()

    assert text_of(first) == text_of(second)


def test_stream_of_text_has_the_official_order_and_dense_numbers(client: Client) -> None:
    events = client.streamed(model="mock-n2")

    assert " ".join(event["type"] for event in events) == TEXT_ORDER
    assert [event["sequence_number"] for event in events] == list(range(10))


def test_stream_deltas_make_the_final_text(client: Client) -> None:
    events = client.streamed(model="mock-n20")

    deltas = "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta")
    assert deltas == text_of(events[-1]["response"])


def test_usage_counts_words_in_and_out(client: Client) -> None:
    response = client.made(model="mock-n7", input="one two three", instructions="be kind")

    assert (response["usage"]["input_tokens"], response["usage"]["output_tokens"]) == (5, 7)


def test_budget_below_the_words_makes_it_incomplete(client: Client) -> None:
    events = client.streamed(model="mock-n50", max_output_tokens=16)

    final = events[-1]["response"]
    assert (final["status"], final["output"][0]["status"]) == ("incomplete", "incomplete")
    assert final["incomplete_details"] == {"reason": "max_output_tokens"}
    assert len(text_of(final).split()) == 16


def test_weather_question_with_a_tool_calls_it_with_the_city(client: Client) -> None:
    response = client.made(model="plain", input="What is the weather in San Francisco?", tools=[WEATHER])

    call = response["output"][0]
    assert (call["type"], call["name"]) == ("function_call", "get_weather")
    assert json.loads(call["arguments"]) == {"location": "San Francisco", "unit": "c"}


def test_two_mentioned_tools_give_two_calls(client: Client) -> None:
    asked = "Use get_weather and get_time in Oslo"
    events = client.streamed(input=asked, tools=[WEATHER, CLOCK])

    added = [e for e in events if e["type"] == "response.output_item.added"]
    assert [(e["output_index"], e["item"]["name"]) for e in added] == [(0, "get_weather"), (1, "get_time")]


def test_two_mentioned_tools_without_parallel_give_one_call(client: Client) -> None:
    asked = "Use get_weather and get_time"
    response = client.made(input=asked, tools=[WEATHER, CLOCK], parallel_tool_calls=False)

    assert [item["name"] for item in response["output"]] == ["get_weather"]


@pytest.mark.parametrize(
    ("choice", "called"),
    [("required", True), ({"type": "function", "name": "get_time"}, True), ("none", False), ("auto", False)],
)
def test_tool_choice_decides_without_a_mention(client: Client, choice: Any, called: bool) -> None:
    response = client.made(input="hello", tools=[CLOCK], tool_choice=choice)

    assert (response["output"][0]["type"] == "function_call") is called


def test_tool_output_is_quoted_in_the_answer(client: Client) -> None:
    first = client.made(model="plain", input="weather in Rome", tools=[WEATHER])
    output = {
        "type": "function_call_output",
        "call_id": first["output"][0]["call_id"],
        "output": "19 degrees",
    }

    second = client.made(model="plain", previous_response_id=first["id"], input=[output], tools=[WEATHER])

    assert text_of(second).startswith("The tool answered: 19 degrees.")


def test_tool_output_without_its_call_is_refused(client: Client) -> None:
    answer = client.create(input=[{"type": "function_call_output", "call_id": "call_x", "output": "1"}])

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input")


def test_call_without_its_output_is_refused(client: Client) -> None:
    call = {"type": "function_call", "call_id": "call_x", "name": "f", "arguments": "{}"}

    answer = client.create(input=[call, {"role": "user", "content": "go on"}])

    assert answer.status_code == 400


def test_json_schema_answer_is_an_instance(client: Client) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 2}}, "required": ["n"]}
    form = {"type": "json_schema", "name": "out", "schema": schema}

    response = client.made(model="plain", text={"format": form})

    assert json.loads(text_of(response)) == {"n": 2}


def test_echo_request_returns_the_received_body(client: Client) -> None:
    response = client.made(model="plain", input="echo request", metadata={"a": "b"})

    echoed = json.loads(text_of(response).removeprefix("ECHO "))
    assert echoed == {"model": "plain", "input": "echo request", "metadata": {"a": "b"}}


def test_reasoning_comes_first_and_is_sealed_when_asked(client: Client) -> None:
    include = ["reasoning.encrypted_content"]
    response = client.made(reasoning={"effort": "low"}, include=include)

    kinds = [item["type"] for item in response["output"]]
    assert (kinds, bool(response["output"][0]["encrypted_content"])) == (["reasoning", "message"], True)


def test_own_encrypted_content_fed_back_is_accepted(client: Client) -> None:
    first = client.made(reasoning={"effort": "low"}, include=["reasoning.encrypted_content"])

    answer = client.create(input=[*first["output"], {"role": "user", "content": "and?"}])

    assert answer.status_code == 200


@pytest.mark.parametrize("change", [{"encrypted_content": "bm90IG1pbmU="}, {"id": "rs_another"}])
def test_foreign_encrypted_content_is_refused(client: Client, change: dict[str, str]) -> None:
    first = client.made(reasoning={"effort": "low"}, include=["reasoning.encrypted_content"])
    forged = {**first["output"][0], **change}

    answer = client.create(input=[forged, {"role": "user", "content": "and?"}])

    assert answer.json()["error"]["code"] == "invalid_encrypted_content"


def test_unknown_previous_response_is_refused(client: Client) -> None:
    answer = client.create(previous_response_id="resp_nobody")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "previous_response_not_found")


def test_stored_response_is_retrieved_until_deleted(client: Client) -> None:
    made = client.made()

    found = client.get(made["id"])
    client.session.delete(f"{client.running.url}/responses/{made['id']}", timeout=20)

    assert (found.json(), client.get(made["id"]).status_code) == (made, 404)


def test_unstored_response_is_not_found(client: Client) -> None:
    made = client.made(store=False)

    assert client.get(made["id"]).status_code == 404


def test_unknown_model_is_not_found(client: Client) -> None:
    answer = client.create(model="unknown-model")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_bad_key_is_refused_with_a_fragment_of_it(client: Client) -> None:
    client.session.headers["Authorization"] = "Bearer bad-key"

    answer = client.create()

    assert (answer.status_code, "bad-k" in answer.text) == (401, True)


def test_body_of_twenty_megabytes_is_read(client: Client) -> None:
    response = client.made(input="a " * 10_000_000)

    assert response["usage"]["input_tokens"] == 10_000_000
