"""Addresses of images and files in an input: which may be passed on. PURE.

The gateway fetches nothing: whoever serves the model does, with its own guard against private
addresses, so hosts are not judged here. Refused is what no fetcher should be handed: other schemes,
credentials, and characters that two readers take for different hosts. What a `data:` URL carries
is looked at only for being base64 at all.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from shared.errors import InvalidRequest
from shared.wire import refusals

MAX_URL = 20_971_520  # a data: URL is one too
_WEB = frozenset({"http", "https"})
# The address of a part, by its key: whether it may be a data: URL of an image.
_KEYS = {"image_url": True, "file_url": False}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# Blanks and controls are dropped or kept, `\` is read as `/` or not: depending on the reader.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f-\x9f\\]")
_IMAGE = re.compile(r"data:image/[A-Za-z0-9.+-]+(?:;[A-Za-z0-9=._-]+)*;base64,", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}\Z")


def check_part_urls(part: dict[str, Any], path: str) -> None:
    """Raises InvalidRequest for an `image_url` or `file_url` that must not be passed on."""
    for key, may_be_data in _KEYS.items():
        value = part.get(key)
        if isinstance(value, str):
            _check_url(value, f"{path}.{key}", may_be_data=may_be_data)


def _check_url(url: str, path: str, *, may_be_data: bool) -> None:
    if len(url) > MAX_URL:
        raise refusals.too_long(path, MAX_URL)
    scheme = _SCHEME.match(url)
    name = scheme.group(1).lower() if scheme else ""
    if name == "data" and may_be_data:
        _check_image(url, path)
    elif name not in _WEB:
        allowed = "an http:, https: or data: URL" if may_be_data else "an http: or https: URL"
        raise _invalid_url(path, f"must be {allowed}")
    else:
        _check_web_url(url, path)


def _check_web_url(url: str, path: str) -> None:
    if _AMBIGUOUS.search(url):
        raise _invalid_url(path, "must not contain blanks, control characters or backslashes")
    try:
        parts = urlsplit(url)
        host, has_user = parts.hostname, parts.username is not None
        _ = parts.port  # read to be checked
    except ValueError:
        raise _invalid_url(path, "is not a URL") from None
    if has_user:
        raise _invalid_url(path, "must not contain a user name or password")
    if not host:
        raise _invalid_url(path, "has no host")


def _check_image(url: str, path: str) -> None:
    start = _IMAGE.match(url)
    if start is None:
        raise _invalid_image(path, "is not an image in base64")
    digits = len(url.rstrip("=")) - start.end()
    padded = len(url) - start.end()
    # padding may be left out; a single digit beyond whole groups is no byte
    if not _BASE64.match(url, start.end()) or digits % 4 == 1 or (padded != digits and padded % 4):
        raise _invalid_image(path, "is not valid base64")


def _invalid_url(path: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"'{path}' {why}.", code="invalid_url", param=path)


def _invalid_image(path: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"'{path}' {why}.", code="invalid_image", param=path)
