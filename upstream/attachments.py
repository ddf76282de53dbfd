"""Images and files of a message, in whatever dialect they were sent, told in the same words. PURE.

The model's answer names them, so that a test can see that a picture came through whole.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from upstream.refusals import Refusal


def told(content: Any) -> str:
    """A sentence about every image and file of a message's content; empty where there is none."""
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    found = [about for part in parts if (about := _about(part))]
    return f"You showed {' and '.join(found)}. " if found else ""


def _about(part: dict[str, Any]) -> str | None:
    kind = part.get("type")
    if kind == "input_image":
        return "an image of " + _where(part.get("image_url") or part.get("file_id"))
    if kind == "image_url":
        return "an image of " + _where((part.get("image_url") or {}).get("url"))
    if kind in ("input_file", "file"):
        held = part if kind == "input_file" else part.get("file") or {}
        return "a file of " + _where(held.get("file_data") or held.get("file_url") or held.get("file_id"))
    if kind in ("image", "document"):
        name = "an image" if kind == "image" else "a file"
        return f"{name} of {_source(part.get('source') or {})}"
    return None


def _where(value: Any) -> str:
    """A data URL by what it holds, anything else as it is."""
    if not isinstance(value, str) or not value:
        raise Refusal(400, "An image or file without a URL, data or id.", code="invalid_value")
    if not value.startswith("data:"):
        return value
    head, _, data = value.removeprefix("data:").partition(",")
    media_type, *flags = head.split(";")
    if "base64" not in flags:
        raise Refusal(400, "A data URL must hold base64.", code="invalid_value")
    return _held(media_type, data)


def _source(source: dict[str, Any]) -> str:
    kind = source.get("type")
    if kind == "base64":
        return _held(str(source.get("media_type")), str(source.get("data")))
    if kind == "text":
        return f"{source.get('media_type')}, {len(str(source.get('data')).encode())} bytes"
    where = source.get("url" if kind == "url" else "file_id")
    if not isinstance(where, str):
        raise Refusal(400, f"source: no {kind or 'type'} that this server knows")
    return where


def _held(media_type: str, data: str) -> str:
    try:
        size = len(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        raise Refusal(400, "The data of an image or file is not base64.", code="invalid_value") from None
    return f"{media_type}, {size} bytes"
