"""What the `messages` dialect refuses before anything is stored, and the parameter it names."""

from __future__ import annotations

from typing import Any

import pytest

from shared.catalog import Provider
from shared.catalog.dialects.messages import MESSAGES
from shared.errors import InvalidRequest
from shared.wire.makers import GATEWAY_SEAL

FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}
PNG = "data:image/png;base64,aGk="
DEEP = {"effort": "high"}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": list(parts)}]}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"moderation": {"model": "m"}}, "moderation"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"frequency_penalty": -0.5}, "frequency_penalty"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"system": "x"}, "system"),
        ({"max_tokens": 5}, "max_tokens"),
        ({"text": {"voice": "alto"}}, "text.voice"),
        ({"reasoning": {"effort": "low", "mode": "pro"}}, "reasoning.mode"),
        ({"include": ["message.output_text.logprobs"]}, "include"),
        ({"temperature": 1.5}, "temperature"),
        ({"temperature": 0.5, "reasoning": DEEP}, "temperature"),
        ({"top_p": 0.5, "reasoning": DEEP}, "top_p"),
        ({"reasoning": {"effort": "extreme"}}, "reasoning.effort"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [FUNCTION, {"type": "mcp"}]}, "tools[1].type"),
        ({"tools": [{"type": "custom", "name": "c", "format": {"type": "grammar"}}]}, "tools[0].format.type"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice.type"),
        (
            {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp"}]}},
            "tool_choice.tools[0].type",
        ),
        (
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "array"}}}},
            "text.format.schema",
        ),
        ({"input": [{"type": "computer_call_output", "call_id": "c"}]}, "input[0].type"),
        ({"input": [{"type": "compaction", "encrypted_content": "theirs"}]}, "input[0].encrypted_content"),
        (user({"type": "input_audio"}), "input[0].content[0].type"),
        (user({"type": "input_image", "file_id": "f"}), "input[0].content[0].file_id"),
        (
            user(
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "data:image/bmp;base64,aGk="},
            ),
            "input[0].content[1].image_url",
        ),
        (user({"type": "input_file", "file_id": "f"}), "input[0].content[0].file_id"),
        (
            user({"type": "input_file", "filename": "a.docx", "file_data": "aGk="}),
            "input[0].content[0].file_data",
        ),
        (
            {
                "input": [
                    {
                        "type": "function_call_output",
                        "call_id": "c",
                        "output": [{"type": "input_image", "file_id": "f"}],
                    }
                ]
            },
            "input[0].output[0].file_id",
        ),
    ],
)
def test_request_when_it_cannot_be_expressed_then_refused_by_name(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        MESSAGES.check(body)

    assert refused.value.param == param
    assert refused.value.code in ("unsupported_parameter", "unsupported_value")


@pytest.mark.parametrize(
    "body",
    [
        {"input": "hi", "presence_penalty": 0.0, "top_logprobs": 0, "temperature": 1.0, "reasoning": DEEP},
        {"temperature": 0.0, "reasoning": {"effort": "none"}},
        {"temperature": 0.2, "reasoning": {"effort": None, "summary": None}},
        {"top_p": 0.95, "reasoning": {"summary": "auto"}},
        {"metadata": {"a": "b"}, "truncation": "auto", "max_tool_calls": 3, "prompt_cache_key": "k"},
        {"include": ["reasoning.encrypted_content", "web_search_call.action.sources"]},
        {"service_tier": "default", "text": {"verbosity": "low"}, "top_k": 5},
        {
            "tools": [FUNCTION, {"type": "custom", "name": "c"}],
            "tool_choice": {"type": "custom", "name": "c"},
        },
        {"input": [{"type": "web_search_call", "id": "ws"}, {"type": "mcp_call", "id": "m"}]},
        {"input": [{"type": "compaction", "encrypted_content": GATEWAY_SEAL + "k.x"}]},
        {
            "input": [
                {
                    "type": "reasoning",
                    "summary": [],
                    "content": [{"type": "reasoning_text", "text": "x"}],
                    "encrypted_content": "theirs",
                }
            ]
        },
        user(
            {"type": "input_image", "image_url": PNG},
            {"type": "input_image", "image_url": "https://x/a"},
            {"type": "input_file", "file_url": "https://x/a.pdf"},
            {"type": "input_file", "filename": "a.csv", "file_data": "aGk="},
            {"type": "input_file", "file_data": "data:application/json;base64,e30="},
        ),
        {"text": {"format": {"type": "json_object"}}},
    ],
)
def test_request_when_it_can_be_expressed_then_taken(body: dict[str, Any]) -> None:
    MESSAGES.check(body)


@pytest.mark.parametrize(
    ("lack", "body", "param"),
    [
        ("images", user({"type": "input_image", "image_url": PNG}), "input[0].content[0]"),
        ("files", user({"type": "input_file", "file_url": "https://x/a.pdf"}), "input[0].content[0]"),
        ("tools", {"tools": [FUNCTION]}, "tools"),
        ("tool_choice", {"tools": [FUNCTION], "tool_choice": "required"}, "tool_choice"),
        ("structured_outputs", {"text": {"format": {"type": "json_object"}}}, "text.format"),
        ("reasoning", {"reasoning": DEEP}, "reasoning"),
    ],
)
def test_request_when_the_server_lacks_it_then_refused(lack: str, body: dict[str, Any], param: str) -> None:
    MESSAGES.check(body)

    with pytest.raises(InvalidRequest) as refused:
        MESSAGES.check(body, frozenset({lack}))

    assert refused.value.param == param


def account(**fields: Any) -> Provider:
    return Provider(name="a", dialect="messages", base_url="http://x", **fields)


@pytest.mark.parametrize(("name", "value"), [("temperature", 0.5), ("top_p", 0.5), ("top_k", 5)])
def test_sampling_when_the_accounts_version_has_none_then_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(InvalidRequest) as caught:
        account(api_version="2026-10-21").check({name: value})

    assert (caught.value.param, caught.value.code) == (name, "unsupported_parameter")


@pytest.mark.parametrize("version", ["", "2023-06-01", "vertex-2023-10-16"])
def test_sampling_when_the_accounts_version_has_it_then_taken(version: str) -> None:
    account(api_version=version).check({"temperature": 0.5, "top_k": 5})


def test_sampling_when_it_is_what_it_would_be_anyway_then_taken_by_each_version() -> None:
    account(api_version="2026-10-21").check({"temperature": 1, "top_p": 1.0})


def test_tools_when_a_custom_one_has_a_functions_name_then_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        MESSAGES.check({"tools": [FUNCTION, {"type": "custom", "name": "f"}]})

    assert caught.value.param == "tools[1].name"
