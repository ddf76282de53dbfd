"""What must be true of every response after every step, whatever has happened (RELIABILITY 5)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from shared.lifecycle import TRANSITIONS, is_terminal, terminal_event_type
from shared.store.rows import Stored
from shared.wire import events
from tests.support.backends import Backends

_PATHS = {(a, b) for starts, ends in TRANSITIONS.values() for a in starts for b in ends}
_TERMINAL_EVENTS = {"response.completed", "response.incomplete", "response.failed"}


@dataclass
class Watched:
    """One response as it was last seen."""

    id: str
    status: str = "queued"
    attempt: int = 0
    claims: set[int] = field(default_factory=set)
    gates: int = 0
    end: tuple[object, ...] | None = None
    frames: list[bytes] = field(default_factory=list)  # the longest transcript anybody can have
    archive: bytes | None = None
    lost: bool = False
    deleted: bool = False
    looked: tuple[object, object] | None = None


class Watcher:
    def __init__(self, backends: Backends) -> None:
        self._backends = backends
        self.responses: dict[str, Watched] = {}

    def check(self, *, again: bool = False) -> None:
        """All responses; of those that look as before, only `again` looks at the contents too."""
        ids = list(self.responses)
        rows = self._backends.store.responses.states(ids)
        for response_id, head in zip(ids, self._backends.log.heads(ids), strict=True):
            watched, row = self.responses[response_id], rows.get(response_id)
            if watched.deleted:
                # I15: deleted stays deleted
                assert row is None or row.deleted_at is not None
                continue
            assert row is not None, "an accepted response has vanished"
            if again or (row, head) != watched.looked:
                watched.looked = (row, head)
                self._check_contents(watched)

    def _check_contents(self, watched: Watched) -> None:
        stored = self._backends.store.responses.get(watched.id)
        assert stored is not None
        _check_row(watched, stored)
        self._check_log(watched, stored)
        self._check_archive(watched, stored)

    def _check_log(self, watched: Watched, stored: Stored) -> None:
        found = self._backends.log.read_all(watched.id)
        if found.state is None:
            assert found.frames == []
            return
        assert found.state.seq == len(found.frames) - 1
        assert found.state.attempt <= stored.row.attempt
        watched.lost = watched.lost or found.state.lost
        _check_transcript(watched, found.frames)
        types = [events.event_type(frame) for frame in found.frames]
        # I9: one terminal event, last, equal to the row, which was terminal before
        assert not _TERMINAL_EVENTS.intersection(types[:-1])
        assert found.state.terminal is (types[-1] in _TERMINAL_EVENTS)
        if found.state.terminal:
            assert stored.result is not None
            assert found.frames[-1] == events.terminal(stored.row.status, found.state.seq, stored.result)

    def _check_archive(self, watched: Watched, stored: Stored) -> None:
        if stored.row.terminal_seq is None or not stored.row.store:
            return
        packed = self._backends.store.responses.archive(watched.id)
        assert packed is not None
        if watched.archive is not None:
            assert packed == watched.archive, "an archive has changed"
            return
        watched.archive = packed
        frames = events.split(zlib.decompress(packed))
        _check_transcript(watched, frames)
        assert stored.result is not None and stored.row.terminal_seq == len(frames) - 1
        assert events.event_type(frames[-1]) == terminal_event_type(stored.row.status)
        assert events.terminal_response(frames[-1]) == stored.result


def _check_row(watched: Watched, stored: Stored) -> None:
    row = stored.row
    # I2: allowed paths only; I5: attempts only grow
    assert row.status == watched.status or (watched.status, row.status) in _PATHS
    assert row.attempt >= watched.attempt
    assert watched.gates <= 1
    end = (row.status, row.attempt, row.terminal_at, stored.result) if is_terminal(row.status) else None
    assert watched.end is None or end == watched.end, "a terminal response has changed"
    watched.status, watched.attempt, watched.end = row.status, row.attempt, end


def _check_transcript(watched: Watched, frames: list[bytes]) -> None:
    # I7: dense from 0; I30: deltas of one generation only
    decoded = [events.decode(frame) for frame in frames]
    assert [event["sequence_number"] for event in decoded] == list(range(len(frames)))
    generations = {event["delta"].split(".")[0] for event in decoded if "delta" in event}
    assert len(generations) <= 1
    if not watched.lost:
        # I8: two transcripts agree where they overlap
        both = min(len(frames), len(watched.frames))
        assert frames[:both] == watched.frames[:both]
        watched.frames = max(frames, watched.frames, key=len)
