"""Conversations on the wire: what a request may say of one, and the objects that answer. PURE."""

from __future__ import annotations

from typing import Any

from shared.errors import InvalidRequest
from shared.wire import refusals
from shared.wire.fields import check_metadata
from shared.wire.input_items import check_items

MAX_ITEMS = 20  # in one request


def parse_new(body: Any) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The metadata and the first items of a new conversation; both may be left out."""
    given = _object(body)
    check_metadata(given.get("metadata"))
    return given.get("metadata") or {}, [] if given.get("items") is None else _items(given["items"])


def parse_update(body: Any) -> dict[str, str]:
    """The metadata, whole; null empties it."""
    given = _object(body)
    if "metadata" not in given:
        raise refusals.missing("metadata")
    check_metadata(given["metadata"])
    return given["metadata"] or {}


def parse_items(body: Any) -> list[dict[str, Any]]:
    given = _object(body)
    if given.get("items") is None:
        raise refusals.missing("items")
    return _items(given["items"])


def shown(conversation_id: str, created_at: float, metadata: dict[str, str]) -> dict[str, Any]:
    return {
        "id": conversation_id,
        "object": "conversation",
        "created_at": int(created_at),
        "metadata": metadata,
    }


def deleted(conversation_id: str) -> dict[str, Any]:
    return {"id": conversation_id, "object": "conversation.deleted", "deleted": True}


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise InvalidRequest("The request body must be a JSON object.", code="invalid_type")
    return body


def _items(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list):
        raise refusals.wrong_type("items", "an array", given)
    check_items(given, "items", MAX_ITEMS)
    return given
