"""/openapi.json and /docs: the interface described, for programs and for people. Neither needs a key.

The page is one file that fetches nothing but the document, so it works without the internet; its
policy forbids the browser everything else.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import orjson
from flask import Flask, Response

from api.errors import json_response
from api.openapi import build_document

_PAGE = Path(__file__).parent / "static" / "docs.html"
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


class DocsResource:
    def __init__(self, mounts: Iterable[str]) -> None:
        self._document = orjson.dumps(build_document(mounts, _version()))
        self._page = _PAGE.read_text(encoding="utf-8")
        self._policy = content_policy(self._page)

    def routes(self, app: Flask) -> None:
        app.add_url_rule("/openapi.json", view_func=self.openapi, methods=["GET"], endpoint="openapi")
        app.add_url_rule("/docs", view_func=self.docs, methods=["GET"], endpoint="docs")

    def openapi(self) -> Response:
        return json_response(self._document)

    def docs(self) -> Response:
        response = Response(self._page, mimetype="text/html")
        response.headers["Content-Security-Policy"] = self._policy
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


def content_policy(page: str) -> str:
    """Only the page's own script and style, and requests to where it came from."""
    allowed: dict[str, list[str]] = {"script": [], "style": []}
    for kind, text in _INLINE.findall(page):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        allowed[kind].append(f"'sha256-{digest}'")
    rules = (
        "default-src 'none'",
        "connect-src 'self'",
        "img-src data:",
        f"script-src {' '.join(allowed['script'])}",
        f"style-src {' '.join(allowed['style'])}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return "; ".join(rules)


def _version() -> str:
    try:
        return metadata.version("respool")
    except metadata.PackageNotFoundError:  # run from the sources without being installed
        return "0.0.0"
