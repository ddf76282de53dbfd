"""Which of our items and parts an upstream event speaks of. PURE.

An item is known by the upstream's output_index if given, else by its id, else it is the one most
recently opened; an item or part nobody announced is opened on first mention. Upstreams exist that
count every item as 0, or speak of reasoning under a message's index: type and index name a place.
"""

from __future__ import annotations

from typing import Any

from workers.assembly.items import Channel, Item, Part
from workers.assembly.reading import identity, place
from workers.assembly.transcript import Transcript

# These are written one after the other; calls may run side by side.
_SEQUENTIAL = frozenset({"message", "reasoning"})


class Addresses:
    """The upstream's names for the items of a transcript."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._by_id: dict[str, Item] = {}
        self._by_place: dict[tuple[int, str], Item] = {}
        self._by_index: dict[int, Item] = {}

    def bind(self, item: Item, index: int | None, upstream_id: str | None) -> None:
        if index is not None:
            item.upstream_index = index
            self._by_place[index, item.type] = item
            self._by_index[index] = item
        if upstream_id is not None:
            item.upstream_id = upstream_id
            self._by_id[upstream_id] = item

    def named(self, index: int | None, upstream_id: str | None, item_type: str | None) -> Item | None:
        """The item of this type (None: of any) that the upstream called so."""
        known = self._by_id.get(upstream_id) if upstream_id else None
        if known and item_type in (None, known.type) and (index is None or index == known.upstream_index):
            return known
        if index is None:
            return None
        return self._by_place.get((index, item_type)) if item_type else self._by_index.get(index)

    def find(self, index: int | None, upstream_id: str | None, item_type: str | None) -> Item | None:
        """The item called so, else the most recently opened one that may be meant."""
        known = self.named(index, upstream_id, item_type)
        if known:
            return known
        for item in reversed(self._transcript.open.values()):
            if item_type in (None, item.type) and _may_be(item, index, upstream_id):
                self.bind(item, index, upstream_id)
                return item
        return None

    def opaque(self, index: int | None, upstream_id: str | None) -> Item | None:
        """The item called so, if it is of a type we know nothing of."""
        known = self.named(index, upstream_id, None)
        return known if known and known.opaque else None

    def open(self, item_type: str, body: dict[str, Any], index: int | None, upstream_id: str | None) -> Item:
        if index is not None:
            self._move_on(index)
        item = self._transcript.open_item(item_type, body)
        self.bind(item, index, upstream_id)
        return item

    def item_for_text(self, event: dict[str, Any], channel: Channel, *, growing: bool) -> Item:
        index, upstream_id = place(event, "output_index"), identity(event, "item_id")
        item = self.find(index, upstream_id, channel.item_type) or self.opaque(index, upstream_id)
        # Text that comes after we had closed its item is not lost: it goes on in a new one.
        if item is None or (item.closed and growing and item.type in _SEQUENTIAL):
            named: dict[str, Any] = {key: event[key] for key in ("name", "call_id") if key in event}
            return self.open(channel.item_type, named, index, upstream_id)
        return item

    def part_for_text(self, item: Item, event: dict[str, Any], channel: Channel) -> Part | None:
        """The part a text event speaks of, opened if need be; None where its item is closed."""
        if channel.part is None:
            return item.own
        position = place(event, channel.index_key)
        placed = item.places.get((channel.shelf, position)) if position is not None else None
        if placed and placed.channel is channel:
            return placed
        for part in reversed(item.shelves[channel.shelf]):
            if part.channel is not channel or (position is not None and part in item.places.values()):
                continue
            # A `done` said twice is no second part.
            if not part.text_done or event.get(channel.key) == part.whole():
                if position is not None:
                    item.places[channel.shelf, position] = part
                return part
        return None if item.closed else self.open_part(item, channel.shelf, {"type": channel.part}, position)

    def open_part(self, item: Item, shelf: str, body: dict[str, Any], position: int | None) -> Part:
        part = self._transcript.open_part(item, shelf, body)
        if position is not None:
            item.places[shelf, position] = part
        return part

    def _move_on(self, index: int) -> None:
        """The upstream adds an item: what it wrote before and never ended is over."""
        for item in list(self._transcript.open.values()):
            written = item.type in _SEQUENTIAL and item.spoken()
            if written and item.upstream_index is not None and item.upstream_index < index:
                self._transcript.close_item(item, "completed")


def _may_be(item: Item, index: int | None, upstream_id: str | None) -> bool:
    """Whether nothing contradicts that the item goes by these names."""
    return (index is None or item.upstream_index in (None, index)) and (
        upstream_id is None or item.upstream_id in (None, upstream_id)
    )
