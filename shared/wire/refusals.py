"""The ways a parameter can be wrong, each as one refusal with its code and its path. PURE.

Paths are written as callers write them: `input[1].role`, `text.format.name`. What a caller sent
is repeated shortened, and never when it could be long by nature.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shared.errors import InvalidRequest, excerpt

_TYPES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    type(None): "null",
}


def missing(path: str) -> InvalidRequest:
    return InvalidRequest(f"'{path}' is required.", code="missing_required_parameter", param=path)


def wrong_type(path: str, expected: str, value: object) -> InvalidRequest:
    got = _TYPES.get(type(value), "something else")
    return InvalidRequest(f"'{path}' must be {expected}, not {got}.", code="invalid_type", param=path)


def invalid(path: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, code="invalid_value", param=path)


def not_one_of(path: str, value: object, supported: Iterable[str]) -> InvalidRequest:
    known = ", ".join(f"'{word}'" for word in supported)
    return invalid(path, f"'{excerpt(value)}' is not a value of '{path}'. Supported values: {known}.")


def malformed_id(path: str, value: object, form: str) -> InvalidRequest:
    return InvalidRequest(f"'{path}' is not {form}: '{excerpt(value)}'.", code="invalid_id", param=path)


def too_long(path: str, limit: int) -> InvalidRequest:
    return InvalidRequest(
        f"'{path}' must have at most {limit} characters.", code="string_above_max_length", param=path
    )


def too_many(path: str, limit: int) -> InvalidRequest:
    return InvalidRequest(
        f"'{path}' must have at most {limit} elements.", code="array_above_max_length", param=path
    )


def empty(path: str) -> InvalidRequest:
    return InvalidRequest(f"'{path}' must not be empty.", code="empty_array", param=path)


def out_of_range(path: str, bound: int | float, *, above: bool) -> InvalidRequest:
    kind = "decimal" if isinstance(bound, float) else "integer"
    side, word = ("above_max", "most") if above else ("below_min", "least")
    return InvalidRequest(
        f"'{path}' must be at {word} {bound:g}."
        if kind == "decimal"
        else f"'{path}' must be at {word} {bound}.",
        code=f"{kind}_{side}_value",
        param=path,
    )


def require_string(owner: Mapping[str, Any], name: str, path: str, *, limit: int | None = None) -> str:
    """A required string of an object whose path is `path`; refuses null, other types and excess."""
    value = owner.get(name)
    where = f"{path}.{name}"
    if value is None:
        raise missing(where)
    if not isinstance(value, str):
        raise wrong_type(where, "a string", value)
    if limit is not None and len(value) > limit:
        raise too_long(where, limit)
    return value


def optional_string(owner: Mapping[str, Any], name: str, path: str) -> None:
    value = owner.get(name)
    if value is not None and not isinstance(value, str):
        raise wrong_type(f"{path}.{name}", "a string", value)
