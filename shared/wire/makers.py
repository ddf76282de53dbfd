"""Who made what only its maker can read again: sealed reasoning and compactions. PURE.

The maker (an account) stands before the sealed content, wherever that goes: stored, shown to clients
that ask for it, and back in their own input. It is taken off before the content goes upstream. So a
chain may change its provider, whoever keeps its items.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from shared.errors import InvalidRequest, excerpt

GATEWAY_SEAL = "rsp1."  # of what this gateway sealed itself: anybody's, once it is opened
_SIGN = "rsm1:"  # then the maker, a colon, and the content as it came: none where nothing was sealed
_SEALED = frozenset({"reasoning", "compaction"})
_MARK_LENGTH = 12
_MARKED_ID = re.compile(rf"rs_m([0-9a-f]{{{_MARK_LENGTH}}})[0-9a-f]{{{47 - _MARK_LENGTH}}}\Z")


def signed(sealed: str, maker: str) -> str:
    return f"{_SIGN}{maker}:{sealed}"


def signed_item(item: dict[str, Any], maker: str) -> dict[str, Any]:
    """An item as its maker gave it, with its content signed."""
    sealed = item.get("encrypted_content")
    if item.get("type") not in _SEALED or not isinstance(sealed, str) or sealed.startswith(GATEWAY_SEAL):
        return item
    return {**item, "encrypted_content": signed(sealed, maker)}


def signed_event(event: dict[str, Any], maker: str) -> dict[str, Any]:
    """An upstream's event, or its bare Response, with the items in it signed; as it is for no maker."""
    if not maker or not ("item" in event or "response" in event or "output" in event):
        return event
    item, response, output = event.get("item"), event.get("response"), event.get("output")
    if isinstance(item, dict):
        return {**event, "item": signed_item(item, maker)}
    if isinstance(response, dict) and response.get("output"):
        return {**event, "response": signed_event(response, maker)}
    if isinstance(output, list):
        return {**event, "output": [signed_item(i, maker) if isinstance(i, dict) else i for i in output]}
    return event


def marked_id(identity: str, maker: str) -> str:
    """An id of our own for reasoning: it tells its maker even where the content is not shown."""
    return f"rs_m{_mark(maker)}{identity.removeprefix('rs_')[: 47 - _MARK_LENGTH]}"


def is_foreign(item: Mapping[str, Any], maker: str) -> bool:
    """Whether another one made it. What carries no sign came from somewhere else, and may be anybody's."""
    if item.get("type") not in _SEALED:
        return False
    made_by = _maker(item)
    if made_by is not None:
        return made_by != maker
    mark = _MARKED_ID.match(item["id"]) if isinstance(item.get("id"), str) else None
    return mark is not None and mark.group(1) != _mark(maker)


def last_maker(items: Any) -> str | None:
    """Who made the newest of a caller's own items that only its maker can read."""
    for item in reversed(items if isinstance(items, list) else []):
        maker = _maker(item)
        if maker is not None and unsigned(item).get("encrypted_content"):
            return maker
    return None


def unsigned(item: dict[str, Any]) -> dict[str, Any]:
    """An item as its maker gave it."""
    if _maker(item) is None:
        return item
    sealed = item["encrypted_content"].split(":", 2)[2]
    plain = {key: value for key, value in item.items() if key != "encrypted_content"}
    return {**plain, "encrypted_content": sealed} if sealed else plain


def check_compactions(body: Mapping[str, Any], maker: str) -> None:
    """Raises InvalidRequest for a compaction of another maker: left out, what it stands for would be lost."""
    given = body.get("input")
    for index, item in enumerate(given if isinstance(given, list) else []):
        if item.get("type") == "compaction" and is_foreign(item, maker):
            raise InvalidRequest(
                f"This compaction can be read by provider '{excerpt(str(_maker(item)))}' only.",
                code="unsupported_value",
                param=f"input[{index}].encrypted_content",
            )


def _maker(item: Mapping[str, Any]) -> str | None:
    sealed = item.get("encrypted_content")
    if item.get("type") not in _SEALED or not isinstance(sealed, str) or not sealed.startswith(_SIGN):
        return None
    maker, colon, _ = sealed.removeprefix(_SIGN).partition(":")
    return maker if maker and colon else None


def _mark(maker: str) -> str:
    return hashlib.sha256(maker.encode()).hexdigest()[:_MARK_LENGTH]
