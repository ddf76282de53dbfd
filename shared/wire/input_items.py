"""Which input items are accepted. PURE.

Checked is what the gateway reads itself: messages, function calls and their outputs, reasoning,
references, compactions. An item or content part of any other type passes through whole: every
item we ever emit must be accepted when it comes back.
"""

from __future__ import annotations

from typing import Any

from shared.wire import refusals
from shared.wire.media import check_part_urls

MAX_ITEMS = 100_000
MAX_TEXT = 10_485_760
MAX_CALL_ID = 64
ROLES = ("user", "assistant", "system", "developer")
# The text of a part, by the part's type: what every dialect reads.
PART_TEXT = {"input_text": "text", "output_text": "text", "refusal": "refusal"}
_ASSISTANT_PARTS = ("output_text", "refusal")
# A tool call and what answers it; PAIRED: all of them.
OUTPUT_OF = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}
PAIRED = frozenset({*OUTPUT_OF, *OUTPUT_OF.values()})


def check_input(value: object) -> None:
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise refusals.too_long("input", MAX_TEXT)
        return
    if not isinstance(value, list):
        raise refusals.wrong_type("input", "a string or an array", value)
    check_items(value, "input", MAX_ITEMS)


def check_items(values: list[Any], path: str, limit: int) -> None:
    if len(values) > limit:
        raise refusals.too_many(path, limit)
    for index, item in enumerate(values):
        _check_item(item, f"{path}[{index}]")


def item_type(item: dict[str, Any]) -> str:
    """An item's type where it may be left out: a message has a role, a reference only an id."""
    given = item.get("type")
    if given is not None:
        return str(given)
    return "item_reference" if item.get("role") is None and item.get("id") is not None else "message"


def _check_item(item: object, path: str) -> None:
    if not isinstance(item, dict):
        raise refusals.wrong_type(path, "an object", item)
    refusals.optional_string(item, "type", path)
    refusals.optional_string(item, "id", path)
    if item.get("type") == "":
        raise refusals.invalid(f"{path}.type", f"'{path}.type' must not be empty.")
    match item_type(item):
        case "message":
            _check_message(item, path)
        case "function_call":
            _check_call(item, path)
        case "function_call_output":
            _check_output(item, path)
        case "reasoning":
            _check_reasoning(item, path)
        case "item_reference":
            refusals.require_string(item, "id", path)
        case "compaction":
            refusals.require_string(item, "encrypted_content", path)


def _check_message(item: dict[str, Any], path: str) -> None:
    role = refusals.require_string(item, "role", path)
    if role not in ROLES:
        raise refusals.not_one_of(f"{path}.role", role, ROLES)
    refusals.optional_string(item, "status", path)
    content, where = item.get("content"), f"{path}.content"
    if content is None:
        raise refusals.missing(where)
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise refusals.wrong_type(where, "a string or an array", content)
    for index, part in enumerate(content):
        _check_part(part, f"{where}[{index}]", assistant=role == "assistant")


def _check_part(part: object, path: str, *, assistant: bool) -> None:
    if not isinstance(part, dict):
        raise refusals.wrong_type(path, "an object", part)
    kind = refusals.require_string(part, "type", path)
    if assistant and kind.startswith("input_"):
        supported = " and ".join(f"'{name}'" for name in _ASSISTANT_PARTS)
        raise refusals.invalid(path, f"Invalid value: '{kind}'. Supported values are: {supported}.")
    text = PART_TEXT.get(kind)
    if text is not None:
        refusals.require_string(part, text, path)
    check_part_urls(part, path)


def _check_call(item: dict[str, Any], path: str) -> None:
    _check_call_id(item, path)
    if not refusals.require_string(item, "name", path):
        raise refusals.invalid(f"{path}.name", f"'{path}.name' must not be empty.")
    refusals.require_string(item, "arguments", path)
    refusals.optional_string(item, "status", path)


def _check_output(item: dict[str, Any], path: str) -> None:
    _check_call_id(item, path)
    refusals.optional_string(item, "status", path)
    output, where = item.get("output"), f"{path}.output"
    if output is None:
        raise refusals.missing(where)
    if isinstance(output, str):
        return
    if not isinstance(output, list):
        raise refusals.wrong_type(where, "a string or an array", output)
    for index, part in enumerate(output):
        _check_part(part, f"{where}[{index}]", assistant=False)


def _check_call_id(item: dict[str, Any], path: str) -> None:
    if not refusals.require_string(item, "call_id", path, limit=MAX_CALL_ID):
        raise refusals.invalid(f"{path}.call_id", f"'{path}.call_id' must not be empty.")


def _check_reasoning(item: dict[str, Any], path: str) -> None:
    summary = item.get("summary")
    if summary is None:
        raise refusals.missing(f"{path}.summary")
    if not isinstance(summary, list):
        raise refusals.wrong_type(f"{path}.summary", "an array", summary)
    for index, part in enumerate(summary):
        if not isinstance(part, dict):
            raise refusals.wrong_type(f"{path}.summary[{index}]", "an object", part)
    refusals.optional_string(item, "encrypted_content", path)
