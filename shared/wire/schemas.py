"""What a caller's JSON schema must not be. PURE.

Schemas are forwarded as they are and judged by the upstream; refused here is only what could not
be meant: one of half a megabyte, or references that lead in a circle without ever reaching a schema.
"""

from __future__ import annotations

from typing import Any

import orjson

MAX_BYTES = 512 * 1024


def fault_of(schema: dict[str, Any]) -> str | None:
    """Why this schema is refused, as the end of a sentence about it; None if it is not."""
    encoded = orjson.dumps(schema)
    if len(encoded) > MAX_BYTES:
        return f"is larger than {MAX_BYTES} bytes"
    if b'"$ref"' in encoded and _has_empty_loop(schema):
        return "has a $ref that leads back to itself"
    return None


def _has_empty_loop(schema: dict[str, Any]) -> bool:
    """A recursive schema goes through a property or an array; a loop of bare references goes nowhere."""
    settled: set[str] = set()
    for reference in _references(schema):
        trail: set[str] = set()
        current: str | None = reference
        while current is not None and current not in settled:
            if current in trail:
                return True
            trail.add(current)
            target = _resolve(schema, current)
            following = target.get("$ref") if isinstance(target, dict) else None
            current = following if isinstance(following, str) else None
        settled |= trail
    return False


def _references(schema: dict[str, Any]) -> list[str]:
    found: list[str] = []
    pending: list[Any] = [schema]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                found.append(reference)
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
    return found


def _resolve(schema: dict[str, Any], reference: str) -> Any:
    """What a reference within the document points to; None for any other."""
    if reference == "#":
        return schema
    if not reference.startswith("#/"):
        return None
    node: Any = schema
    for step in reference[2:].split("/"):
        if not isinstance(node, dict):
            return None
        node = node.get(step.replace("~1", "/").replace("~0", "~"))
    return node
