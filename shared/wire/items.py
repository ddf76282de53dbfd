"""Items in their three forms: stored, sent upstream, shown. PURE.

Stored is the caller's own input with an id and a type on every item and messages in parts, so that
it reads the same however it was sent. Ids are the caller's where they can serve, else derived from
the response's id and the place: whoever normalises again gets the same.
"""

from __future__ import annotations

import re
from typing import Any

from shared.ids import input_item_id
from shared.wire.input_items import item_type

MAX_ID = 128
ENCRYPTED_CONTENT = "reasoning.encrypted_content"

# Items whose id and status are the gateway's own words: no upstream knows them.
_OURS = frozenset(
    {"message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"}
)
_WITH_STATUS = frozenset({"message", "function_call", "function_call_output"})
_DERIVED_OF_UNKNOWN = re.compile(r"item_[0-9a-f]{48}\Z")


def normalise_input(response_id: str, input: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The stored form; ids are unique in it, but for references, whose id names another item."""
    given = [{"role": "user", "content": input}] if isinstance(input, str) else input
    taken: set[str] = set()
    kept = [_own_id(item, taken) for item in given]
    stored = []
    for position, item in enumerate(given):
        kind = item_type(item)
        identity = kept[position] or _derived_id(response_id, position, kind, len(given), taken)
        stored.append(_stored(item, kind, identity))
    return stored


def to_upstream(item: dict[str, Any]) -> dict[str, Any]:
    """A stored item as a Responses upstream takes it."""
    kind = item.get("type")
    if kind in _OURS:
        return _sent(item, dropped=("id", "status"))
    if kind == "reasoning":
        # Its encrypted content is bound to its id.
        return _sent(item, dropped=("status",))
    identity = item.get("id")
    if isinstance(identity, str) and _DERIVED_OF_UNKNOWN.match(identity):
        return {key: value for key, value in item.items() if key != "id"}
    return dict(item)


def public(item: dict[str, Any], include: frozenset[str]) -> dict[str, Any]:
    """A stored item as its caller sees it."""
    shown = dict(item)
    if item.get("type") == "reasoning":
        if ENCRYPTED_CONTENT not in include or item.get("encrypted_content") is None:
            shown.pop("encrypted_content", None)
    elif item.get("type") == "message" and item.get("phase", "") is None:
        del shown["phase"]
    return shown


def _own_id(item: dict[str, Any], taken: set[str]) -> str | None:
    """The caller's own id of an item if it can serve; takes it."""
    identity = item.get("id")
    if item_type(item) == "item_reference":
        return str(identity)
    if not isinstance(identity, str) or not 0 < len(identity) <= MAX_ID or identity in taken:
        return None
    taken.add(identity)
    return identity


def _derived_id(response_id: str, position: int, kind: str, count: int, taken: set[str]) -> str:
    # A caller can send back an id once derived for this very place; the next free one is beyond the list.
    place = position
    while (identity := input_item_id(response_id, place, kind)) in taken:
        place += count
    taken.add(identity)
    return identity


def _stored(item: dict[str, Any], kind: str, identity: str) -> dict[str, Any]:
    stored = {**item, "id": identity, "type": kind}
    if kind in _WITH_STATUS and item.get("status") is None:
        stored["status"] = "completed"
    if kind not in _WITH_STATUS and item.get("status", "") is None:
        del stored["status"]
    if kind == "message":
        stored["content"] = _parts(item["content"], assistant=item.get("role") == "assistant")
    first = {"id": identity, "type": kind}
    return {**first, **stored}


def _parts(content: str | list[dict[str, Any]], *, assistant: bool) -> list[dict[str, Any]]:
    if isinstance(content, list):
        return [_part(part) for part in content]
    if assistant:
        return [{"type": "output_text", "text": content, "annotations": [], "logprobs": []}]
    return [{"type": "input_text", "text": content}]


def _part(part: dict[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    if kind == "output_text":
        lists = {name: part.get(name) or [] for name in ("annotations", "logprobs")}
        return {**part, **lists}
    if kind == "input_image" and part.get("detail") is None:
        return {**part, "detail": "auto"}
    return part


def _sent(item: dict[str, Any], *, dropped: tuple[str, ...]) -> dict[str, Any]:
    sent = {key: value for key, value in item.items() if value is not None and key not in dropped}
    content = sent.get("content")
    if item.get("type") == "message" and isinstance(content, list):
        sent["content"] = [_sent_part(part) for part in content]
    return sent


def _sent_part(part: dict[str, Any]) -> dict[str, Any]:
    sent = {key: value for key, value in part.items() if value is not None}
    if sent.get("type") == "output_text":
        # Nobody reads probabilities of text that is already there.
        sent.pop("logprobs", None)
        sent.setdefault("annotations", [])
    return sent
