"""`item_reference` in an input: replaced by the item itself, out of our own store."""

from __future__ import annotations

from typing import Any

from shared.errors import InvalidRequest, excerpt
from shared.store.items import Items
from shared.wire.input_items import item_type

REFERENCE = "item_reference"


def resolve_references(
    items: Items, tenant_id: str, values: list[dict[str, Any]], *, param: str = "input"
) -> list[dict[str, Any]]:
    """Raises InvalidRequest naming the first reference to an item the caller does not have."""
    wanted = {value["id"] for value in values if item_type(value) == REFERENCE}
    if not wanted:
        return values
    known = items.by_ids(tenant_id, sorted(wanted))
    resolved = []
    for position, value in enumerate(values):
        if item_type(value) == REFERENCE:
            if value["id"] not in known:
                raise InvalidRequest(
                    f"Item with id '{excerpt(value['id'])}' not found.",
                    code="item_not_found",
                    param=f"{param}[{position}].id",
                )
            value = known[value["id"]]
        resolved.append(value)
    return resolved
