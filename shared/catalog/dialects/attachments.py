"""What kind of content an image or file part carries, by what it says of itself. PURE.

Nothing is fetched or decoded: a part is judged by its `data:` URL or its file name.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from typing import Any

PDF, PLAIN = "application/pdf", "text/plain"
_DATA_URL = re.compile(r"data:([^;,]*)((?:;[^;,]*)*?)(;base64)?,", re.IGNORECASE)
# Text by another name.
_TEXTS = frozenset(
    {
        "application/json",
        "application/xml",
        "application/yaml",
        "application/x-yaml",
        "application/toml",
        "application/sql",
        "application/javascript",
        "application/x-sh",
        "application/x-python",
    }
)


def carried(url: str) -> tuple[str, str] | None:
    """The media type and the base64 of a `data:` URL; None for any other URL."""
    start = _DATA_URL.match(url)
    if start is None or not start.group(3):
        return None
    digits = url[start.end() :]
    return start.group(1).lower(), digits + "=" * (-len(digits) % 4)


def file_type(part: Mapping[str, Any]) -> str:
    """A file's media type; empty where nothing tells."""
    data = part.get("file_data")
    inside = carried(data) if isinstance(data, str) else None
    if inside is not None and inside[0] not in ("", "application/octet-stream"):
        return inside[0]
    name = part.get("filename")
    return (mimetypes.guess_type(name)[0] or "") if isinstance(name, str) else ""


def is_text(media_type: str) -> bool:
    return media_type.startswith("text/") or media_type in _TEXTS or media_type.endswith(("+json", "+xml"))
