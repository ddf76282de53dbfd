"""A plain HTTP client of the scripted upstream, for these tests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

from upstream.launch import Running

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}, "unit": {"enum": ["c", "f"]}},
        "required": ["location", "unit"],
    },
}
CLOCK = {"type": "function", "name": "get_time", "parameters": {"type": "object", "properties": {}}}


class Client:
    def __init__(self, running: Running, session: requests.Session) -> None:
        self.running = running
        self.session = session
        self.session.headers["Authorization"] = "Bearer test"

    def post(
        self,
        path: str,
        body: dict[str, Any],
        key: str = "",
        *,
        stream: bool = False,
        more: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """`more`: further headers."""
        headers = {"Idempotency-Key": key, "X-Client-Request-Id": f"{key}.1"} if key else {}
        headers |= more or {}
        url = f"{self.running.url}/v1{path}"
        return self.session.post(
            url, json=body, headers=headers, stream=stream, timeout=20, allow_redirects=False
        )

    def create(self, key: str = "", **body: Any) -> requests.Response:
        return self.post("/responses", {"model": "mock", "input": "hi", **body}, key)

    def made(self, **body: Any) -> Any:
        """The Response of a create that must succeed."""
        answer = self.create(**body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def streamed(self, key: str = "", **body: Any) -> list[dict[str, Any]]:
        return events(self.create(key, stream=True, **body).content)

    def chat(self, **body: Any) -> requests.Response:
        messages = [{"role": "user", "content": "hi"}]
        return self.post("/chat/completions", {"model": "mock", "messages": messages, **body})

    def message(self, key: str = "", *, version: str = "2023-06-01", **body: Any) -> requests.Response:
        messages = [{"role": "user", "content": "hi"}]
        wanted = {"model": "mock", "max_tokens": 4096, "messages": messages, **body}
        return self.post("/messages", wanted, key, more={"anthropic-version": version})

    def get(self, response_id: str, **query: Any) -> requests.Response:
        return self.session.get(f"{self.running.url}/v1/responses/{response_id}", params=query, timeout=20)

    def calls(self, key: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.running.ledger()["calls"].get(key, [])
        return found


def events(stream: bytes) -> list[dict[str, Any]]:
    """Events of a well-formed stream; [DONE] is left out."""
    found = []
    for block in stream.decode().split("\n\n"):
        data = "".join(line[5:].strip() for line in block.split("\n") if line.startswith("data:"))
        if data and data != "[DONE]":
            found.append(json.loads(data))
    return found


def text_of(response: dict[str, Any]) -> str:
    return "".join(part["text"] for item in response["output"] for part in item.get("content", []))


def eventually(check: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not check():
        if time.monotonic() > end:
            return False
        pause.wait(0.02)
    return True
