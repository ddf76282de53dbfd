"""The last word of an upstream: its final output beside what was streamed, and its error. PURE.

What was never streamed is said now, as a whole sequence; what was left open is closed; what only the
final object knows is taken over where it does not contradict the deltas.
"""

from __future__ import annotations

from typing import Any

from shared.wire.response import ERROR_CODES
from workers.assembly.addressing import Addresses
from workers.assembly.items import Item
from workers.assembly.reading import identity, optional_text
from workers.assembly.transcript import Transcript

STATUSES = frozenset({"completed", "incomplete", "failed", "cancelled"})
MAX_ERROR_TEXT = 2000

_SETTLED = frozenset({"completed", "incomplete"})


def ending_status(event_type: str | None, response: dict[str, Any]) -> str | None:
    """How the upstream says it ended; completed only if nothing it says contradicts that."""
    said = response.get("status")
    if event_type is None:
        return said if isinstance(said, str) else None
    status = event_type.removeprefix("response.")
    if status == "completed" and isinstance(said, str) and said in STATUSES:
        return said
    return status


def settle_output(
    transcript: Transcript, addresses: Addresses, output: list[dict[str, Any]], status: str
) -> None:
    streamed = {item.index: item for item in transcript.items}
    placed = {addresses.named(position, None, body["type"]) for position, body in enumerate(output)}
    for position, body in enumerate(output):
        item = _named(streamed, addresses, position, body) or _likely(streamed, placed, body)
        if item is None:
            item = addresses.open(body["type"], body, None, None)
        streamed.pop(item.index, None)
        transcript.settle_item(item, body)
        last = position == len(output) - 1
        transcript.close_item(item, _closing(status, optional_text(body, "status"), last=last))
    leftover = list(transcript.open.values())
    for item in leftover:
        last = not output and item is leftover[-1]
        transcript.close_item(item, _closing(status, None, last=last))


def error_said(response: dict[str, Any]) -> tuple[str | None, str]:
    """The upstream's error code, and its words; a code that cannot be ours stands in the words."""
    error = response.get("error")
    if isinstance(error, str):
        return None, error[:MAX_ERROR_TEXT]
    source = error if isinstance(error, dict) else {}
    code, message = source.get("code"), source.get("message")
    words = message[:MAX_ERROR_TEXT] if isinstance(message, str) and message else "no details were given"
    if not isinstance(code, str) or not code:
        return None, words
    return code, words if code in ERROR_CODES else f"{words} ({code[:64]})"


def _closing(status: str, said: str | None, *, last: bool) -> str:
    if said in _SETTLED:
        return str(said)
    if status == "completed" or (status == "incomplete" and not last):
        return "completed"
    return "incomplete"


def _named(
    streamed: dict[int, Item], addresses: Addresses, position: int, body: dict[str, Any]
) -> Item | None:
    """The streamed item that the upstream called as it calls this one, of those not yet matched."""
    item_type, call_id = body["type"], identity(body, "call_id")
    for item in streamed.values() if call_id else ():
        if item.type == item_type and item.call_id == call_id:
            return item
    for named in (
        addresses.named(None, identity(body, "id"), item_type),
        addresses.named(position, None, item_type),
    ):
        if named and named.index in streamed:
            return named
    return None


def _likely(streamed: dict[int, Item], placed: set[Item | None], body: dict[str, Any]) -> Item | None:
    """The first streamed item that this one may be and that stands nowhere else in the output."""
    for item in streamed.values():
        unnamed = not (item.own and identity(body, "call_id"))
        if item.type == body["type"] and unnamed and item not in placed:
            return item
    return None
