"""What is sent upstream: our own state expanded to the full list of items.

A chain may have changed its provider on the way: what only another one can read is left out, and what
one called so that the next would refuse the name is called otherwise, the same in every turn.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from shared.catalog import Provider
from shared.errors import UpstreamError
from shared.store.items import Items
from shared.store.rows import Claim
from shared.wire.items import to_upstream
from shared.wire.makers import is_foreign, unsigned
from workers.compaction import expanded
from workers.sealed_content import Sealer

# What a `call_id` may be where another dialect's servers made it: as strict as each is known to be.
_CALL_IDS = {
    "responses": re.compile(r".{1,64}\Z", re.DOTALL),
    "chat_completions": re.compile(r".{1,40}\Z", re.DOTALL),
    "messages": re.compile(r"[A-Za-z0-9_-]{1,64}\Z"),
}
_OWN_COMPACTION = re.compile(r"cmp_[0-9a-f]{48}\Z")


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who a transcript is for: as it signs, and what it speaks."""

    maker: str
    dialect: str = "responses"

    @classmethod
    def of(cls, account: Provider) -> Addressee:
        return cls(account.maker, account.dialect)


def transcript(
    items: Items, claim: Claim, sealer: Sealer, addressee: Addressee
) -> list[dict[str, Any]] | str:
    """All earlier turns, of a chain or a conversation, oldest first, then the caller's own input.

    Without earlier turns a string stays the string it was. Raises UpstreamError where the addressee
    cannot be told what an earlier turn was compacted to.
    """
    own = claim.request.get("input")
    earlier = items.said_before(claim.row)
    if not earlier and not isinstance(own, list):
        return own or []
    said = expanded([*earlier, *_as_items(own)], sealer, claim.row.tenant_id)
    return [_renamed(item, addressee) for item in _sendable(said, addressee)]


def latest(claim: Claim, sealer: Sealer, addressee: Addressee) -> list[dict[str, Any]]:
    """The caller's own input alone, for an upstream that has the turns before it."""
    own = expanded(_as_items(claim.request.get("input")), sealer, claim.row.tenant_id)
    return _sendable(own, addressee)


def _as_items(own: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": own}] if isinstance(own, str) else own or []


def _sendable(items: list[dict[str, Any]], addressee: Addressee) -> list[dict[str, Any]]:
    readable = [unsigned(item) for item in items if _is_readable(item, addressee)]
    return [to_upstream(item) for item in readable if _is_of_use(item)]


def _is_readable(item: dict[str, Any], addressee: Addressee) -> bool:
    if not is_foreign(item, addressee.maker):
        return True
    if item["type"] == "compaction" and not _OWN_COMPACTION.match(str(item.get("id"))):
        # not made within the chain, where what it stands for comes before it
        raise _unreadable()
    return False


def _is_of_use(item: dict[str, Any]) -> bool:
    """Reasoning that was not sealed means nothing to an upstream that stores nothing; a call that was
    broken off has no output and cannot get one."""
    if item.get("type") in ("function_call", "custom_tool_call"):
        return item.get("status") != "incomplete"
    if item.get("type") != "reasoning":
        return True
    return bool(item.get("encrypted_content") or item.get("content"))


def _renamed(item: dict[str, Any], addressee: Addressee) -> dict[str, Any]:
    call_id = item.get("call_id")
    if not isinstance(call_id, str) or _CALL_IDS[addressee.dialect].match(call_id):
        return item
    return {**item, "call_id": "call_" + hashlib.sha256(call_id.encode()).hexdigest()[:32]}


def _unreadable() -> UpstreamError:
    message = "An earlier turn was compacted by another provider, which alone can read it."
    refusal = {
        "status": 400,
        "upstream_status": 400,
        "type": "invalid_request_error",
        "code": "unsupported_value",
        "param": "previous_response_id",
        "message": message,
        "retry_after": None,
    }
    return UpstreamError("compaction_unreadable", message, refusal=refusal)
