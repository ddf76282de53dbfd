"""Clients that survive faults, and what they saw.

A `Follower` reads raw SSE frames; when its connection breaks it comes back with `starting_after`.
A `Caller` waits for a blocking or background create. Both are threads and only record: judging is
the checker's work. Either may repeat a create that broke off, as an SDK or by Idempotency-Key.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import requests

TERMINAL = ("response.completed", "response.incomplete", "response.failed")
PATIENCE_SECONDS = 90.0  # then a client gives up, and its transcript says so
_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0
_SILENCE_SECONDS = 20.0  # twice the gateway's keepalive: a stream may not be silent for longer
_TIMEOUT = (5, _SILENCE_SECONDS)
_BREAKS = (
    requests.exceptions.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
)


_BUSY = {429, 503}


class Repeats:
    """How a client marks that it sends a create again: "" never does, "key" and "sdk" do."""

    def __init__(self, how: str) -> None:
        self._how = how
        self._key = secrets.token_hex(8)
        self.count = 0

    def headers(self) -> dict[str, str]:
        if self._how == "key":
            return {"Idempotency-Key": self._key}
        return {"x-stainless-retry-count": str(self.count)} if self._how == "sdk" else {}

    def again(self, answer: requests.Response | None) -> bool:
        """After a broken connection (None), or an answer that does not forbid it."""
        wanted = answer is None or answer.status_code in _BUSY
        forbidden = answer is not None and answer.headers.get("x-should-retry") == "false"
        if not self._how or not wanted or forbidden:
            return False
        self.count += 1
        time.sleep(min(0.1 * 2**self.count, _LONGEST_PAUSE_SECONDS))
        return True


class Gateway(Protocol):
    """Where a client calls: a stack, or one of its API processes."""

    @property
    def base_url(self) -> str: ...

    @property
    def api_key(self) -> str: ...


@dataclass
class Transcript:
    """All frames one client got, in order, over however many connections."""

    response_id: str = ""
    after: int = -1  # where it began
    frames: list[bytes] = field(default_factory=list)
    cuts: int = 0  # connections that broke
    complaint: str = ""  # what a client must never see, or why it gave up

    @property
    def events(self) -> list[dict[str, Any]]:
        return [payload(f) for f in self.frames]

    @property
    def numbers(self) -> list[int]:
        return [e["sequence_number"] for e in self.events]

    @property
    def last(self) -> int:
        return int(payload(self.frames[-1])["sequence_number"]) if self.frames else self.after

    @property
    def ended(self) -> bool:
        return bool(self.frames) and payload(self.frames[-1])["type"] in TERMINAL


def payload(frame: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(frame.partition(b"\ndata: ")[2])
    return value


class Follower(threading.Thread):
    """`body` creates the response; `response_id` follows one that is there."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        body: dict[str, Any] | None = None,
        response_id: str = "",
        after: int = -1,
        until: int | None = None,
        repeat: str = "",
    ) -> None:
        """`until`: leave after that sequence number, as a client that loses interest."""
        super().__init__(daemon=True)
        self.status: int | None = None  # of its create
        self._repeats = Repeats(repeat)
        self.transcript = Transcript(response_id, after)
        self._gateway = gateway
        self._body = body
        self._until = until

    def run(self) -> None:
        give_up = time.monotonic() + PATIENCE_SECONDS
        pause = _PAUSE_SECONDS
        while not self._is_done():
            if time.monotonic() > give_up:
                self.transcript.complaint = f"no end after {PATIENCE_SECONDS:.0f} s"
                return
            frames = len(self.transcript.frames)
            answer = self._connect()
            if self._is_done():
                return
            if self.transcript.response_id:
                # as clients do: quickly at first, then not so often as to be a burden
                pause = _PAUSE_SECONDS if len(self.transcript.frames) > frames else pause * 2
                time.sleep(min(pause, _LONGEST_PAUSE_SECONDS))
            elif not self._repeats.again(answer):
                return  # broken before its id was told: nothing to come back to

    def finished(self) -> Transcript:
        self.join(PATIENCE_SECONDS + 10)
        assert not self.is_alive(), "a follower hangs"
        return self.transcript

    def _is_done(self) -> bool:
        seen = self.transcript
        left = self._until is not None and seen.last >= self._until
        return bool(seen.complaint) or seen.ended or left

    def _connect(self) -> requests.Response | None:
        """The answer, unless its connection broke."""
        try:
            with self._request() as answer:
                if not self.transcript.response_id:
                    self.status = answer.status_code
                if answer.status_code == 200:
                    self._read(answer)
                elif answer.status_code < 500 and answer.status_code not in _BUSY:
                    self.transcript.complaint = f"refused: {answer.status_code} {answer.text[:200]}"
                return answer
        except requests.exceptions.ReadTimeout:
            self.transcript.complaint = f"silent for {_SILENCE_SECONDS:.0f} s"
        except _BREAKS:
            self.transcript.cuts += 1
        return None

    def _request(self) -> requests.Response:
        headers = {"Authorization": f"Bearer {self._gateway.api_key}"}
        url = self._gateway.base_url + "/responses"
        seen = self.transcript
        if self._body is not None and not seen.response_id:
            body = {**self._body, "stream": True}
            headers |= self._repeats.headers()
            return requests.post(url, json=body, headers=headers, stream=True, timeout=_TIMEOUT)
        query: dict[str, Any] = {"stream": "true"}
        if seen.last >= 0:
            query["starting_after"] = seen.last
        url += "/" + seen.response_id
        return requests.get(url, params=query, headers=headers, stream=True, timeout=_TIMEOUT)

    def _read(self, answer: requests.Response) -> None:
        done = False
        for frame in _frames(answer):
            if frame == b"data: [DONE]\n\n":
                done = True
                continue
            self.transcript.frames.append(frame)
            self.transcript.response_id = self.transcript.response_id or payload(frame)["response"]["id"]
            if self._until is not None and self.transcript.last >= self._until:
                return
        if not self.transcript.ended:
            kind = "with [DONE]" if done else "cleanly"
            self.transcript.complaint = f"the stream ended {kind} without a terminal event"


def _frames(answer: requests.Response) -> Iterator[bytes]:
    buffer = b""
    for chunk in answer.iter_content(chunk_size=None):
        buffer += chunk
        while b"\n\n" in buffer:
            frame, _, buffer = buffer.partition(b"\n\n")
            if not frame.startswith(b":"):
                yield frame + b"\n\n"


class Caller(threading.Thread):
    """A blocking or background create: its answer, or None when the connection broke."""

    def __init__(self, gateway: Gateway, body: dict[str, Any], *, repeat: str = "") -> None:
        super().__init__(daemon=True)
        self.status: int | None = None
        self.answer: dict[str, Any] | None = None
        self.headers: dict[str, str] = {}
        self._gateway = gateway
        self._body = body
        self._repeats = Repeats(repeat)

    def run(self) -> None:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while self._repeats.again(self._call()) and time.monotonic() < give_up:
            pass

    def finished(self) -> Caller:
        self.join(PATIENCE_SECONDS + 10)
        assert not self.is_alive(), "a caller hangs"
        return self

    def _call(self) -> requests.Response | None:
        headers = {"Authorization": f"Bearer {self._gateway.api_key}", **self._repeats.headers()}
        url = self._gateway.base_url + "/responses"
        try:
            answer = requests.post(url, json=self._body, headers=headers, timeout=(5, PATIENCE_SECONDS))
        except requests.exceptions.RequestException:
            return None
        self.status, self.answer = answer.status_code, answer.json()
        self.headers = {k.lower(): v for k, v in answer.headers.items()}
        return answer
