"""Content parts of items as Chat Completions has them. PURE.

Texts alone become one plain string, which every server takes; a list of parts is sent only where it
holds more than text. A part the dialect has no word for leaves a remark in its place.
"""

from __future__ import annotations

from typing import Any

from shared.wire.input_items import PART_TEXT

_REASONING_TEXTS = frozenset({"reasoning_text", "text"})


def content(given: Any, *, separator: str = "\n") -> str | list[dict[str, Any]]:
    """The content of a message or the output of a call; several texts are joined by `separator`."""
    if isinstance(given, str):
        return given
    parts = [part(each) for each in (given if isinstance(given, list) else []) if isinstance(each, dict)]
    if all(each["type"] == "text" for each in parts):
        return separator.join(each["text"] for each in parts)
    return parts


def split(given: Any) -> tuple[str, list[dict[str, Any]]]:
    """The text of a call's output, and its images and files apart: a tool message takes text only."""
    made = content(given)
    if isinstance(made, str):
        return made, []
    texts = [each["text"] for each in made if each["type"] == "text"]
    return "\n".join(texts), [each for each in made if each["type"] != "text"]


def part(given: dict[str, Any]) -> dict[str, Any]:
    kind = given.get("type")
    text = PART_TEXT.get(str(kind))
    if text is not None:
        return {"type": "text", "text": _text(given, text)}
    if kind == "input_image" and given.get("image_url"):
        return {"type": "image_url", "image_url": _image(given)}
    if kind == "input_file" and (given.get("file_data") or given.get("file_id")):
        kept = {key: given[key] for key in ("file_id", "file_data", "filename") if given.get(key)}
        return {"type": "file", "file": kept}
    if kind == "input_audio":
        return {"type": "input_audio", "input_audio": given.get("input_audio")}
    # only an earlier turn of another provider can hold one: a request's own are refused
    return {"type": "text", "text": f"[{kind} that is not available here]"}


def reasoning_text(item: dict[str, Any]) -> str:
    """What can be read of a reasoning item."""
    parts = item.get("content")
    return "".join(
        _text(each, "text")
        for each in (parts if isinstance(parts, list) else [])
        if isinstance(each, dict) and each.get("type") in _REASONING_TEXTS
    )


def _text(given: dict[str, Any], key: str) -> str:
    text = given.get(key)
    return text if isinstance(text, str) else ""


def _image(given: dict[str, Any]) -> dict[str, Any]:
    # `auto` is what it means to say nothing, and not every server knows the word
    detail = given.get("detail")
    return {"url": given["image_url"], **({"detail": detail} if detail not in (None, "auto") else {})}
