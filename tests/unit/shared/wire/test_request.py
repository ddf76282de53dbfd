"""parse_create: the plain fields, their defaults and their refusals."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from shared.errors import InvalidRequest
from shared.wire.request import parse_create
from tests.unit.shared.wire.builders import body, parsed, refusal

NULLABLE = [
    *("instructions", "previous_response_id", "conversation", "include", "tools", "tool_choice", "text"),
    *("parallel_tool_calls", "max_tool_calls", "max_output_tokens", "temperature", "top_p", "top_logprobs"),
    *("presence_penalty", "frequency_penalty", "reasoning", "truncation", "metadata", "store", "background"),
    *("stream", "stream_options", "service_tier", "safety_identifier", "prompt_cache_key", "user", "prompt"),
    *("prompt_cache_retention", "prompt_cache_options", "moderation", "context_management", "messages"),
]


def test_a_minimal_request_when_parsed_has_the_defaults() -> None:
    request = parse_create({"model": "demo", "input": "hi"})

    assert (request.stream, request.background, request.store) == (False, False, True)
    assert (request.previous_response_id, request.conversation, request.include) == (None, None, ())
    assert (request.include_obfuscation, request.metadata, request.input) == (False, {}, "hi")


@pytest.mark.parametrize("name", NULLABLE)
def test_a_field_when_null_means_its_default(name: str) -> None:
    request, plain = parsed(**{name: None}), parsed()

    assert request.fields == plain.fields
    assert (request.store, request.stream, request.metadata) == (True, False, {})


def test_a_body_with_unknown_fields_is_kept_whole_and_the_given_one_unchanged() -> None:
    given = body(
        future={"deep": [1, None]},
        include=["tomorrow.value"],
        tools=[{"type": "telepathy", "x": None}],
        text={"format": {"type": "text", "more": 1}, "tone": "dry"},
        temperature=1,
    )
    before = copy.deepcopy(given)

    request = parse_create(given)

    assert request.body == before
    assert given == before


@pytest.mark.parametrize("root", [[], "text", 3, None, True])
def test_a_body_that_is_no_object_is_invalid_type(root: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_create(root)

    assert refused.value.code == "invalid_type"


@pytest.mark.parametrize(
    ("model", "code"),
    [
        (None, "missing_required_parameter"),
        (3, "invalid_type"),
        (True, "invalid_type"),
        ("", "invalid_value"),
        ("m" * 257, "invalid_value"),
        ("a\nb", "invalid_value"),
        ("a\x85b", "invalid_value"),
    ],
)
def test_a_model_that_cannot_be_one_is_refused(model: Any, code: str) -> None:
    assert refusal(model=model) == (code, "model")


def test_a_request_without_a_model_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_create({"input": "hi"})

    assert (refused.value.code, refused.value.param) == ("missing_required_parameter", "model")


def test_a_request_without_input_or_anything_to_continue_is_refused() -> None:
    assert refusal(input=None) == ("missing_required_parameter", "input")


@pytest.mark.parametrize(
    "source",
    [{"prompt": {"id": "pmpt_1"}}, {"previous_response_id": "resp_1"}, {"conversation": {"id": "conv_1"}}],
)
def test_a_request_without_input_but_with_something_to_continue_is_accepted(source: dict[str, Any]) -> None:
    assert parsed(input=None, **source).input == []


def test_messages_when_given_are_refused_as_moved() -> None:
    assert refusal(messages=[]) == ("unsupported_parameter", "messages")


@pytest.mark.parametrize(
    ("field", "value", "code", "param"),
    [
        ("stream", "true", "invalid_type", "stream"),
        ("store", 1, "invalid_type", "store"),
        ("background", "yes", "invalid_type", "background"),
        ("parallel_tool_calls", 0, "invalid_type", "parallel_tool_calls"),
        ("instructions", ["x"], "invalid_type", "instructions"),
        ("temperature", 2.1, "decimal_above_max_value", "temperature"),
        ("temperature", 3, "decimal_above_max_value", "temperature"),
        ("temperature", -1, "decimal_below_min_value", "temperature"),
        ("temperature", "1", "invalid_type", "temperature"),
        ("temperature", True, "invalid_type", "temperature"),
        ("top_p", 1.01, "decimal_above_max_value", "top_p"),
        ("presence_penalty", False, "invalid_type", "presence_penalty"),
        ("max_output_tokens", 15, "integer_below_min_value", "max_output_tokens"),
        ("max_output_tokens", 0, "integer_below_min_value", "max_output_tokens"),
        ("max_output_tokens", 10**18, "integer_above_max_value", "max_output_tokens"),
        ("max_output_tokens", 1.5, "invalid_type", "max_output_tokens"),
        ("max_output_tokens", True, "invalid_type", "max_output_tokens"),
        ("max_tool_calls", 0, "integer_below_min_value", "max_tool_calls"),
        ("top_logprobs", 21, "integer_above_max_value", "top_logprobs"),
        ("top_logprobs", -1, "integer_below_min_value", "top_logprobs"),
        ("safety_identifier", "x" * 65, "string_above_max_length", "safety_identifier"),
        ("prompt_cache_key", "x" * 65, "string_above_max_length", "prompt_cache_key"),
        ("service_tier", 1, "invalid_type", "service_tier"),
        ("truncation", "middle", "invalid_value", "truncation"),
        ("truncation", 1, "invalid_type", "truncation"),
        ("include", "x", "invalid_type", "include"),
        ("include", ["x", 1], "invalid_type", "include[1]"),
        ("stream_options", [], "invalid_type", "stream_options"),
        ("stream_options", {"include_obfuscation": 1}, "invalid_type", "stream_options.include_obfuscation"),
        ("reasoning", "high", "invalid_type", "reasoning"),
        ("reasoning", {"effort": 3}, "invalid_type", "reasoning.effort"),
        ("text", [], "invalid_type", "text"),
        ("text", {"verbosity": "loud"}, "invalid_value", "text.verbosity"),
        ("text", {"format": "json"}, "invalid_type", "text.format"),
        ("text", {"format": {}}, "missing_required_parameter", "text.format.type"),
        ("text", {"format": {"type": "xml"}}, "invalid_value", "text.format.type"),
        ("prompt", {}, "missing_required_parameter", "prompt.id"),
        ("context_management", [], "empty_array", "context_management"),
        ("context_management", [{}], "missing_required_parameter", "context_management[0].type"),
        ("moderation", "m", "invalid_type", "moderation"),
        ("user", 7, "invalid_type", "user"),
    ],
)
def test_a_field_when_wrong_is_refused_by_name(field: str, value: Any, code: str, param: str) -> None:
    assert refusal(**{field: value}) == (code, param)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 2),
        ("top_p", 0),
        ("max_output_tokens", 16),
        ("max_output_tokens", 2**31 - 1),
        ("top_logprobs", 20),
        ("reasoning", {"effort": "tomorrow", "summary": "auto", "mode": "x"}),
        ("service_tier", "ultrafast"),
        ("include", ["tomorrow.value"]),
        ("context_management", [{"type": "compaction", "compact_threshold": 1000}]),
    ],
)
def test_a_field_at_its_bounds_is_accepted_as_sent(field: str, value: Any) -> None:
    assert parsed(**{field: value}).body[field] == value


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ([], "invalid_type"),
        ({str(n): "" for n in range(17)}, "invalid_value"),
        ({"k" * 65: "v"}, "string_above_max_length"),
        ({"k": "v" * 513}, "string_above_max_length"),
        ({"k": 1}, "invalid_type"),
        ({"k": None}, "invalid_type"),
    ],
)
def test_metadata_beyond_its_bounds_is_refused(metadata: Any, code: str) -> None:
    assert refusal(metadata=metadata) == (code, "metadata")


def test_metadata_at_its_bounds_is_kept_verbatim() -> None:
    metadata = {f"{n:064}": "v\r\n" * 170 for n in range(16)}

    assert parsed(metadata=metadata).metadata == metadata


@pytest.mark.parametrize(
    "identity", ["", "resp_", "msg_1", "resp_" + "a" * 129, "resp_a b", "resp_a\n", "../x"]
)
def test_a_previous_response_id_that_is_none_is_invalid_id(identity: str) -> None:
    assert refusal(previous_response_id=identity) == ("invalid_id", "previous_response_id")


def test_a_previous_response_and_a_conversation_together_are_refused_naming_both() -> None:
    with pytest.raises(InvalidRequest) as refused:
        parsed(previous_response_id="resp_1", conversation="conv_1")

    assert (refused.value.code, refused.value.param) == ("invalid_value", "conversation")
    assert "previous_response_id" in refused.value.message


@pytest.mark.parametrize(
    ("conversation", "code", "param"),
    [
        ("chat_1", "invalid_id", "conversation"),
        ({"id": "x"}, "invalid_id", "conversation.id"),
        ({}, "missing_required_parameter", "conversation.id"),
        (3, "invalid_type", "conversation"),
    ],
)
def test_a_conversation_that_is_none_is_refused(conversation: Any, code: str, param: str) -> None:
    assert refusal(conversation=conversation) == (code, param)


@pytest.mark.parametrize("conversation", ["conv_1", {"id": "conv_1"}])
def test_a_conversation_in_either_form_has_one_id(conversation: Any) -> None:
    assert parsed(conversation=conversation).conversation_id == "conv_1"


def test_background_without_store_is_accepted() -> None:
    request = parsed(background=True, store=False)

    assert (request.background, request.store) == (True, False)


def test_stream_options_without_stream_are_accepted() -> None:
    assert parsed(stream_options={"include_obfuscation": True}).stream is False


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, False),
        ({}, False),
        ({"include_obfuscation": False}, False),
        ({"include_obfuscation": True}, True),
    ],
)
def test_obfuscation_is_on_only_when_asked_for(options: Any, expected: bool) -> None:
    assert parsed(stream=True, stream_options=options).include_obfuscation is expected


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ({}, "missing_required_parameter", "text.format.name"),
        ({"name": "a b", "schema": {}}, "invalid_value", "text.format.name"),
        ({"name": "n" * 65, "schema": {}}, "invalid_value", "text.format.name"),
        ({"name": "n"}, "missing_required_parameter", "text.format.schema"),
        ({"name": "n", "schema": []}, "invalid_json_schema", "text.format.schema"),
        ({"name": "n", "schema": {"$ref": "#"}}, "invalid_json_schema", "text.format.schema"),
        ({"name": "n", "schema": {"x": "y" * 600_000}}, "invalid_json_schema", "text.format.schema"),
        ({"name": "n", "schema": {}, "strict": "yes"}, "invalid_type", "text.format.strict"),
    ],
)
def test_a_schema_format_that_is_not_whole_is_refused(form: dict[str, Any], code: str, param: str) -> None:
    assert refusal(text={"format": {"type": "json_schema", **form}}) == (code, param)


def test_idempotency_body_when_only_delivery_differs_is_the_same() -> None:
    one = parse_create({"model": "m", "input": "hi", "metadata": {"a": "1", "b": "2"}, "stream": True})
    other = parse_create(
        {"stream_options": {}, "metadata": {"b": "2", "a": "1"}, "input": "hi", "model": "m", "stream": False}
    )

    assert one.idempotency_body == other.idempotency_body
    assert json.loads(one.idempotency_body) == {"model": "m", "input": "hi", "metadata": {"a": "1", "b": "2"}}


def test_idempotency_body_when_what_is_asked_for_differs_is_another() -> None:
    assert parsed(temperature=0.5).idempotency_body != parsed(temperature=0.6).idempotency_body
