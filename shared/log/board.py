"""Where the processes of a deployment put what they count: numbers only, a few bytes each.

Every process adds what it has counted to one hash every few seconds, and keeps its gauges in a key
of its own that goes away with it. What a killed process had not handed on is lost: these are for
looking at, never for deciding.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import orjson
import redis

from shared.errors import LogUnavailable
from shared.log.guard import guarded
from shared.metrics import PROCESSES, Counters, Samples, Series
from shared.rounds import Rounds

FLUSH_SECONDS = 3.0
GAUGE_SECONDS = 15  # life of a process's gauges after it was last heard of
_COUNTERS = "respool:{metrics}:counters"
_MEMBERS = "respool:{metrics}:processes"
_GAUGES = "respool:{metrics}:gauges:"


class Board:
    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def put(self, process: str, deltas: Samples, gauges: Samples) -> None:
        """Add to what all have counted, and replace one process's gauges; in one transaction."""

        def call(pipeline: Any) -> None:
            for series, delta in deltas.items():
                pipeline.hincrbyfloat(_COUNTERS, _field(series), delta)
            values = [[*series, value] for series, value in gauges.items()]
            pipeline.set(_GAUGES + process, orjson.dumps(values), ex=GAUGE_SECONDS)
            pipeline.sadd(_MEMBERS, process)

        self._pipelined(call)

    def leave(self, process: str) -> None:
        """A process that ends has no gauges any more."""

        def call(pipeline: Any) -> None:
            pipeline.delete(_GAUGES + process)
            pipeline.srem(_MEMBERS, process)

        self._pipelined(call)

    def counted(self) -> dict[Series, float]:
        """The counters of all processes there ever were."""
        (found,) = self._pipelined(lambda pipeline: pipeline.hgetall(_COUNTERS))
        return {tuple(orjson.loads(field)): float(value) for field, value in found.items()}

    def gauges(self) -> list[dict[Series, float]]:
        """Those of each process that was heard of lately."""
        (members,) = self._pipelined(lambda pipeline: pipeline.smembers(_MEMBERS))
        names = sorted(cast("set[bytes]", members))
        if not names:
            return []
        (found,) = self._pipelined(lambda p: p.mget([_GAUGES.encode() + name for name in names]))
        gone = [name for name, value in zip(names, found, strict=True) if value is None]
        if gone:
            # one that only paused is back with its next flush
            self._pipelined(lambda pipeline: pipeline.srem(_MEMBERS, *gone))
        return [_gauges(value) for value in found if value is not None]

    def _pipelined(self, fill: Callable[[Any], object]) -> list[Any]:
        pipeline = self._redis.pipeline(transaction=True)
        fill(pipeline)
        return guarded(pipeline.execute)


class Reporter:
    """Puts one process's counters and gauges on the board while it lives."""

    def __init__(
        self, board: Board, counters: Counters, *, role: str, gauges: Callable[[], Samples] = dict
    ) -> None:
        self._board = board
        self._counters = counters
        self._process = f"{role}:{secrets.token_hex(8)}"
        self._role = role
        self._gauges = gauges
        self._rounds = Rounds("reporter", self.flush, lambda: FLUSH_SECONDS, at_once=True)

    def start(self) -> None:
        self._rounds.start()

    def stop(self) -> None:
        """Hand on the rest, and go."""
        self._rounds.stop()
        self._rounds.once()
        with suppress(LogUnavailable):  # its gauges go away by themselves
            self._board.leave(self._process)

    def flush(self) -> None:
        """Hand on what was counted; where Redis does not take it, the next time."""
        deltas = self._counters.take()
        try:
            gauges = {**self._gauges(), (PROCESSES.name, self._role): 1.0}
            self._board.put(self._process, deltas, gauges)
        except Exception as error:
            self._counters.give_back(deltas)
            if not isinstance(error, LogUnavailable):
                raise


def _field(series: Series) -> bytes:
    return orjson.dumps(series)


def _gauges(value: bytes) -> dict[Series, float]:
    return {tuple(entry[:-1]): float(entry[-1]) for entry in orjson.loads(value)}
