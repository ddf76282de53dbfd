"""What has been said of a response so far: the only place that numbers and frames our events. PURE.

Every step says first and records second, so items always equal the fold of the frames. A step that is
already done is not said twice, and what is missing before a step is said first.
"""

from __future__ import annotations

import re
from typing import Any

from shared import ids
from shared.wire import events
from shared.wire.makers import marked_id, signed
from workers.assembly.items import (
    CALL_CHANNELS,
    INDEX_KEYS,
    OUTPUT_TEXT,
    PART_STEMS,
    SHELVES,
    Item,
    Part,
    part_channel,
    part_extra,
)
from workers.assembly.reading import elements, identity, invalid, optional_text, typed_objects

MAX_PIECES = 4096  # items in an output, parts in an item

_REASONING_ID = re.compile(r"rs_[A-Za-z0-9_-]{1,128}\Z")
_EVENT_TYPE = re.compile(r"[A-Za-z0-9_.:-]{1,128}\Z")
_ENDED = frozenset({"completed", "incomplete"})
_UNDER_WAY = frozenset({"in_progress", "searching", "interpreting", "generating"})


class Transcript:
    """The items of one response and the frames that told of them, which `take` hands out once."""

    def __init__(
        self, *, response_id: str, next_sequence: int, show_encrypted: bool, maker: str = ""
    ) -> None:
        self.maker = maker
        self.items: list[Item] = []
        self.open: dict[int, Item] = {}  # by our index, in the order they were added
        self.next_sequence = next_sequence
        self.progressed = False
        self._response_id = response_id
        self._show_encrypted = show_encrypted
        self._frames: list[bytes] = []
        self._item_ids: set[str] = set()

    def say(self, event_type: str, fields: dict[str, Any]) -> None:
        """Number and frame an event of a type of ours."""
        try:
            frame = events.numbered(event_type, self.next_sequence, fields)
        except (TypeError, ValueError) as error:
            raise invalid("an event cannot be written as JSON") from error
        self._frames.append(frame)
        self.next_sequence += 1
        if event_type != "response.in_progress":
            self.progressed = True

    def pass_on(self, event_type: str, fields: dict[str, Any]) -> None:
        """Say an event of the upstream's own."""
        if not _EVENT_TYPE.match(event_type):
            raise invalid("an event's type is not a name")
        self.say(event_type, fields)

    def take(self) -> list[bytes]:
        taken, self._frames = self._frames, []
        return taken

    def public(self, item: Item, status: str | None = None) -> dict[str, Any]:
        return item.body(encrypted=self._show_encrypted, status=status)

    def output(self, *, private: bool = False) -> list[dict[str, Any]]:
        """All items; those still open show as incomplete."""
        shown = private or self._show_encrypted
        return [
            item.body(encrypted=shown, status=None if item.closed else "incomplete") for item in self.items
        ]

    # items

    def open_item(self, item_type: str, body: dict[str, Any]) -> Item:
        """Begin an item with what its upstream said of it; text it came with is held."""
        index = len(self.items)
        if index >= MAX_PIECES:
            raise invalid(f"more than {MAX_PIECES} output items")
        item = Item(index, self._item_id(index, item_type, body), item_type)
        item.shelves = {shelf: [] for shelf in SHELVES.get(item_type, ())}
        item.role = optional_text(body, "role") or "assistant"
        channel = CALL_CHANNELS.get(item_type)
        if channel:
            item.own = Part(channel, "", 0, held=optional_text(body, channel.key) or "")
            item.call_id = identity(body, "call_id") or ids.call_id(self._response_id, index)
        item.learn(body)
        shown = self.public(item)
        # The encrypted content is whole only at the end, and long.
        if not item.opaque:
            shown.pop("encrypted_content", None)
        self.say("response.output_item.added", {"output_index": index, "item": shown})
        self.adopt(item)
        return item

    def adopt(self, item: Item) -> None:
        if item.type == "reasoning" and self.maker:
            item.extra.setdefault("encrypted_content", signed("", self.maker))
        self.items.append(item)
        self.open[item.index] = item
        self._item_ids.add(item.id)

    def settle_item(self, item: Item, body: dict[str, Any]) -> None:
        """Bring an item up to what the upstream says it is, as far as that agrees with the deltas."""
        if item.own and item.own.channel and not item.closed:
            self.finish_text(item, item.own, optional_text(body, item.own.channel.key), body)
        item.learn(body)
        for shelf in item.shelves:
            bodies = typed_objects(body, shelf)
            for part, part_body in zip(_counterparts(item, shelf, bodies), bodies, strict=True):
                if part or not item.closed:
                    self.close_part(item, part or self.open_part(item, shelf, part_body), part_body)

    def close_item(self, item: Item, status: str | None) -> None:
        if item.closed:
            return
        for part in item.parts():
            self.close_part(item, part, None)
        if not item.opaque:
            item.status = status if status in _ENDED else "completed"
        elif optional_text(item.extra, "status") in _UNDER_WAY:
            item.extra["status"] = status if status in _ENDED else "completed"
        self.say("response.output_item.done", {"output_index": item.index, "item": self.public(item)})
        item.closed = True
        del self.open[item.index]

    # parts

    def open_part(self, item: Item, shelf: str, body: dict[str, Any]) -> Part:
        """Begin a part; text it came with is held."""
        if len(item.shelves[shelf]) >= MAX_PIECES:
            raise invalid(f"more than {MAX_PIECES} parts in an item")
        channel = part_channel(item, shelf, body["type"])
        extra = part_extra(body) if channel else dict(body)
        part = Part(channel, shelf, len(item.shelves[shelf]), extra)
        if channel:
            part.held = optional_text(body, channel.key) or ""
        self.say(PART_STEMS[shelf] + ".added", _address(item, part) | {"part": part.body()})
        item.shelves[shelf].append(part)
        return part

    def close_part(self, item: Item, part: Part, body: dict[str, Any] | None) -> None:
        """End a part; of one that has ended, only annotations and unknown keys are still taken over."""
        channel = part.channel
        if body is not None:
            if channel is None:
                part.extra = {**body, **part.extra} if part.closed else dict(body)
            else:
                self._take_over(part, body)
        if part.closed:
            return
        if channel:
            said = optional_text(body, channel.key) if body else None
            self.finish_text(item, part, said, body or {})
        if channel is None or channel.part:
            self.say(PART_STEMS[part.shelf] + ".done", _address(item, part) | {"part": part.body()})
        part.closed = True

    # texts

    def add_text(
        self, item: Item, part: Part, delta: str, *, logprobs: list[Any], extra: dict[str, Any]
    ) -> None:
        if not delta and not logprobs:
            return
        if part.held and delta:
            held, part.held = part.held, ""
            # Some servers send an item whole and then stream it all the same: said once.
            if not held.startswith(delta):
                self.add_text(item, part, held, logprobs=[], extra={})
        channel = part.channel
        if channel is None:
            raise invalid("text for a part that has none")
        fields = _address(item, part)
        fields["delta"] = delta
        if channel is OUTPUT_TEXT:
            fields["logprobs"] = logprobs
        self.say(channel.stem + ".delta", fields | extra if extra else fields)
        part.pieces.append(delta)
        part.logprobs += logprobs

    def finish_text(self, item: Item, part: Part, said: str | None, source: dict[str, Any]) -> None:
        """End a text; what the upstream's whole text has beyond the deltas is said first."""
        channel = part.channel
        if part.text_done or channel is None:
            return
        have = part.whole()
        whole = said or (part.held if not have else "")
        part.held = ""
        if len(whole) > len(have) and whole.startswith(have):
            self.add_text(item, part, whole[len(have) :], logprobs=[], extra={})
        fields = _address(item, part)
        fields[channel.key] = part.whole()
        if channel is OUTPUT_TEXT:
            part.logprobs = elements(source, "logprobs") or part.logprobs
            fields["logprobs"] = part.logprobs
        if channel.item_type == "function_call":
            item.name = item.name or optional_text(source, "name") or ""
            fields["name"] = item.name
        self.say(channel.stem + ".done", fields)
        part.text_done = True

    def annotate(self, item: Item, part: Part, annotation: dict[str, Any]) -> None:
        self.say(
            "response.output_text.annotation.added",
            _address(item, part) | {"annotation_index": len(part.annotations), "annotation": annotation},
        )
        part.annotations.append(annotation)

    def _take_over(self, part: Part, body: dict[str, Any]) -> None:
        part.extra |= part_extra(body)
        if part.channel is OUTPUT_TEXT:
            annotations = elements(body, "annotations")
            if len(annotations) >= len(part.annotations):
                part.annotations = annotations

    def _item_id(self, index: int, item_type: str, body: dict[str, Any]) -> str:
        upstream_id = identity(body, "id")
        # Encrypted content is bound to the id of its reasoning item.
        fitting = upstream_id and _REASONING_ID.match(upstream_id) and upstream_id not in self._item_ids
        if item_type == "reasoning" and upstream_id and fitting:
            return upstream_id
        own = ids.output_item_id(self._response_id, index, item_type)
        return marked_id(own, self.maker) if item_type == "reasoning" and self.maker else own


def _counterparts(item: Item, shelf: str, bodies: list[dict[str, Any]]) -> list[Part | None]:
    """The parts of ours that an upstream's list shows: by place, else the next one that stands nowhere."""
    found = [item.places.get((shelf, position)) for position in range(len(bodies))]
    fitting = [
        part if part and part.type == body["type"] else None for part, body in zip(found, bodies, strict=True)
    ]
    free = [part for part in item.shelves[shelf] if part not in fitting]
    for position, body in enumerate(bodies):
        if fitting[position] is None:
            fitting[position] = next((part for part in free if part.type == body["type"]), None)
            free = [part for part in free if part is not fitting[position]]
    return fitting


def _address(item: Item, part: Part) -> dict[str, Any]:
    address: dict[str, Any] = {"item_id": item.id, "output_index": item.index}
    if part.shelf:
        address[INDEX_KEYS[part.shelf]] = part.index
    return address
