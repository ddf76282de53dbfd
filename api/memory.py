"""One connection's memory of its unstored responses: the latest of each lane, and no more than fits.

What is kept is a transcript, enough to go on from: the store keeps nothing of a `store: false`
response that could be read again. Gone with the connection.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import orjson

from api.creation import Accepted, Earlier
from shared.wire.input_items import OUTPUT_OF

MAX_BYTES = 8 * 1024 * 1024
MAX_ENTRIES = 32  # as many as there can be lanes


@dataclass(frozen=True, slots=True)
class _Entry:
    lane: str | None
    earlier: Earlier
    size: int


class Memory:
    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()  # by response id, oldest first

    def find(self, response_id: object) -> Earlier | None:
        with self._lock:
            entry = self._entries.get(response_id) if isinstance(response_id, str) else None
        return None if entry is None else entry.earlier

    def forget(self, response_id: object) -> None:
        with self._lock:
            if isinstance(response_id, str):
                self._entries.pop(response_id, None)

    def keep(self, lane: str | None, accepted: Accepted, output: list[dict[str, Any]]) -> None:
        """Remember a response that ended well, in place of the lane's one before it."""
        row = accepted.row
        if row.store or row.conversation_id is not None:
            return  # its history is not all in what we hold
        items = [*_as_items(accepted.request.get("input")), *(i for i in output if not _is_broken_off(i))]
        entry = _Entry(lane, Earlier(row.previous_response_id, items), len(orjson.dumps(items)))
        with self._lock:
            for known in [i for i, e in self._entries.items() if e.lane == lane]:
                del self._entries[known]
            self._entries[row.id] = entry
            while self._entries and (
                len(self._entries) > MAX_ENTRIES
                or sum(e.size for e in self._entries.values()) > self._max_bytes
            ):
                self._entries.popitem(last=False)


def _as_items(given: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": given}] if isinstance(given, str) else given or []


def _is_broken_off(item: dict[str, Any]) -> bool:
    """A call that was cut short has no output, and cannot get one."""
    return item.get("type") in OUTPUT_OF and item.get("status") == "incomplete"
