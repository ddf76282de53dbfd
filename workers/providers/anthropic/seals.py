"""Thinking as it is carried in a reasoning item's `encrypted_content`, and taken out again. PURE.

A thinking block goes back to its maker word for word, with its signature: what the summary shows is not
relied on, since clients may trim it.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

PREFIX = "anthropic:v1:"
# What a block consists of, by its type; anything else in it is not sent back.
_KEYS = {"thinking": ("thinking", "signature"), "redacted_thinking": ("data",)}


def sealed(block: dict[str, Any]) -> str | None:
    """None where the block is not whole: one without its signature would be refused with all the rest."""
    keys = _KEYS[block["type"]]
    kept = {key: block.get(key) for key in keys}
    if not all(isinstance(value, str) for value in kept.values()) or not kept[keys[-1]]:
        return None
    return PREFIX + base64.b64encode(orjson.dumps({"type": block["type"], **kept})).decode()


def opened(content: Any) -> dict[str, Any] | None:
    """The block; None where it is not of this form."""
    if not isinstance(content, str) or not content.startswith(PREFIX):
        return None
    try:
        block = orjson.loads(base64.b64decode(content.removeprefix(PREFIX), validate=True))
    except (binascii.Error, ValueError):
        return None
    if not isinstance(block, dict) or block.get("type") not in _KEYS:
        return None
    kept = {key: block.get(key) for key in _KEYS[block["type"]]}
    if not all(isinstance(value, str) for value in kept.values()):
        return None
    return {"type": block["type"], **kept}
