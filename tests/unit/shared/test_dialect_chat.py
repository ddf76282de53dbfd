"""What Chat Completions cannot express is refused by name; what it leaves out has its reason in the data."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest

from shared.catalog import Provider
from shared.catalog.dialects.chat_completions import CHAT_COMPLETIONS, STREAM_USAGE
from shared.errors import InvalidRequest

IMAGE = {"type": "input_image", "image_url": "https://host/cat.png", "detail": "auto"}
OUTPUT = {"type": "function_call_output", "call_id": "c"}
FUNCTION = {"type": "function", "name": "f", "parameters": {}}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def refused(body: dict[str, Any], *lacks: str) -> tuple[str | None, str | None]:
    with pytest.raises(InvalidRequest) as caught:
        CHAT_COMPLETIONS.check(body, frozenset(lacks))
    return caught.value.param, caught.value.code


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"moderation": {"model": "m"}}, "moderation"),
        ({"audio": {"voice": "v"}}, "audio"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"n": 2}, "n"),
        ({"text": {"tone": "dry"}}, "text.tone"),
        ({"tools": [{"type": "custom", "format": {"type": "text"}}]}, "tools[0].name"),
        ({"tools": [FUNCTION, {"type": "custom", "name": "f"}]}, "tools[1].name"),
        (
            {"input": [user({"type": "input_image", "file_id": "file-1"})]},
            "input[0].content[0].file_id",
        ),
        (
            {"input": [user({"type": "input_file", "file_url": "https://host/a.pdf"})]},
            "input[0].content[0].file_url",
        ),
    ],
)
def test_request_when_there_is_no_word_for_it_then_refused_by_its_parameter(
    body: dict[str, Any], param: str
) -> None:
    assert refused(body) == (param, "unsupported_parameter")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tools": [FUNCTION, {"type": "web_search"}]}, "tools[1].type"),
        ({"tools": [{"type": "mcp", "server_label": "s"}]}, "tools[0].type"),
        ({"tools": [{"type": "custom", "name": "c", "format": {"type": "grammar"}}]}, "tools[0].format.type"),
        ({"tool_choice": {"type": "file_search"}}, "tool_choice.type"),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "auto",
                    "tools": [{"type": "image_generation"}],
                }
            },
            "tool_choice.tools[0].type",
        ),
        ({"input": [{"type": "computer_call_output", "call_id": "c", "output": {}}]}, "input[0].type"),
        ({"input": [user({"type": "input_text", "text": "a"}, {"type": "odd"})]}, "input[0].content[1].type"),
        ({"input": [{"role": "developer", "content": [IMAGE]}]}, "input[0].content[0].type"),
        (
            {"input": [{"type": "compaction", "encrypted_content": "made elsewhere"}]},
            "input[0].encrypted_content",
        ),
    ],
)
def test_request_when_a_value_is_unknown_there_then_refused_by_its_place(
    body: dict[str, Any], param: str
) -> None:
    assert refused(body) == (param, "unsupported_value")


@pytest.mark.parametrize(
    "body",
    [
        {
            "input": "hi",
            "n": 1,
            "modalities": ["text"],
            "top_k": 5,
            "truncation": "auto",
            "metadata": {"a": "b"},
        },
        {
            "tools": [FUNCTION, {"type": "custom", "name": "c", "format": {"type": "text"}}],
            "max_tool_calls": 3,
        },
        {"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [FUNCTION]}},
        {"input": [user(IMAGE, {"type": "input_file", "file_id": "file-1"}), {"type": "web_search_call"}]},
        {"input": [{"type": "compaction", "encrypted_content": "rsp1.key.sealed"}]},
        {
            "input": [
                {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "a"}]}
            ]
        },
        {"text": {"format": {"type": "json_object"}, "verbosity": "low", "tone": None}},
    ],
)
def test_request_when_all_of_it_has_a_word_or_a_reason_then_accepted(body: dict[str, Any]) -> None:
    CHAT_COMPLETIONS.check(body)


@pytest.mark.parametrize(
    ("lack", "body", "param"),
    [
        ("images", {"input": [user(IMAGE)]}, "input[0].content[0]"),
        ("images", {"input": [{**OUTPUT, "output": [IMAGE]}]}, "input[0].output[0]"),
        ("files", {"input": [user({"type": "input_file", "file_id": "f"})]}, "input[0].content[0]"),
        ("audio", {"input": [user({"type": "input_audio"})]}, "input[0].content[0]"),
        ("tools", {"tools": [FUNCTION]}, "tools"),
        ("tool_choice", {"tool_choice": "required"}, "tool_choice"),
        ("tool_choice", {"tool_choice": {"type": "function", "name": "f"}}, "tool_choice"),
        ("structured_outputs", {"text": {"format": {"type": "json_object"}}}, "text.format"),
        ("reasoning_effort", {"reasoning": {"effort": "low"}}, "reasoning.effort"),
        ("verbosity", {"text": {"verbosity": "low"}}, "text.verbosity"),
        ("logprobs", {"top_logprobs": 2}, "top_logprobs"),
        ("logprobs", {"include": ["message.output_text.logprobs"]}, "include"),
    ],
)  # fmt: skip
def test_request_when_the_server_lacks_what_it_asks_for_then_refused(
    lack: str, body: dict[str, Any], param: str
) -> None:
    assert refused(body, lack) == (param, "unsupported_parameter")


@pytest.mark.parametrize("lack", sorted(CHAT_COMPLETIONS.features))
def test_request_when_it_asks_for_nothing_that_is_lacking_then_accepted(lack: str) -> None:
    body = {"input": "hi", "tool_choice": "auto", "text": {"format": {"type": "text"}}, "reasoning": {}}

    CHAT_COMPLETIONS.check(body, frozenset({lack}))


def test_stream_usage_when_lacking_then_no_request_is_refused() -> None:
    CHAT_COMPLETIONS.check(
        {"stream": True, "stream_options": {"include_obfuscation": False}}, frozenset({STREAM_USAGE})
    )


@pytest.mark.parametrize("field", [{"reasoning_field": "reasoning"}, {"max_tokens_field": "max_tokens"}])
@pytest.mark.parametrize("dialect", ["responses", "messages"])
def test_account_when_of_another_dialect_then_without_the_fields_of_this_one(
    dialect: Any, field: dict[str, Any]
) -> None:
    with pytest.raises(pydantic.ValidationError, match="only the dialect 'chat_completions' has that"):
        Provider(dialect=dialect, base_url="http://host/v1", **field)
