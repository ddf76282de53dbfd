"""Identifiers: prefix + hex. PURE.

Ids of responses and conversations are random (192 bits); ids of items are derived from the
response's id and the item's place, so that whoever assembles the same response again writes the
same bytes.
"""

from __future__ import annotations

import hashlib
import re
import secrets

_ITEM_PREFIX = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "reasoning": "rs",
    "compaction": "cmp",
}
_RESPONSE_ID = re.compile(r"resp_[A-Za-z0-9_-]{1,128}\Z")
_CONVERSATION_ID = re.compile(r"conv_[A-Za-z0-9_-]{1,128}\Z")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def new_response_id() -> str:
    return "resp_" + secrets.token_hex(24)


def new_conversation_id() -> str:
    return "conv_" + secrets.token_hex(24)


def new_item_id(item_type: str) -> str:
    """For an item that is no part of a response."""
    return _prefixed(item_type, secrets.token_hex(24))


def new_request_id() -> str:
    return "req_" + secrets.token_hex(16)


def new_key_id() -> str:
    return "key_" + secrets.token_hex(8)


def new_key() -> str:
    """An API key: 256 random bits, shown once, never stored."""
    return "sk-rsp-" + secrets.token_urlsafe(32)


def output_item_id(response_id: str, output_index: int, item_type: str) -> str:
    return _derived(item_type, f"{response_id}/output/{output_index}")


def input_item_id(response_id: str, position: int, item_type: str) -> str:
    return _derived(item_type, f"{response_id}/input/{position}")


def call_id(response_id: str, output_index: int) -> str:
    """A tool call's `call_id` where the upstream sent none."""
    return "call_" + hashlib.sha256(f"{response_id}/call/{output_index}".encode()).hexdigest()[:32]


def is_response_id(value: str) -> bool:
    return _RESPONSE_ID.match(value) is not None


def is_conversation_id(value: str) -> bool:
    return _CONVERSATION_ID.match(value) is not None


def is_request_id(value: str) -> bool:
    """Whether a client's X-Request-Id may be kept (RELIABILITY B78)."""
    return _REQUEST_ID.match(value) is not None


def _derived(item_type: str, place: str) -> str:
    return _prefixed(item_type, hashlib.sha256(place.encode()).hexdigest()[:48])


def _prefixed(item_type: str, digits: str) -> str:
    return f"{_ITEM_PREFIX.get(item_type, 'item')}_{digits}"
