"""parse_create: the input and its items."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import InvalidRequest
from tests.unit.shared.wire.builders import parsed, refusal

CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "ok"}
ACCEPTED = [
    {"role": "user", "content": "hi"},
    {"type": None, "role": "system", "content": "hi"},
    {"type": "message", "role": "developer", "content": []},
    {
        "role": "user",
        "content": [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}, {"type": "tomorrow"}],
    },
    {"role": "assistant", "phase": "commentary", "content": [{"type": "refusal", "refusal": "no"}]},
    {"id": None, "status": None, "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
    {**CALL, "id": None, "status": "completed", "parsed_arguments": {}},
    {**OUTPUT, "status": None},
    {**OUTPUT, "output": [{"type": "input_text", "text": "x"}]},
    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": None, "content": None},
    {"type": "item_reference", "id": "msg_1"},
    {"type": None, "id": "msg_1"},
    {"id": "msg_1"},
    {"type": "compaction", "encrypted_content": "x"},
    {"type": "program", "whatever": {"deep": [None]}},
]


@pytest.mark.parametrize("item", ACCEPTED)
def test_an_item_that_any_client_sends_is_accepted_as_it_is(item: dict[str, Any]) -> None:
    assert parsed(input=[item]).body["input"] == [item]


@pytest.mark.parametrize(
    ("value", "code", "param"),
    [
        (3, "invalid_type", "input"),
        ({}, "invalid_type", "input"),
        ("x" * 10_485_761, "string_above_max_length", "input"),
        ([{"role": "user", "content": "x"}] * 100_001, "array_above_max_length", "input"),
        (["hi"], "invalid_type", "input[0]"),
    ],
)
def test_input_that_is_no_list_of_items_is_refused(value: Any, code: str, param: str) -> None:
    assert refusal(input=value) == (code, param)


def without(item: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != name}


@pytest.mark.parametrize(
    ("item", "code", "path"),
    [
        ({}, "missing_required_parameter", "role"),
        ({"role": "tool", "content": "x"}, "invalid_value", "role"),
        ({"role": 1, "content": "x"}, "invalid_type", "role"),
        ({"role": "user"}, "missing_required_parameter", "content"),
        ({"role": "user", "content": 3}, "invalid_type", "content"),
        ({"role": "user", "content": ["x"]}, "invalid_type", "content[0]"),
        ({"role": "user", "content": [{}]}, "missing_required_parameter", "content[0].type"),
        ({"role": "user", "content": [{"type": 1}]}, "invalid_type", "content[0].type"),
        (
            {"role": "user", "content": [{"type": "input_text"}]},
            "missing_required_parameter",
            "content[0].text",
        ),
        ({"role": "user", "content": [{"type": "input_text", "text": 1}]}, "invalid_type", "content[0].text"),
        ({"role": "user", "content": "x", "id": 3}, "invalid_type", "id"),
        ({"role": "user", "content": "x", "status": 3}, "invalid_type", "status"),
        ({"type": 3}, "invalid_type", "type"),
        ({"type": ""}, "invalid_value", "type"),
        (without(CALL, "call_id"), "missing_required_parameter", "call_id"),
        ({**CALL, "call_id": "c" * 65}, "string_above_max_length", "call_id"),
        ({**CALL, "call_id": ""}, "invalid_value", "call_id"),
        (without(CALL, "name"), "missing_required_parameter", "name"),
        ({**CALL, "name": ""}, "invalid_value", "name"),
        ({**CALL, "arguments": {}}, "invalid_type", "arguments"),
        (without(OUTPUT, "call_id"), "missing_required_parameter", "call_id"),
        (without(OUTPUT, "output"), "missing_required_parameter", "output"),
        ({**OUTPUT, "output": {}}, "invalid_type", "output"),
        ({**OUTPUT, "output": ["x"]}, "invalid_type", "output[0]"),
        ({"type": "reasoning"}, "missing_required_parameter", "summary"),
        ({"type": "reasoning", "summary": "x"}, "invalid_type", "summary"),
        ({"type": "reasoning", "summary": ["x"]}, "invalid_type", "summary[0]"),
        ({"type": "reasoning", "summary": [], "encrypted_content": 1}, "invalid_type", "encrypted_content"),
        ({"type": "item_reference"}, "missing_required_parameter", "id"),
        ({"type": "compaction"}, "missing_required_parameter", "encrypted_content"),
    ],
)
def test_an_item_when_wrong_is_refused_by_its_path(item: Any, code: str, path: str) -> None:
    assert refusal(input=[{"role": "user", "content": "first"}, item]) == (code, f"input[1].{path}")


def test_an_assistant_message_with_input_text_is_refused_with_what_it_supports() -> None:
    with pytest.raises(InvalidRequest) as refused:
        parsed(input=[{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}])

    assert refused.value.param == "input[0].content[0]"
    assert refused.value.message == (
        "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'."
    )
