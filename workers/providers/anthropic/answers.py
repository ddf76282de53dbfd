"""A plain answer as the events of the stream it would have been. PURE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workers.assembly.reading import invalid, optional_mapping, typed_objects

Event = dict[str, Any]


def events(answer: Event) -> Iterator[Event]:
    """Of a message, or of an error in its place."""
    if answer.get("error"):
        yield {**answer, "type": "error"}
        return
    if not isinstance(answer.get("content"), list):
        raise invalid("the answer is not a message")
    yield {"type": "message_start", "message": answer}
    for index, block in enumerate(typed_objects(answer, "content")):
        # a block that starts whole has nothing left to say
        yield {"type": "content_block_start", "index": index, "content_block": block}
        yield {"type": "content_block_stop", "index": index}
    end = {key: answer.get(key) for key in ("stop_reason", "stop_details")}
    yield {"type": "message_delta", "delta": end, "usage": optional_mapping(answer, "usage")}
    yield {"type": "message_stop"}
