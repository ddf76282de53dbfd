"""One event as one SSE frame, and back. PURE.

A frame is `event: <type>`, one `data:` line and a blank line, in that order and with `\\n` alone;
`type` and `sequence_number` are the first keys, so both are read without parsing. The terminal
frame holds the stored bytes of the response as they are, and gives them back as they are.
"""

from __future__ import annotations

from typing import Any

import orjson

from shared import sse
from shared.lifecycle import terminal_event_type

DONE = b"data: [DONE]\n\n"
KEEPALIVE = b": keep-alive\n\n"

_DATA = b"\ndata: "
_RESPONSE = b',"response":'


def encode(event: dict[str, Any]) -> bytes:
    """The frame of an event that has a `type` and a `sequence_number`."""
    name = event["type"]
    if "\n" in name or "\r" in name:
        # An upstream's own event type: a line break in it would end our line and forge a frame.
        name = name.replace("\r", " ").replace("\n", " ")
        event = {**event, "type": name}
    return numbered(name, event["sequence_number"], event)


def numbered(name: str, number: int, fields: dict[str, Any]) -> bytes:
    """The frame of an event of this type, a name without line breaks, and what else it says."""
    return sse.frame(name.encode(), orjson.dumps({"type": name, "sequence_number": number, **fields}))


def decode(frame: bytes) -> dict[str, Any]:
    event: dict[str, Any] = orjson.loads(payload(frame))
    return event


def payload(frame: bytes) -> bytes:
    """The event's JSON, without its framing."""
    return frame[frame.index(_DATA) + len(_DATA) :].rstrip(b"\n")


def event_type(frame: bytes) -> str:
    return frame[len(b"event: ") : frame.index(b"\n")].decode()


def is_delta(frame: bytes) -> bool:
    """Whether it brings a piece of a text; what announces the text does not."""
    return frame[: frame.index(b"\n")].endswith(b".delta")


def split(frames: bytes) -> list[bytes]:
    """The single frames of several, joined; JSON on one line never holds the blank line."""
    if frames and not frames.endswith(b"\n\n"):
        raise ValueError("the last frame is not whole")
    return [frame + b"\n\n" for frame in frames.split(b"\n\n")[:-1]]


def opening(queued: dict[str, Any], *, background: bool) -> list[bytes]:
    """The frames a log begins with, from the queued snapshot alone: the same bytes for every writer."""
    if not background:
        response = {**queued, "status": "in_progress"}
        return [encode({"type": "response.created", "sequence_number": 0, "response": response})]
    return [
        encode({"type": "response.created", "sequence_number": 0, "response": queued}),
        encode({"type": "response.queued", "sequence_number": 1, "response": queued}),
    ]


def terminal(status: str, sequence_number: int, response: bytes) -> bytes:
    """The last frame of a log, around the response's JSON as stored."""
    if b"\n" in response or b"\r" in response:
        raise ValueError("a response's JSON must be on one line")
    name = terminal_event_type(status).encode()
    head = b'{"type":"%b","sequence_number":%d' % (name, sequence_number)
    return sse.frame(name, b"%b%b%b}" % (head, _RESPONSE, response))


def terminal_response(frame: bytes) -> bytes:
    """The response's JSON out of a terminal frame, byte for byte."""
    # Only `type` and `sequence_number` stand before it, and neither can hold this text.
    start = frame.index(_RESPONSE) + len(_RESPONSE)
    return frame[start : -len(b"}\n\n")]
