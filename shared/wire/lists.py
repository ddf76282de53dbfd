"""The list object, and what a query string may say. PURE.

Each reader takes every value the parameter was given, so that one given twice is refused instead
of one of them being chosen.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from shared.errors import InvalidRequest, excerpt
from shared.wire import refusals

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
MAX_SEQUENCE = 2**63 - 1  # what a store can hold
MAX_INCLUDE = 32
INCLUDABLE = frozenset(
    {
        "code_interpreter_call.outputs",
        "computer_call_output.output.image_url",
        "file_search_call.results",
        "message.input_image.image_url",
        "message.output_text.logprobs",
        "reasoning.encrypted_content",
        "web_search_call.action.sources",
        "web_search_call.results",
    }
)

# Not int(): it takes signs, blanks, underscores and other scripts' digits.
_DIGITS = re.compile(r"[0-9]{1,19}\Z")


def page(items: list[dict[str, Any]], has_more: bool) -> dict[str, Any]:
    return {
        "object": "list",
        "data": items,
        "first_id": items[0]["id"] if items else None,
        "last_id": items[-1]["id"] if items else None,
        "has_more": has_more,
    }


def parse_limit(raw: list[str]) -> int:
    given = _single("limit", raw)
    if given is None:
        return DEFAULT_LIMIT
    limit = int(given) if _DIGITS.match(given) else 0
    if not 1 <= limit <= MAX_LIMIT:
        raise _refused("limit", given, f"a whole number from 1 to {MAX_LIMIT}")
    return limit


def parse_order(raw: list[str]) -> Literal["asc", "desc"]:
    match _single("order", raw):
        case None | "desc":
            return "desc"
        case "asc":
            return "asc"
        case other:
            raise _refused("order", other, "'asc' or 'desc'")


def parse_starting_after(raw: list[str]) -> int | None:
    given = _single("starting_after", raw)
    if given is None:
        return None
    if not _DIGITS.match(given) or int(given) > MAX_SEQUENCE:
        raise _refused("starting_after", given, "a sequence number")
    return int(given)


def parse_bool(name: str, raw: list[str]) -> bool:
    """False where the parameter is absent."""
    match _single(name, raw):
        case None | "false":
            return False
        case "true":
            return True
        case other:
            raise _refused(name, other, "'true' or 'false'")


def parse_include(raw: list[str]) -> frozenset[str]:
    if len(raw) > MAX_INCLUDE:
        raise refusals.invalid("include", f"'include' must have at most {MAX_INCLUDE} values.")
    for value in raw:
        if value not in INCLUDABLE:
            raise refusals.not_one_of("include", value, sorted(INCLUDABLE))
    return frozenset(raw)


def _single(name: str, raw: list[str]) -> str | None:
    if len(raw) > 1:
        raise refusals.invalid(name, f"'{name}' is given more than once.")
    return raw[0] if raw else None


def _refused(name: str, given: str, form: str) -> InvalidRequest:
    return refusals.invalid(name, f"'{name}' must be {form}, not '{excerpt(given)}'.")
