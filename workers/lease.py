"""The hold on what this process runs: heartbeats, fences, cancels, deadlines.

One beat thread renews all leases in one UPDATE; what is missing from its answer is no longer ours.
In between it looks at the logs' owners, so that a cancel is heard within seconds. One watchdog
thread ends calls that are past a deadline. Only a fence stops a paid stream: an unreachable
database or Redis does not.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shared.errors import LogUnavailable, StoreUnavailable
from shared.log import EventLog
from shared.rounds import Rounds
from shared.store.leases import Leases
from workers.providers.http import Call
from workers.source import Place

_log = logging.getLogger("respool.lease")

LISTEN_SECONDS = 1.0  # how often the logs' owners are looked at
WATCH_SECONDS = 0.25

Held = tuple[str, int]  # response id, attempt


class Beat:
    def __init__(self, leases: Leases, log: EventLog, *, owner: str, heartbeat_seconds: float) -> None:
        self.owner = owner
        self._leases = leases
        self._event_log = log
        self._heartbeat = heartbeat_seconds
        self._held: dict[Held, Callable[[], None]] = {}
        self._places: dict[Held, Place] = {}
        self._lock = threading.Lock()
        self._next_beat = time.monotonic() + heartbeat_seconds
        self._rounds = Rounds("beat", self._round, lambda: min(LISTEN_SECONDS, heartbeat_seconds))

    def start(self) -> None:
        self._rounds.start()

    def stop(self) -> None:
        self._rounds.stop()

    @property
    def is_alive(self) -> bool:
        return self._rounds.is_alive

    @contextmanager
    def holding(
        self, response_id: str, attempt: int, lost: Callable[[], None], place: Place | None = None
    ) -> Iterator[None]:
        """While inside, the lease is renewed; `lost` is called once it is another's."""
        held = (response_id, attempt)
        with self._lock:
            self._held[held] = lost
            if place is not None:
                self._places[held] = place
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(held, None)
                self._places.pop(held, None)

    def hand_over(self) -> None:
        """Give up every generation that another worker can resume, so that it may do so at once."""
        with self._lock:
            resumable = {held for held, place in self._places.items() if place.upstream_id is not None}
        self._lose(resumable)
        for response_id, attempt in resumable:
            try:
                self._leases.let_go(response_id, attempt)
            except StoreUnavailable as error:
                _log.warning("not handed over: %s", error, extra={"response_id": response_id})

    def fence_all(self) -> None:
        self._lose(self._snapshot())

    def _round(self) -> None:
        if time.monotonic() >= self._next_beat:
            self._next_beat = time.monotonic() + self._heartbeat
            self._beat()
        self._listen()

    def _beat(self) -> None:
        held = self._snapshot()
        if not held:
            return
        try:
            mine = self._leases.beat(self.owner, held)
            self._lose(held - mine)
            with self._lock:
                places = [
                    (h, p.upstream_id, p.cursor)
                    for h, p in self._places.items()
                    if h in mine and p.upstream_id is not None
                ]
            self._leases.mirror(places)
        except StoreUnavailable as error:
            _log.warning("leases not renewed: %s", error)

    def _listen(self) -> None:
        held = sorted(self._snapshot())
        if not held:
            return
        try:
            states = self._event_log.heads([response_id for response_id, _ in held])
        except LogUnavailable:
            return
        self._lose({h for h, s in zip(held, states, strict=True) if s is not None and s.attempt > h[1]})

    def _snapshot(self) -> set[Held]:
        with self._lock:
            return set(self._held)

    def _lose(self, lost: set[Held]) -> None:
        for held in lost:
            with self._lock:
                callback = self._held.pop(held, None)
            if callback is not None:
                _log.info("fenced", extra={"response_id": held[0], "attempt": held[1]})
                callback()


class Watchdog:
    def __init__(self, beat: Beat) -> None:
        self._beat = beat
        self._calls: set[Call] = set()
        self._lock = threading.Lock()
        self._rounds = Rounds("watchdog", self._look, lambda: WATCH_SECONDS)

    def start(self) -> None:
        self._rounds.start()

    def stop(self) -> None:
        self._rounds.stop()

    @contextmanager
    def watching(self, call: Call) -> Iterator[None]:
        with self._lock:
            self._calls.add(call)
        try:
            yield
        finally:
            with self._lock:
                self._calls.discard(call)

    def _look(self) -> None:
        now = time.monotonic()
        with self._lock:
            calls = list(self._calls)
        for call in calls:
            late = call.overdue(now)
            if late is not None:
                call.end(late)
        if not self._beat.is_alive and not self._rounds.stopping.is_set():
            _log.error("the beat thread is dead: giving up what this process runs")
            self._beat.fence_all()


class Hold:
    """Both hands on a response: its lease is renewed, its call is watched."""

    def __init__(self, beat: Beat, watchdog: Watchdog) -> None:
        self._beat = beat
        self._watchdog = watchdog

    @contextmanager
    def holding(self, response_id: str, attempt: int, call: Call, place: Place) -> Iterator[None]:
        with self._beat.holding(response_id, attempt, call.fence, place), self._watchdog.watching(call):
            try:
                yield
            finally:
                call.detach()
