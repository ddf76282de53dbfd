"""What the Messages dialect refuses, and in whose words."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.unit.upstream.client import WEATHER, Client

TOOL = {"name": "get_weather", "input_schema": WEATHER["parameters"]}
USER = {"role": "user", "content": "hi"}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
CALLED = {"role": "assistant", "content": [CALL]}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"}
OTHER_RESULT = {**RESULT, "tool_use_id": "toolu_2"}
TEXT = {"type": "text", "text": "so"}
FOREIGN = {"type": "thinking", "thinking": "hm", "signature": "c2lnbmVk"}
VERSION = {"anthropic-version": "2023-06-01"}
ENABLED = {"type": "enabled", "budget_tokens": 1024}


def _error(answer: requests.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert body["type"] == "error", body
    return answer.status_code, body["error"]["type"], body["error"]["message"].partition(": ")[0]


def _turns(*content: Any) -> dict[str, Any]:
    return {"messages": [USER, CALLED, {"role": "user", "content": list(content)}]}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "system", "content": "x"}, USER]}, "messages.0.role"),
        ({"messages": [{"role": "assistant", "content": "x"}, USER]}, "messages"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages.0.content.0"),
        ({"messages": [{"role": "user", "content": []}]}, "messages.0"),
        ({"messages": [USER, CALLED]}, "messages.1"),
        ({"messages": [USER, CALLED, USER]}, "messages.1"),
        (_turns(OTHER_RESULT), "messages.2.content.0"),
        (_turns(TEXT, RESULT), "messages.2.content.0"),
        (
            {"messages": [USER, {"role": "assistant", "content": [FOREIGN, TEXT]}, USER]},
            "messages.1.content.0",
        ),
        ({**_turns(RESULT), "thinking": ENABLED}, "messages.1.content.0.type"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, "thinking.enabled.budget_tokens"),
        ({"thinking": ENABLED, "max_tokens": 1000}, "max_tokens"),
        ({"thinking": ENABLED, "temperature": 0.5}, "temperature"),
        ({"thinking": ENABLED, "tools": [TOOL], "tool_choice": {"type": "any"}}, "thinking"),
        ({"temperature": 1.5}, "temperature"),
        ({"tool_choice": {"type": "auto"}}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": "auto"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}}, "tool_choice.name"),
        ({"tools": [{"name": "x"}]}, "tools.0.custom.input_schema.type"),
        ({"metadata": {"a": "b"}}, "metadata.a"),
        ({"instructions": "be kind"}, "instructions"),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            "output_config.format.schema",
        ),
    ],
)
def test_wrong_request_is_refused_with_its_place(client: Client, body: dict[str, Any], place: str) -> None:
    assert _error(client.message(**body)) == (400, "invalid_request_error", place)


def test_neighbours_of_one_role_are_one_turn(client: Client) -> None:
    messages = [USER, CALLED, {"role": "user", "content": [RESULT]}, {"role": "user", "content": "thanks"}]

    assert client.message(messages=messages).status_code == 200


def test_thinking_that_was_altered_is_refused(client: Client) -> None:
    first = client.message(thinking=ENABLED).json()["content"]
    first[0]["thinking"] += "!"

    answer = client.message(messages=[USER, {"role": "assistant", "content": first}, USER])

    assert _error(answer) == (400, "invalid_request_error", "messages.1.content.0")


@pytest.mark.parametrize("version", ["", "2024-01-01"])
def test_version_is_required_and_known(client: Client, version: str) -> None:
    assert _error(client.message(version=version))[::2] == (400, "anthropic-version")


def test_sampling_is_refused_since_the_second_version(client: Client) -> None:
    answer = client.message(version="2026-10-21", temperature=1.0)

    assert _error(answer) == (400, "invalid_request_error", "temperature")


@pytest.mark.parametrize("headers", [{"x-api-key": "bad-key"}, {"api-key": "good"}, {}])
def test_key_must_come_in_its_own_header_and_be_good(client: Client, headers: dict[str, str]) -> None:
    del client.session.headers["Authorization"]

    answer = client.post("/messages", {}, more={**VERSION, **headers})

    assert _error(answer)[:2] == (401, "authentication_error")


def test_key_in_its_own_header_is_taken(client: Client) -> None:
    del client.session.headers["Authorization"]
    body = {"model": "mock", "max_tokens": 9, "messages": [USER]}

    answer = client.post("/messages", body, more={**VERSION, "x-api-key": "good"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "authentication_error"),
        (403, "permission_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_ordered_refusal_has_this_dialects_shape(client: Client, status: int, kind: str) -> None:
    answer = client.message(model=f"mock!fault=refuse:{status}:7")

    assert _error(answer)[:2] == (status, kind)
    assert answer.headers["retry-after"] == "7"


def test_unknown_model_is_not_found(client: Client) -> None:
    assert _error(client.message(model="unknown-model"))[:2] == (404, "not_found_error")
