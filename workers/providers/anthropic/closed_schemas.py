"""Which JSON schemas a model of this dialect can be held to. PURE.

Its grammar knows a part of JSON Schema: every object is closed, nothing is counted or measured, nothing
contains itself. A schema beyond that is still good as a tool's description, which is followed freely.
"""

from __future__ import annotations

from typing import Any

_KEYWORDS = frozenset(
    (
        *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf"),
        *("description", "title", "default", "$ref", "$defs", "definitions", "format"),
    )
)
_FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
)
_MAX_DEPTH = 64


def is_closed(schema: dict[str, Any]) -> bool:
    return _fits(schema, schema, ())


def object_schema(schema: Any) -> dict[str, Any]:
    """A tool's parameters as they must be: the schema of an object."""
    if not isinstance(schema, dict) or not schema:
        return {"type": "object", "properties": {}}
    return schema if "type" in schema else {"type": "object", **schema}


def _fits(schema: Any, root: dict[str, Any], within: tuple[str, ...]) -> bool:
    if not isinstance(schema, dict) or not schema.keys() <= _KEYWORDS or len(within) > _MAX_DEPTH:
        return False
    if "$ref" in schema:
        return _ref_fits(schema["$ref"], root, within)
    if schema.get("format", "date") not in _FORMATS:
        return False
    kinds = schema.get("type")
    if "object" in (kinds if isinstance(kinds, list) else [kinds]):
        if schema.get("additionalProperties") is not False:
            return False
    elif "properties" in schema:
        return False
    inner = [*_values(schema.get("properties")), *(schema.get("anyOf") or [])]
    if "items" in schema:
        inner.append(schema["items"])
    return all(_fits(part, root, (*within, "")) for part in inner)


def _ref_fits(reference: Any, root: dict[str, Any], within: tuple[str, ...]) -> bool:
    if not isinstance(reference, str) or not reference.startswith("#/") or reference in within:
        return False
    node: Any = root
    for step in reference[2:].split("/"):
        node = node.get(step) if isinstance(node, dict) else None
    return _fits(node, root, (*within, reference))


def _values(properties: Any) -> list[Any]:
    return list(properties.values()) if isinstance(properties, dict) else []
