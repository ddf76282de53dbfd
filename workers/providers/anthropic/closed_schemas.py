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
    return _Reader(schema).fits(schema, 0)


def object_schema(schema: Any) -> dict[str, Any]:
    """A tool's parameters as they must be: the schema of an object."""
    if not isinstance(schema, dict) or not schema:
        return {"type": "object", "properties": {}}
    return schema if "type" in schema else {"type": "object", **schema}


class _Reader:
    """Each reference is followed once: whoever doubles them at every step doubles no work."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._fitting: set[str] = set()
        self._within: set[str] = set()

    def fits(self, schema: Any, depth: int) -> bool:
        if not isinstance(schema, dict) or not schema.keys() <= _KEYWORDS or depth > _MAX_DEPTH:
            return False
        if "$ref" in schema:
            return self._ref_fits(schema["$ref"], depth)
        form = schema.get("format", "date")
        if not isinstance(form, str) or form not in _FORMATS:
            return False
        kinds = schema.get("type")
        if "object" in (kinds if isinstance(kinds, list) else [kinds]):
            if schema.get("additionalProperties") is not False:
                return False
        elif "properties" in schema:
            return False
        choices = schema.get("anyOf")
        inner = [*_values(schema.get("properties")), *(choices if isinstance(choices, list) else [])]
        if "items" in schema:
            inner.append(schema["items"])
        return all(self.fits(part, depth + 1) for part in inner)

    def _ref_fits(self, reference: Any, depth: int) -> bool:
        if not isinstance(reference, str) or not reference.startswith("#/") or reference in self._within:
            return False
        if reference not in self._fitting:
            self._within.add(reference)
            if not self.fits(self._target(reference), depth + 1):
                return False  # and so the whole schema does not: nobody looks any further
            self._within.discard(reference)
            self._fitting.add(reference)
        return True

    def _target(self, reference: str) -> Any:
        node: Any = self._root
        for step in reference[2:].split("/"):
            node = node.get(step) if isinstance(node, dict) else None
        return node


def _values(properties: Any) -> list[Any]:
    return list(properties.values()) if isinstance(properties, dict) else []
