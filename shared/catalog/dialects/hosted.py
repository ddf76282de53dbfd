"""What a history may hold of OpenAI's hosted tools and sealed items, for dialects that have neither. PURE.

A record of what a hosted tool did is left out: its findings stand in the answer that followed. Who calls
for such a tool, or brings an answer for one, is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.catalog.dialects.expression import items_of, not_had, unsupported, unusable
from shared.errors import InvalidRequest
from shared.wire.input_items import PART_TEXT, item_type
from shared.wire.makers import GATEWAY_SEAL

TOOLS = frozenset({"function", "custom"})
SAID = frozenset(
    {
        "message",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
        "reasoning",
        "compaction",
    }
)
RECORDS = frozenset(
    {
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "computer_call",
        "local_shell_call",
        "shell_call",
        "apply_patch_call",
        "tool_search_call",
        "mcp_list_tools",
        "mcp_call",
        "mcp_approval_request",
    }
)
# of items that otherwise pass unread (shared/wire/input_items)
_READ = {"custom_tool_call_output": ("output",), "reasoning": ("content",)}
_TEXTS = {**PART_TEXT, "reasoning_text": "text"}
LEFT_OUT = {
    f"input: {kind}": "a hosted tool's own record; what it found stands in the answer that followed"
    for kind in sorted(RECORDS)
}


def check_choice(body: Mapping[str, Any]) -> None:
    choice = body.get("tool_choice")
    if not isinstance(choice, dict):
        return
    if choice["type"] not in {*TOOLS, "allowed_tools"}:
        raise not_had("tool_choice.type", choice["type"])
    for index, entry in enumerate(choice.get("tools") or [] if choice["type"] == "allowed_tools" else []):
        if entry["type"] not in TOOLS:
            raise not_had(f"tool_choice.tools[{index}].type", entry["type"])


def check_custom_tools(body: Mapping[str, Any]) -> None:
    """They are offered as functions of one free text: nothing holds that to a grammar."""
    tools = body.get("tools") or []
    functions = {tool["name"] for tool in tools if tool["type"] == "function"}
    for index, tool in enumerate(tools):
        if tool["type"] != "custom":
            continue
        if not isinstance(tool.get("name"), str) or not tool["name"] or tool["name"] in functions:
            raise unsupported(f"tools[{index}].name", "A custom tool needs a name that no function has.")
        form = tool.get("format")
        kind = form.get("type") if isinstance(form, dict) else None
        if kind not in (None, "text"):
            raise not_had(f"tools[{index}].format.type", kind)


def check_shapes(body: Mapping[str, Any]) -> None:
    """What the Responses API would judge itself, and nobody else does, where it must be read here."""
    for path, item in items_of(body):
        for key in _READ.get(item_type(item), ()):
            value = item.get(key)
            if not (value is None or _is_content(value)):
                raise InvalidRequest(
                    f"'{path}.{key}' must be a string or an array of content parts.",
                    code="invalid_type",
                    param=f"{path}.{key}",
                )


def _is_content(value: Any) -> bool:
    if not isinstance(value, list):
        return isinstance(value, str)
    return all(isinstance(part, dict) and _is_part(part) for part in value)


def _is_part(part: Mapping[str, Any]) -> bool:
    kind = part.get("type")
    text = _TEXTS.get(kind) if isinstance(kind, str) else None
    return isinstance(kind, str) and (text is None or isinstance(part.get(text), str))


def check_compactions(body: Mapping[str, Any]) -> None:
    """Left out, all that they stand for would be lost."""
    for path, item in items_of(body):
        if item_type(item) == "compaction" and not str(item["encrypted_content"]).startswith(GATEWAY_SEAL):
            raise unusable(
                f"{path}.encrypted_content", "This provider cannot read a compaction that was made elsewhere."
            )


def forced_tool(body: Mapping[str, Any]) -> str | None:
    """The parameter that leaves the model no choice but to call."""
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        return None if choice.get("mode") == "auto" else "tool_choice"
    return "tool_choice" if choice == "required" else None


def structure(body: Mapping[str, Any]) -> str | None:
    """The parameter that asks for structured output."""
    form = (body.get("text") or {}).get("format") or {}
    return "text.format" if form.get("type", "text") != "text" else None
