"""The list object, and what a query string may say. PURE.

Each reader takes every value the parameter was given, so that one given twice is refused instead
of one of them being chosen.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import orjson

from shared.errors import InvalidRequest, excerpt
from shared.ids import is_response_id
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


def page_of_json(items: list[tuple[str, bytes]], has_more: bool) -> bytes:
    """The same list of objects that are JSON already, each with its id."""
    frame = page([{"id": identity} for identity, _ in items], has_more)
    return orjson.dumps({**frame, "data": [orjson.Fragment(data) for _, data in items]})


def parse_limit(raw: list[str]) -> int:
    given = single("limit", raw)
    if given is None:
        return DEFAULT_LIMIT
    limit = int(given) if _DIGITS.match(given) else 0
    if not 1 <= limit <= MAX_LIMIT:
        raise refused("limit", given, f"a whole number from 1 to {MAX_LIMIT}")
    return limit


def parse_order(raw: list[str]) -> Literal["asc", "desc"]:
    match single("order", raw):
        case None | "desc":
            return "desc"
        case "asc":
            return "asc"
        case other:
            raise refused("order", other, "'asc' or 'desc'")


def parse_after(raw: list[str]) -> str | None:
    """The cursor of a list of responses: one of their ids."""
    given = single("after", raw)
    if given is not None and not is_response_id(given):
        raise refused("after", given, "the id of a response in this list")
    return given


def parse_item_after(raw: list[str]) -> str | None:
    """The cursor of a list of items, whose ids callers may have chosen: any but what no id can hold."""
    given = single("after", raw)
    if given is not None and "\0" in given:
        raise refused("after", given, "the id of an item in this list")
    return given


def parse_starting_after(raw: list[str]) -> int | None:
    given = single("starting_after", raw)
    if given is None:
        return None
    if not _DIGITS.match(given) or int(given) > MAX_SEQUENCE:
        raise refused("starting_after", given, "a sequence number")
    return int(given)


def parse_bool(name: str, raw: list[str]) -> bool:
    """False where the parameter is absent."""
    match single(name, raw):
        case None | "false":
            return False
        case "true":
            return True
        case other:
            raise refused(name, other, "'true' or 'false'")


def parse_include(raw: list[str]) -> frozenset[str]:
    if len(raw) > MAX_INCLUDE:
        raise refusals.invalid("include", f"'include' must have at most {MAX_INCLUDE} values.")
    for value in raw:
        if value not in INCLUDABLE:
            raise refusals.not_one_of("include", value, sorted(INCLUDABLE))
    return frozenset(raw)


def single(name: str, raw: list[str]) -> str | None:
    if len(raw) > 1:
        raise refusals.invalid(name, f"'{name}' is given more than once.")
    return raw[0] if raw else None


def refused(name: str, given: str, form: str) -> InvalidRequest:
    return refusals.invalid(name, f"'{name}' must be {form}, not '{excerpt(given)}'.")
