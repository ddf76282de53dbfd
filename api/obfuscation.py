"""Padding for `*.delta` events, for callers who ask: the length of a frame no longer tells the word's.

Derived from the response's id and the event's number, so that every replay on any replica has the
same bytes; never stored. Whoever did not ask gets the frames untouched. PURE.
"""

from __future__ import annotations

import base64
import hmac

import orjson

from shared.wire import events

BLOCK = 32  # what varies in an event, padding included, is a multiple of so many bytes
_VARYING = ("sequence_number", "delta", "logprobs")


def obfuscated(response_id: str, frames: bytes) -> bytes:
    """Whole frames, joined, with padding in those that are deltas."""
    return b"".join(
        _padded(response_id, frame) if events.is_delta(frame) else frame for frame in events.split(frames)
    )


def _padded(response_id: str, frame: bytes) -> bytes:
    event = events.decode(frame)
    length = sum(len(orjson.dumps(event[key])) for key in _VARYING if key in event)
    padding = _letters(response_id, event["sequence_number"])[: BLOCK - length % BLOCK]
    return b'%b,"obfuscation":"%b"}\n\n' % (frame.removesuffix(b"}\n\n"), padding)


def _letters(response_id: str, sequence_number: int) -> bytes:
    """43 letters: more than a block."""
    digest = hmac.digest(response_id.encode(), str(sequence_number).encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=")
