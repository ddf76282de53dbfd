"""JSON in and out, stricter than any parser alone. PURE.

`loads` refuses, with the codes of the API, what two readers could read differently (a key given
twice, integers beyond 64 bits, lone surrogates) and what could hurt us (depth, masses of nodes).
Integers outside -2^63 .. 2^64-1 are refused anywhere in the document rather than rounded: nothing
we keep or forward differs from what was sent. Cost is linear in the body, in C where it matters.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import orjson

from shared.errors import InvalidRequest, excerpt

MAX_DEPTH = 64
# Counted as commas plus opening brackets: at least the number of values, and an empty container
# counts twice. 100,000 ordinary input items are about 700,000; 3 MB of `{}` about 2,000,000.
MAX_NODES = 1_000_000

_BOM = b"\xef\xbb\xbf"
# A string, or what is left of the body where its closing quote is missing: it always matches once
# begun, so no quote is looked at twice.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NUL_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NUMBER = re.compile(rb"-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
_DIGITS_TO_0 = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_NINETEEN_DIGITS = b"0" * 19  # the shortest run that can leave 64 bits
_BRACES_TO_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def loads(body: bytes) -> Any:
    """The parsed document; raises InvalidRequest (400) with the code of what is wrong."""
    if body.startswith(_BOM) or b"\0" in body[:4]:
        raise InvalidRequest(
            "The request body must be UTF-8 without a byte order mark.", code="invalid_encoding"
        )
    _refuse_bulk(body)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        _explain(body, error)
    _refuse_wide_integers(body)
    _refuse_duplicate_keys(body, value)
    if b"\\u0000" in body and _NUL_ESCAPE.search(body):
        raise InvalidRequest("Strings must not contain U+0000.", code="invalid_unicode")
    return value


def dumps(value: Any) -> bytes:
    """Compact UTF-8 JSON."""
    return orjson.dumps(value)


def _refuse_bulk(body: bytes) -> None:
    """Depth and nodes, before any parser recurses or allocates."""
    opens = body.count(b"[") + body.count(b"{")
    if opens <= MAX_DEPTH and opens + body.count(b",") <= MAX_NODES:
        return
    bare = _without_strings(body)
    opens = bare.count(b"[") + bare.count(b"{")
    if opens + bare.count(b",") > MAX_NODES:
        raise InvalidRequest(
            f"The request body has more than {MAX_NODES} JSON values.", code="json_too_many_nodes"
        )
    if bare.count(b"]") + bare.count(b"}") > opens:
        raise InvalidRequest(
            "The request body is not valid JSON: its brackets do not match.", code="invalid_json"
        )
    if _is_deep(bare):
        raise InvalidRequest(f"The request body is nested deeper than {MAX_DEPTH}.", code="json_too_deep")


def _is_deep(bare: bytes) -> bool:
    nesting = bare.translate(_BRACES_TO_BRACKETS, _NOT_BRACKETS)
    # Each round takes off exactly the innermost layer, so a legal document is gone in MAX_DEPTH.
    for _ in range(MAX_DEPTH):
        shorter = nesting.replace(b"[]", b"")
        if len(shorter) == len(nesting):
            break
        nesting = shorter
    # A pair still there held MAX_DEPTH layers; without any, what is left is `]]]…[[[`.
    return b"[]" in nesting or nesting.count(b"[") > MAX_DEPTH


def _without_strings(body: bytes) -> bytes:
    return _STRING.sub(b'""', body)


def _refuse_wide_integers(body: bytes) -> None:
    if _NINETEEN_DIGITS not in body.translate(_DIGITS_TO_0):
        return
    for token in _NUMBER.findall(_without_strings(body)):
        if len(token) >= 19 and token.lstrip(b"-").isdigit():
            _refuse_wide(token)


def _refuse_wide(token: bytes) -> None:
    # The length first: int() of thousands of digits is what we are here to avoid.
    if len(token) > 20 or not -(2**63) <= int(token) < 2**64:
        raise InvalidRequest(
            "The request body contains an integer that does not fit 64 bits.", code="invalid_number"
        )


def _refuse_duplicate_keys(body: bytes, value: Any) -> None:
    """The parser keeps the last of two equal keys; written out again, a colon is then missing.

    Every other colon comes back as it went in, but for one spelled as an escape.
    """
    escaped_colon = b"\\u003a" in body or b"\\u003A" in body
    if not escaped_colon and orjson.dumps(value).count(b":") == body.count(b":"):
        return
    json.loads(body, object_pairs_hook=_refuse_duplicates)


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise InvalidRequest(
                f"The key '{excerpt(key)}' is given twice in one object.", code="duplicate_key"
            )
        seen.add(key)


def _explain(body: bytes, error: orjson.JSONDecodeError) -> NoReturn:
    """Which of the refusals a body is that the parser refused."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("The request body is not valid UTF-8.", code="invalid_encoding") from None
    overflow: list[str] = []

    def number(token: str) -> float:
        if math.isinf(float(token)):
            overflow.append(token)
        return 0.0

    try:
        # The depth is known to be small, so this parser's recursion is safe.
        json.loads(text, parse_float=number, parse_int=number, parse_constant=_refuse_constant)
    except ValueError:
        detail = "it is empty" if not text.strip() else str(error)
        raise InvalidRequest(f"The request body is not valid JSON: {detail}.", code="invalid_json") from None
    if overflow:
        raise InvalidRequest("The request body contains a number too large to hold.", code="invalid_number")
    raise InvalidRequest("Strings must not contain lone surrogates.", code="invalid_unicode")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
