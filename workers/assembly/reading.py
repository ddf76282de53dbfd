"""Typed looks into what an upstream sent. PURE.

Every reader gives the value in its right type or raises UpstreamError: nothing an upstream sends can
surface as a KeyError or TypeError further in.
"""

from __future__ import annotations

from typing import Any

from shared.errors import UpstreamError


def invalid(message: str) -> UpstreamError:
    return UpstreamError("upstream_invalid_response", message)


def text(source: dict[str, Any], key: str) -> str:
    value = source.get(key)
    if not isinstance(value, str):
        raise invalid(f"{key} is not a string")
    return value


def optional_text(source: dict[str, Any], key: str) -> str | None:
    value = source.get(key)
    return value if value is None or isinstance(value, str) else text(source, key)


def identity(source: dict[str, Any], key: str) -> str | None:
    """An id; null and empty ones identify nothing."""
    return optional_text(source, key) or None


def place(source: dict[str, Any], key: str) -> int | None:
    """An index, where the upstream gives one."""
    value = source.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise invalid(f"{key} is not an index")
    return value


def mapping(source: dict[str, Any], key: str) -> dict[str, Any]:
    value = source.get(key)
    if not isinstance(value, dict):
        raise invalid(f"{key} is not an object")
    return value


def optional_mapping(source: dict[str, Any], key: str) -> dict[str, Any]:
    return {} if source.get(key) is None else mapping(source, key)


def elements(source: dict[str, Any], key: str) -> list[Any]:
    """A list; absent and null are the empty one."""
    value = source.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid(f"{key} is not a list")
    return value


def typed_objects(source: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """A list of objects that each name their type."""
    found = elements(source, key)
    for element in found:
        if not isinstance(element, dict):
            raise invalid(f"{key} holds something that is not an object")
        text(element, "type")
    return found
