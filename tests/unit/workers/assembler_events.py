"""Short ways to build an assembler, feed it, and read what it said; every reading checks the grammar."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.wire import events
from tests.unit.workers.stream_grammar import Reader
from workers.assembler import Assembler, Outcome

ENVELOPE: dict[str, Any] = {
    "id": "",
    "object": "response",
    "created_at": 0,
    "status": "queued",
    "completed_at": None,
    "error": None,
    "incomplete_details": None,
    "model": "asked",
    "provider": "account",
    "previous_response_id": None,
    "instructions": "ours",
    "output": [],
    "usage": None,
    "tools": [],
    "tool_choice": "auto",
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "reasoning": None,
    "service_tier": "default",
    "store": True,
    "metadata": {"k": "v"},
}


def assembler(*include: str, next_sequence: int = 1, maker: str = "") -> Assembler:
    return Assembler(
        response_id="resp_t",
        created_at=12.9,
        envelope=ENVELOPE,
        next_sequence=next_sequence,
        include=frozenset(include),
        maker=maker,
    )


def reading(target: Assembler, upstream: Iterable[dict[str, Any]]) -> Reader:
    """Who has read all that is said of these events, from `begin` on."""
    reader = Reader(target.next_sequence)
    reader.read(target.begin())
    for event in upstream:
        reader.read(target.feed(event))
    return reader


def run(target: Assembler, *upstream: dict[str, Any]) -> list[dict[str, Any]]:
    """Feed events after `begin`; our events, checked against the grammar."""
    reader = Reader(target.next_sequence)
    frames = target.begin()
    for event in upstream:
        frames += target.feed(event)
    reader.read(frames)
    return [events.decode(frame) for frame in frames]


def types(said: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in said]


def outcome(target: Assembler) -> Outcome:
    assert target.outcome is not None
    return target.outcome


def output(target: Assembler) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = outcome(target).response["output"]
    return found


def delta(text: str, index: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "type": "response.output_text.delta",
        "output_index": index,
        "content_index": 0,
        "delta": text,
        **more,
    }


def added(index: int, **item: Any) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, **item: Any) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def ended(status: str = "completed", **response: Any) -> dict[str, Any]:
    return {"type": f"response.{status}", "response": {"status": status, **response}}


def message(*texts: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "content": [{"type": "output_text", "text": text} for text in texts], **more}
