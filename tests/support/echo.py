"""What the upstream was really sent: its answer to `echo request` quotes the whole body."""

from __future__ import annotations

import json
from typing import Any

from tests.support.contract import Json
from tests.support.stack import Stack
from tests.support.wire import create

ECHO = "echo request"


def sent_upstream(response: Json) -> Json:
    """The body the upstream had for a response whose last user text was `ECHO`."""
    text = response["output"][-1]["content"][0]["text"]
    assert text.startswith("ECHO "), text[:80]
    body: Json = json.loads(text.removeprefix("ECHO "))
    return body


def sent_for(stack: Stack, **body: Any) -> Json:
    """Create with the input `ECHO` and see what went upstream."""
    return sent_upstream(create(stack, **{"input": ECHO, **body}))


def said(item: Json) -> tuple[str, str]:
    """An item of a transcript, short: who, and what."""
    kind = item.get("type", "message")
    if kind != "message":
        return kind, item.get("output") or item.get("name") or ""
    content = item["content"]
    return item["role"], content if isinstance(content, str) else content[0]["text"]
