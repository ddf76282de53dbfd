"""A valid instance of a JSON schema, always the same one. PURE.

Covers what tools and structured outputs use: types, enum, const, anyOf/oneOf/allOf, local $ref,
required, lengths, bounds, a few formats. Not `pattern`.
"""

from __future__ import annotations

import math
from typing import Any

_DEEP = 8  # beyond this depth optional things are left out, so that recursive schemas end
_TOO_DEEP = 64
_FORMATS = {
    "date": "2024-05-01",
    "date-time": "2024-05-01T12:00:00Z",
    "time": "12:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "hostname": "example.com",
}


def instance(schema: Any, words: dict[str, str] | None = None) -> Any:
    """`words` gives the value of string properties by their name, where the schema leaves it free."""
    return _Maker(schema, words or {}).value(schema, "", 0)


class _Maker:
    def __init__(self, root: Any, words: dict[str, str]) -> None:
        self._root = root
        self._words = words

    def value(self, schema: Any, name: str, depth: int) -> Any:
        schema = self._resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        kind = _kind(schema, depth)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind == "string":
            return self._string(schema, name)
        return _scalar(schema, kind)

    def _resolved(self, schema: Any, depth: int) -> dict[str, Any]:
        """References, alternatives and combinations folded into one plain schema."""
        for _ in range(_TOO_DEEP):
            if not isinstance(schema, dict):
                return {}
            if isinstance(schema.get("$ref"), str):
                schema = self._target(schema["$ref"])
            elif schema.get("anyOf") or schema.get("oneOf"):
                variants = schema.get("anyOf") or schema["oneOf"]
                rest = {k: v for k, v in schema.items() if k not in ("anyOf", "oneOf")}
                schema = _merged(rest, self._chosen(variants, depth))
            elif schema.get("allOf"):
                parts = schema["allOf"]
                schema = {k: v for k, v in schema.items() if k != "allOf"}
                for part in parts:
                    schema = _merged(schema, self._resolved(part, depth))
            else:
                return schema
        return {}

    def _chosen(self, variants: list[Any], depth: int) -> Any:
        if depth > _DEEP:
            for variant in variants:
                if isinstance(variant, dict) and variant.get("type") == "null":
                    return variant
        return self._resolved(variants[0], depth)

    def _target(self, reference: str) -> Any:
        found = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            found = found.get(step) if isinstance(found, dict) else None
        return found

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        if depth > _TOO_DEEP:
            return {}
        properties = schema.get("properties") or {}
        required = schema.get("required") or []
        names = required if required or depth > _DEEP else list(properties)
        return {name: self.value(properties.get(name, {}), name, depth + 1) for name in names}

    def _array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        least = schema.get("minItems", 0)
        first = [self.value(part, name, depth + 1) for part in schema.get("prefixItems") or []]
        count = max(least, 1 if schema.get("maxItems", 1) > 0 and depth <= _DEEP else 0)
        item = schema.get("items", {})
        if item is False or depth > _TOO_DEEP:
            return first
        return first + [self.value(item, name, depth + 1) for _ in range(count - len(first))]

    def _string(self, schema: dict[str, Any], name: str) -> str:
        text = self._words.get(name) or _FORMATS.get(schema.get("format", ""), name or "text")
        text = text.ljust(schema.get("minLength", 0), "x")
        return text[: schema.get("maxLength", len(text))]


def _kind(schema: dict[str, Any], depth: int) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return "null" if depth > _DEEP and "null" in kind else str(kind[0])
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _merged(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    both = {**left, **right}
    if "properties" in left and "properties" in right:
        both["properties"] = {**left["properties"], **right["properties"]}
    if "required" in left and "required" in right:
        both["required"] = list(dict.fromkeys(left["required"] + right["required"]))
    return both


def _scalar(schema: dict[str, Any], kind: str) -> Any:
    if kind == "null":
        return None
    if kind == "boolean":
        return True
    number = _number(schema, whole=kind == "integer")
    return int(number) if kind == "integer" else number


def _number(schema: dict[str, Any], whole: bool) -> Any:
    step = schema.get("multipleOf") or (1 if whole else 0)
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if low is None and above is None:
        top = high if high is not None else (below - (step or 1) if below is not None else 1)
        return math.floor(min(1, top) / step) * step if step else min(1, top)
    floor = max(value for value in (low, above) if value is not None)
    if step:
        number = math.ceil(floor / step) * step
        return number + step if above is not None and number <= above else number
    if above is None or floor > above:
        return float(floor)
    ceiling = next((value for value in (high, below) if value is not None), floor + 2)
    return (floor + ceiling) / 2
