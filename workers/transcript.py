"""What is sent upstream: our own state expanded to the full list of items."""

from __future__ import annotations

from typing import Any

from shared.store.items import Items
from shared.store.rows import Claim
from shared.wire.items import to_upstream
from workers.compaction import expanded
from workers.sealed_content import Sealer


def transcript(items: Items, claim: Claim, sealer: Sealer) -> list[dict[str, Any]] | str:
    """All earlier turns, of a chain or a conversation, oldest first, then the caller's own input.

    Without earlier turns a string stays the string it was.
    """
    own = claim.request.get("input")
    earlier = items.said_before(claim.row)
    if not earlier and not isinstance(own, list):
        return own or []
    if isinstance(own, str):
        own = [{"role": "user", "content": own}]
    items_said = expanded([*earlier, *(own or [])], sealer, claim.row.tenant_id)
    return [to_upstream(item) for item in items_said if _is_sendable(item)]


def _is_sendable(item: dict[str, Any]) -> bool:
    """Reasoning that was not sealed means nothing to an upstream that stores nothing; a call that was
    broken off has no output and cannot get one."""
    if item.get("type") in ("function_call", "custom_tool_call"):
        return item.get("status") != "incomplete"
    if item.get("type") != "reasoning":
        return True
    return bool(item.get("encrypted_content") or item.get("content"))
