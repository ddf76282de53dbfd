"""The Response object as JSON: the stored bytes where they can serve, else built from the row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from shared.store.rows import Stored
from shared.wire.items import ENCRYPTED_CONTENT
from shared.wire.response import snapshot


def object_json(stored: Stored) -> bytes:
    """The Response object as it is now."""
    if stored.result is not None:
        return stored.result
    row = stored.row
    return orjson.dumps(
        snapshot(row.shown(stored.envelope), response_id=row.id, created_at=row.created_at, status=row.status)
    )


def with_included(
    stored: Stored, include: frozenset[str], outputs: Callable[[], list[dict[str, Any]]]
) -> bytes:
    """The same, with what the create did not ask to see. `outputs`: the stored items, private parts too."""
    shown = object_json(stored)
    if ENCRYPTED_CONTENT not in include or stored.result is None:
        return shown
    response = orjson.loads(shown)
    hidden = [item for item in response["output"] if _hides_content(item)]
    if not hidden:
        return shown
    sealed = {item["id"]: item.get("encrypted_content") for item in outputs()}
    for item in hidden:
        if sealed.get(item["id"]) is not None:
            item["encrypted_content"] = sealed[item["id"]]
    return orjson.dumps(response)


def _hides_content(item: dict[str, Any]) -> bool:
    return item.get("type") == "reasoning" and item.get("encrypted_content") is None
