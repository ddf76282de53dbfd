"""Server-sent events: written as our clients read them, read as an upstream sends them. PURE.

A `Decoder` takes chunks cut anywhere and gives the same events whatever the cuts, in linear time and
within two limits. `decode_json` turns one event's data into an object that can be stored and sent on:
no NUL, no lone surrogate, no number or depth that our own encoder would refuse.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NamedTuple

import orjson

from shared.errors import UpstreamError

MAX_EVENT_BYTES = 16 * 1024 * 1024
MAX_TOTAL_BYTES = 256 * 1024 * 1024
MAX_DEPTH = 128  # an event is stored a few levels deeper inside a Response; the encoder stops at 254

_BOM = b"\xef\xbb\xbf"
_DONE = b"[DONE]"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSAFE_CHARACTERS = {0: _REPLACEMENT} | dict.fromkeys(range(0xD800, 0xE000), _REPLACEMENT)
_INTEGERS = range(-(2**63), 2**64)
# As nearly every server writes nearly every block.
_PLAIN_BLOCK = re.compile(rb"(?:event: ([^\n]++)\n)?data: ([^\n]++)\n\n")


def frame(event: bytes, data: bytes) -> bytes:
    """One block: an `event:` line, one `data:` line, a blank line. Neither argument has a line break."""
    return b"event: %b\ndata: %b\n\n" % (event, data)


class SseEvent(NamedTuple):
    """One dispatched block: its `event:` name, if it had one, and its joined `data:` lines."""

    event: str | None
    data: bytes


class Decoder:
    """Chunks of bytes in, events out.

    A block whose data is absent or empty is dropped. `comments` counts `:` lines: they show that the
    peer lives, and are no progress.
    """

    def __init__(
        self, *, max_event_bytes: int = MAX_EVENT_BYTES, max_total_bytes: int = MAX_TOTAL_BYTES
    ) -> None:
        self.comments = 0
        self._max_event_bytes = max_event_bytes
        self._max_total_bytes = max_total_bytes
        self._total = 0
        self._line = bytearray()  # the line whose end has not come yet
        self._after_cr = False
        self._at_start = True
        self._name: str | None = None
        self._data: list[bytes] = []
        self._data_bytes = 0

    def feed(self, chunk: bytes) -> list[SseEvent]:
        self._total += len(chunk)
        if self._total > self._max_total_bytes:
            raise _invalid(f"the stream is longer than {self._max_total_bytes} bytes")
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        events: list[SseEvent] = []
        at, end = 0, len(chunk)
        if not (self._line or self._data or self._name) and end <= self._max_event_bytes:
            while at < end and (block := _PLAIN_BLOCK.match(chunk, at)):
                name, data = block.groups()
                events.append(SseEvent(name.decode("utf-8", "replace") if name else None, data))
                at = block.end()
                self._at_start = False
        if at < end:
            self._take_lines(chunk[at:], events)
        return events

    def _take_lines(self, chunk: bytes, events: list[SseEvent]) -> None:
        first, *others = chunk.split(b"\n")
        self._grow(first)
        for other in others:
            self._end_line(events)
            self._grow(other)

    def close(self) -> list[SseEvent]:
        """The stream has ended.

        A last block without its blank line is delivered if its data is a whole JSON object or
        `[DONE]`, for some servers forget the blank line; a block cut short is not.
        """
        events: list[SseEvent] = []
        if self._line:
            self._end_line(events)
        self._dispatch(events)
        return [event for event in events if _is_whole(event.data)]

    def _grow(self, piece: bytes) -> None:
        self._line += piece
        if self._data_bytes + len(self._line) > self._max_event_bytes:
            raise _invalid(f"an event is longer than {self._max_event_bytes} bytes")

    def _end_line(self, events: list[SseEvent]) -> None:
        line = bytes(self._line)
        self._line.clear()
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if not line:
            self._dispatch(events)
            return
        field, colon, value = line.partition(b":")
        if not field:
            self.comments += 1
        elif field == b"data":
            self._data.append(value.removeprefix(b" "))
            self._data_bytes += len(value) + 1
        elif field == b"event" and colon:
            self._name = value.removeprefix(b" ").decode("utf-8", "replace") or None

    def _dispatch(self, events: list[SseEvent]) -> None:
        data = b"\n".join(self._data)
        if data:
            events.append(SseEvent(self._name, data))
        self._name = None
        self._data = []
        self._data_bytes = 0


def is_done(data: bytes) -> bool:
    """Whether this is the sentinel that some servers send after their terminal event."""
    return data.strip() == _DONE


def decode_json(data: bytes) -> dict[str, Any]:
    """One event's payload: an object with a string `type`, or a bare Response or error object.

    What cannot be stored (lone surrogates, NUL, invalid UTF-8) becomes U+FFFD, in keys too.
    """
    payload = decode_object(data)
    if isinstance(payload.get("type"), str) or is_bare_response(payload) or payload.get("error"):
        return payload
    raise _invalid("an event has no type")


def decode_object(data: bytes) -> dict[str, Any]:
    """Any JSON object, made fit to be stored as `decode_json` does."""
    payload = _parse(data)
    if not isinstance(payload, dict):
        raise _invalid("the answer is not a JSON object")
    return payload


def is_bare_response(payload: dict[str, Any]) -> bool:
    """Whether an upstream answered with a whole Response where an event was expected."""
    if isinstance(payload.get("type"), str):
        return False
    return payload.get("object") == "response" or ("output" in payload and "status" in payload)


def _parse(data: bytes) -> Any:
    try:
        payload = orjson.loads(data)
    except orjson.JSONDecodeError:
        return _parse_leniently(data)
    # Escaped NULs and deep nesting are legal JSON: look closer only where the bytes hint at them.
    # A level takes two brackets, so a short text has none too deep.
    brackets = data.count(b"{") + data.count(b"[") if len(data) > 2 * MAX_DEPTH else 0
    if b"\\u0000" in data or brackets > MAX_DEPTH:
        return _storable(payload, 0)
    return payload


def _parse_leniently(data: bytes) -> Any:
    text = data.decode("utf-8", "replace").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    try:
        return _storable(json.loads(text, strict=False, parse_constant=_refuse_constant), 0)
    except (ValueError, RecursionError) as error:
        raise _invalid("an event is not JSON") from error


def _storable(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise _invalid(f"an event is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        return value.translate(_UNSAFE_CHARACTERS)
    if isinstance(value, list):
        return [_storable(element, depth + 1) for element in value]
    if isinstance(value, dict):
        return {key.translate(_UNSAFE_CHARACTERS): _storable(part, depth + 1) for key, part in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise _invalid("an event has a number out of range")
    if isinstance(value, int) and value not in _INTEGERS:
        raise _invalid("an event has a number out of range")
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _is_whole(data: bytes) -> bool:
    if is_done(data):
        return True
    try:
        return isinstance(_parse(data), dict)
    except UpstreamError:
        return False


def _invalid(message: str) -> UpstreamError:
    return UpstreamError("upstream_invalid_response", message)
