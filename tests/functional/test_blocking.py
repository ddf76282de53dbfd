"""Blocking creates through the official client: the whole object, every field, both ways."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import requests
from openai import AsyncOpenAI

from tests.support.contract import Json, check_response
from tests.support.echo import ECHO, sent_upstream
from tests.support.stack import Stack
from tests.support.wire import create

# CONTRACT 2.1: what a caller can say, and what the object then shows
FIELDS: Json = {
    "instructions": "Be brief.",
    "parallel_tool_calls": False,
    "max_tool_calls": 3,
    "max_output_tokens": 5000,
    "temperature": 0.3,
    "top_p": 0.9,
    "presence_penalty": 0.5,
    "frequency_penalty": -0.5,
    "top_logprobs": 2,
    "text": {"format": {"type": "text"}, "verbosity": "low"},
    "reasoning": {"effort": "none", "summary": "auto"},
    "truncation": "auto",
    "metadata": {"order": "17", "line": "a\r\nb"},
    "safety_identifier": "someone",
    "prompt_cache_key": "cache-1",
    "prompt_cache_retention": "24h",
    "prompt_cache_options": {"ttl": "30m", "mode": "explicit"},
    "prompt": {"id": "pmpt_1", "version": "2", "variables": {"city": "Oslo"}},
    "user": "user-1",
    "tool_choice": "none",
    "tools": [
        {
            "type": "function",
            "name": "look_up",
            "description": "Looks up.",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        }
    ],
}
# carried to the upstream, not shown again
ONLY_SENT: Json = {
    "context_management": [{"type": "compaction", "compact_threshold": 2000}],
    "include": ["message.output_text.logprobs"],
    "moderation": {"model": "omni"},
    "service_tier": "flex",
    "a_field_of_tomorrow": {"x": [1, 2.5, None]},
}


def test_create_when_the_upstream_answers_then_the_object_is_complete(stack: Stack) -> None:
    response = create(stack)

    check_response(response)
    assert response["status"] == "completed"
    assert "hello" in response["output"][0]["content"][0]["text"]
    assert response["usage"]["input_tokens"] == 1


def test_create_when_done_then_the_upstream_was_called_once_under_our_id(stack: Stack) -> None:
    response = create(stack)

    calls = stack.calls(response["id"])

    assert [call["client_request_id"] for call in calls] == [response["id"] + ".1"]


def test_create_with_the_sdk_when_the_upstream_answers_then_its_text_is_there(stack: Stack) -> None:
    response = stack.client().responses.create(model="plain", input="hello")

    assert response.status == "completed"
    assert "hello" in response.output_text
    assert response._request_id


def test_create_with_the_async_sdk_when_the_upstream_answers_then_its_text_is_there(stack: Stack) -> None:
    async def call() -> Any:
        async with AsyncOpenAI(base_url=stack.base_url, api_key=stack.api_key, max_retries=0) as client:
            return await client.responses.create(model="plain", input="hello")

    assert "hello" in asyncio.run(call()).output_text


def test_retrieve_when_completed_then_the_very_same_object(stack: Stack) -> None:
    created = stack.request("POST", "/responses", json={"model": "plain", "input": "hello"})

    again = stack.request("GET", f"/responses/{created.json()['id']}")

    assert again.content == created.content


@pytest.mark.parametrize("field", FIELDS)
def test_create_when_a_field_is_given_then_the_object_shows_it(
    stack: Stack, echoed: Json, field: str
) -> None:
    assert echoed[field] == FIELDS[field]


@pytest.mark.parametrize("field", [*FIELDS, *ONLY_SENT])
def test_create_when_a_field_is_given_then_the_upstream_has_it(
    stack: Stack, echoed: Json, field: str
) -> None:
    sent = sent_upstream(echoed)

    wanted = {**FIELDS, **ONLY_SENT}[field]
    if field == "include":
        assert set(wanted) <= set(sent["include"])
    else:
        assert sent[field] == wanted


def test_create_when_sent_upstream_then_state_stays_ours(echoed: Json) -> None:
    sent = sent_upstream(echoed)

    ours = {key: sent.get(key) for key in ("store", "stream", "background", "previous_response_id")}
    assert ours == {"store": False, "stream": True, "background": None, "previous_response_id": None}


def test_create_when_every_field_is_null_then_the_defaults_hold(stack: Stack) -> None:
    nulls = dict.fromkeys((*FIELDS, *ONLY_SENT, "store", "background", "stream", "previous_response_id"))

    response = check_response(create(stack, **nulls))

    assert (response["temperature"], response["store"], response["tool_choice"]) == (1.0, True, "auto")


def test_create_when_the_words_run_out_then_it_is_incomplete(stack: Stack) -> None:
    response = check_response(create(stack, model="mock-n50", max_output_tokens=16))

    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["output"][-1]["status"] == "incomplete"


def test_create_at_the_guides_path_when_asked_then_it_is_the_same_api(stack: Stack) -> None:
    base = stack.base_url.removesuffix("/v1") + "/api/llm/api/inference/openai"

    response = stack.client().with_options(base_url=base).responses.create(model="plain", input="hello")

    assert stack.client().responses.retrieve(response.id) == response


def test_create_when_the_client_names_its_request_then_the_answer_repeats_the_name(stack: Stack) -> None:
    answer = stack.request("GET", "/models", headers={"X-Request-Id": "client-name.1"})

    assert answer.headers["x-request-id"] == "client-name.1"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_when_asked_without_a_key_then_it_answers(stack: Stack, path: str) -> None:
    answer = requests.get(stack.base_url.removesuffix("/v1") + path, timeout=10)

    assert (answer.status_code, bool(answer.headers["x-request-id"])) == (200, True)


@pytest.fixture(scope="module", params=["plain", "plain!quirk=small_envelope"])
def echoed(stack: Stack, request: pytest.FixtureRequest) -> Json:
    """The object of a create with every field, from an upstream that echoes them and one that does not."""
    return check_response(create(stack, model=request.param, input=ECHO, **FIELDS, **ONLY_SENT))
