"""Tool calls and their outputs must pair up, as the official API demands (CONTRACT 1.1)."""

from __future__ import annotations

from typing import Any

from shared.errors import InvalidRequest, excerpt
from shared.store.items import Items

OUTPUT_OF = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}
_OUTPUTS = frozenset(OUTPUT_OF.values())


def check_tool_calls(
    items: Items, tenant_id: str, values: list[dict[str, Any]], previous_response_id: str | None
) -> None:
    """Raises InvalidRequest for an output without its call, or a call without its output."""
    answered = [v["call_id"] for v in values if v.get("type") in _OUTPUTS]
    own = [v["call_id"] for v in values if v.get("type") in OUTPUT_OF and "call_id" in v]
    earlier = _calls_of(items.outputs(tenant_id, previous_response_id)) if previous_response_id else []
    unknown = set(answered) - set(own) - set(earlier)
    if unknown and previous_response_id:
        unknown -= set(_calls_of(items.history(previous_response_id)))
    for call_id in answered:
        if call_id in unknown:
            raise InvalidRequest(
                f"No tool call found for function call output with call_id {excerpt(call_id)}.", param="input"
            )
    for call_id in [*earlier, *own]:
        if call_id not in answered:
            raise InvalidRequest(f"No tool output found for function call {excerpt(call_id)}.", param="input")


def _calls_of(values: list[dict[str, Any]]) -> list[str]:
    """Calls that were finished: one that was broken off is not sent again, and needs no answer."""
    return [v["call_id"] for v in values if v.get("type") in OUTPUT_OF and v.get("status") != "incomplete"]
