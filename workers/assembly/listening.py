"""What each upstream event about items means for the transcript. PURE.

Events of known types are said again in full, in our shape; events of unknown types go on with our
number and our address. Events about an item or part that has ended, or that never was, are dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workers.assembly.addressing import Addresses
from workers.assembly.items import (
    CHANNELS,
    INDEX_KEYS,
    OUTPUT_TEXT,
    PART_CHANNELS,
    REASONING_TEXT,
    Channel,
    Item,
    Part,
)
from workers.assembly.reading import elements, identity, invalid, mapping, optional_text, place, text
from workers.assembly.transcript import Transcript

# The other specification's name for reasoning text stands beside ours.
_GROWTH: dict[str, Channel] = {channel.stem + ".delta": channel for channel in CHANNELS} | {
    "response.reasoning.delta": REASONING_TEXT
}
_WHOLE: dict[str, Channel] = {channel.stem + ".done": channel for channel in CHANNELS} | {
    "response.reasoning.done": REASONING_TEXT
}
_PARTS = {
    "response.content_part.added": "content",
    "response.content_part.done": "content",
    "response.reasoning_summary_part.added": "summary",
    "response.reasoning_summary_part.done": "summary",
}
# Signs of life, not of content: one client library cannot bear them, and our comments serve.
_LIVENESS = frozenset({"keepalive", "ping"})
_NUMBERED = frozenset({"type", "sequence_number", "obfuscation"})
# What a delta has of its own; `error` at the top of an event makes clients raise.
_DELTA_KEYS = _NUMBERED | {
    "item_id",
    "output_index",
    "content_index",
    "summary_index",
    "delta",
    "logprobs",
    "response_id",
    "error",
}


@dataclass(frozen=True, slots=True)
class _Growth:
    """The part that a delta was for, and how its upstream named that."""

    part: Part
    item: Item
    event_type: str
    index: Any
    upstream_id: Any
    index_key: str
    position: Any

    def goes_on(self, event: dict[str, Any], event_type: str) -> bool:
        """Whether a delta has the very same names: `is`, for False and 0.0 are equal to 0 and no index."""
        return (
            event.get("output_index") is self.index
            and event.get(self.index_key) is self.position
            and event.get("item_id") == self.upstream_id
            and event_type == self.event_type
        )


class Listener:
    """Writes into a transcript what an upstream's events mean.

    `snapshot` makes our own Response of this moment, for foreign events that carry one.
    """

    def __init__(
        self,
        transcript: Transcript,
        addresses: Addresses,
        *,
        response_id: str,
        snapshot: Callable[[], dict[str, Any]],
    ) -> None:
        self._transcript = transcript
        self._addresses = addresses
        self._response_id = response_id
        self._snapshot = snapshot
        self._growth: _Growth | None = None  # of the last event that was not in vain, if it was a delta
        self._handlers: dict[str, Callable[[dict[str, Any], str], None]] = {
            **dict.fromkeys(_WHOLE, self._text_done),
            **dict.fromkeys(_PARTS, self._part),
            "response.output_item.added": self._item_added,
            "response.output_item.done": self._item_done,
            "response.output_text.annotation.added": self._annotation_added,
        }

    def hear(self, event: dict[str, Any], event_type: str) -> None:
        if event_type in _GROWTH:
            self._text_delta(event, event_type)
        else:
            self._growth = None
            self._handlers.get(event_type, self._pass_on)(event, event_type)

    # texts

    def _text_delta(self, event: dict[str, Any], event_type: str) -> None:
        delta = optional_text(event, "delta")
        if delta is None:
            return
        growth = self._growth
        if growth is None or not growth.goes_on(event, event_type):
            growth = self._grown(event, event_type)
        if growth is None:
            return
        extra = {} if _DELTA_KEYS.issuperset(event) else {k: event[k] for k in event if k not in _DELTA_KEYS}
        logprobs = elements(event, "logprobs")
        self._transcript.add_text(growth.item, growth.part, delta, logprobs=logprobs, extra=extra)

    def _grown(self, event: dict[str, Any], event_type: str) -> _Growth | None:
        """What a delta is for; None where nothing takes it."""
        self._growth = None
        channel = _GROWTH[event_type]
        item = self._addresses.item_for_text(event, channel, growing=True)
        if item.opaque:
            self._pass_on(event, event_type)
            return None
        part = None if item.closed else self._addresses.part_for_text(item, event, channel)
        if part is None or part.text_done:
            return None
        key = channel.index_key
        growth = _Growth(
            part, item, event_type, event.get("output_index"), event.get("item_id"), key, event.get(key)
        )
        if growth.position is not None or channel.part is None:
            self._growth = growth  # of parts without a place, each event is for the one that fits it best
        return growth

    def _text_done(self, event: dict[str, Any], event_type: str) -> None:
        channel = _WHOLE[event_type]
        said = optional_text(event, channel.key)
        item = self._addresses.item_for_text(event, channel, growing=False)
        if item.opaque:
            self._pass_on(event, event_type)
            return
        part = None if item.closed else self._addresses.part_for_text(item, event, channel)
        if part is not None:
            self._transcript.finish_text(item, part, said, event)

    def _annotation_added(self, event: dict[str, Any], event_type: str) -> None:
        annotation = mapping(event, "annotation")
        item = self._addresses.item_for_text(event, OUTPUT_TEXT, growing=False)
        if item.opaque:
            self._pass_on(event, event_type)
            return
        part = None if item.closed else self._addresses.part_for_text(item, event, OUTPUT_TEXT)
        if part is not None and not part.closed:
            self._transcript.annotate(item, part, annotation)

    # parts

    def _part(self, event: dict[str, Any], event_type: str) -> None:
        shelf = _PARTS[event_type]
        body = mapping(event, "part")
        position = place(event, INDEX_KEYS[shelf])
        item = self._item_of_part(event, shelf, text(body, "type"))
        if item.opaque:
            self._pass_on(event, event_type)
            return
        if item.closed:
            return
        part = self._part_at(item, shelf, position, body["type"], event_type)
        if part is None:
            part = self._addresses.open_part(item, shelf, body, position)
        if event_type.endswith(".done"):
            self._transcript.close_part(item, part, body)

    def _item_of_part(self, event: dict[str, Any], shelf: str, part_type: str) -> Item:
        index, upstream_id = place(event, "output_index"), identity(event, "item_id")
        channel = PART_CHANNELS.get(part_type)
        usual = "reasoning" if shelf == "summary" else "message"
        wanted = channel.item_type if channel and channel.shelf == shelf else None
        item = self._addresses.find(index, upstream_id, wanted)
        if item is None and wanted:
            item = self._addresses.opaque(index, upstream_id)
        if item and not item.opaque and shelf not in item.shelves:
            raise invalid(f"a {item.type} item cannot have parts")
        return item or self._addresses.open(wanted or usual, {}, index, upstream_id)

    def _part_at(
        self, item: Item, shelf: str, position: int | None, part_type: str, event_type: str
    ) -> Part | None:
        """The part this event repeats or ends."""
        placed = item.places.get((shelf, position)) if position is not None else None
        ending = event_type.endswith(".done")
        if placed and placed.type == part_type and (ending or not placed.text_done):
            return placed
        if placed or not ending:
            return None
        for part in reversed(item.shelves[shelf]):
            if part.type == part_type and not part.closed:
                return part
        return None

    # items

    def _item_added(self, event: dict[str, Any], event_type: str) -> None:
        body = mapping(event, "item")
        item_type = text(body, "type")
        index, upstream_id = place(event, "output_index"), identity(body, "id")
        item = self._addresses.named(index, upstream_id, item_type)
        same = item and (upstream_id == item.upstream_id or not (upstream_id and item.upstream_id))
        if item and same and not item.closed:
            # Its first delta came before it, or it is said twice.
            self._addresses.bind(item, index, upstream_id)
            item.learn(body)
            return
        self._addresses.open(item_type, body, index, upstream_id)

    def _item_done(self, event: dict[str, Any], event_type: str) -> None:
        body = mapping(event, "item")
        item_type = text(body, "type")
        index, upstream_id = place(event, "output_index"), identity(body, "id")
        item = self._addresses.find(index, upstream_id, item_type)
        if item is None:
            item = self._addresses.open(item_type, body, index, upstream_id)
        self._transcript.settle_item(item, body)
        self._transcript.close_item(item, optional_text(body, "status"))

    # everything else

    def _pass_on(self, event: dict[str, Any], event_type: str) -> None:
        if event_type in _LIVENESS or event.get("error"):
            return
        fields = {key: value for key, value in event.items() if key not in _NUMBERED}
        index, upstream_id = place(event, "output_index"), identity(event, "item_id")
        if index is not None or upstream_id is not None:
            item = self._addresses.find(index, upstream_id, None)
            if item is None or item.closed:
                return
            fields |= _readdressed(item, event)
        if "response_id" in event:
            fields["response_id"] = self._response_id
        if "response" in event:
            fields["response"] = self._snapshot()
        self._transcript.pass_on(event_type, fields)


def _readdressed(item: Item, event: dict[str, Any]) -> dict[str, Any]:
    address: dict[str, Any] = {"item_id": item.id, "output_index": item.index}
    for shelf, key in INDEX_KEYS.items():
        position = place(event, key)
        part = item.places.get((shelf, position)) if position is not None else None
        if part:
            address[key] = part.index
    return address
