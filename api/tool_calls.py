"""Tool calls and their outputs must pair up, as the official API demands (CONTRACT 1.1)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from shared.errors import InvalidRequest, excerpt
from shared.store.items import Items
from shared.wire.input_items import OUTPUT_OF

_OUTPUTS = frozenset(OUTPUT_OF.values())


def check_tool_calls(
    items: Items, tenant_id: str, values: list[dict[str, Any]], previous_response_id: str | None
) -> None:
    """Raises InvalidRequest for an output without its call, or a call without its output."""
    answered = _call_ids(values, _OUTPUTS)
    own = _call_ids(values, OUTPUT_OF)
    earlier = _finished_calls(items.outputs(tenant_id, previous_response_id)) if previous_response_id else []
    unknown = set(answered) - set(own) - set(earlier)
    if unknown and previous_response_id:
        unknown -= set(_finished_calls(items.history(previous_response_id)))
    _refuse_unpaired(answered, [*earlier, *own], unknown)


def check_conversation_calls(earlier: list[dict[str, Any]], values: list[dict[str, Any]]) -> None:
    """The same of a conversation's earlier items and the new input, which make one list."""
    together = [*earlier, *values]
    answered, calls = _call_ids(together, _OUTPUTS), _finished_calls(together)
    _refuse_unpaired(answered, calls, set(answered) - set(calls))


def _refuse_unpaired(answered: list[str], calls: list[str], unknown: set[str]) -> None:
    for call_id in answered:
        if call_id in unknown:
            raise InvalidRequest(
                f"No tool call found for function call output with call_id {excerpt(call_id)}.", param="input"
            )
    silent = set(calls).difference(answered)
    for call_id in calls:
        if call_id in silent:
            raise InvalidRequest(f"No tool output found for function call {excerpt(call_id)}.", param="input")


def _call_ids(values: list[dict[str, Any]], types: Collection[str]) -> list[str]:
    """Custom ones are not looked into: one without a `call_id` is for the upstream to refuse."""
    return [v["call_id"] for v in values if v.get("type") in types and isinstance(v.get("call_id"), str)]


def _finished_calls(values: list[dict[str, Any]]) -> list[str]:
    """One that was broken off is not sent again, and needs no answer."""
    return _call_ids([v for v in values if v.get("status") != "incomplete"], OUTPUT_OF)
