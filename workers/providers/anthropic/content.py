"""Content parts as blocks: texts, images, documents. PURE.

Blank texts are left out, since they are refused. What a part of an earlier turn holds that has no word
here (another provider's file id, a sound) is replaced by a note, so that the model knows of the gap.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from shared.catalog.dialects import attachments
from shared.wire.input_items import PART_TEXT

Block = dict[str, Any]


def blocks(content: Any) -> list[Block]:
    """Of a message's content, or of a call's output."""
    if isinstance(content, str):
        return _text(content)
    made: list[Block] = []
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict):
            made += _block(part)
    return made


def _block(part: dict[str, Any]) -> list[Block]:
    kind = part.get("type")
    if kind in PART_TEXT:
        return _text(part.get(PART_TEXT[kind]))
    if kind == "input_image" and part.get("image_url"):
        return [{"type": "image", "source": _image(str(part["image_url"]))}]
    source = _document(part) if kind == "input_file" else None
    if source is None:
        return _text(f"[{str(kind).removeprefix('input_')} that cannot be shown here]")
    named = {"title": part["filename"]} if part.get("filename") else {}
    return [{"type": "document", "source": source, **named}]


def _text(text: Any) -> list[Block]:
    return [{"type": "text", "text": text}] if isinstance(text, str) and text.strip() else []


def _image(url: str) -> Block:
    inside = attachments.carried(url)
    return {"type": "url", "url": url} if inside is None else _base64(*inside)


def _document(part: dict[str, Any]) -> Block | None:
    if part.get("file_url"):
        return {"type": "url", "url": part["file_url"]}
    data = part.get("file_data")
    if not isinstance(data, str) or not data:
        return None
    inside = attachments.carried(data)
    digits = data if inside is None else inside[1]
    kind = attachments.file_type(part)
    if kind == attachments.PDF:
        return _base64(kind, digits)
    return _plain(digits) if attachments.is_text(kind) else None


def _base64(kind: str, digits: str) -> Block:
    return {"type": "base64", "media_type": kind, "data": digits}


def _plain(digits: str) -> Block | None:
    try:
        text = base64.b64decode(digits).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None
    return {"type": "text", "media_type": attachments.PLAIN, "data": text} if text.strip() else None
