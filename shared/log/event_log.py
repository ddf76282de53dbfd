"""One log a response: sequence numbers dense from 0, one terminal event, last.

Written by the Lua scripts only. Redis is never the only copy of anything: the running worker has
the journal, an ended response its archive in SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import redis
from redis.commands.core import Script

from shared.log import scripts
from shared.log.guard import guarded
from shared.log.round_trip import Command, Lines, call

Push = tuple[str, bytes]  # a Redis list, and what goes onto it

LIVE_SECONDS = 48 * 3600  # beyond any queue deadline plus any deadline: only a leak lives that long
ENDED_SECONDS = 60  # after the archive is written
WATCH_SECONDS = 3600  # a follower that still waits says so again; of one that went nothing must stay
_PAGE = 500  # entries a read takes, or logs a look asks for, at a time


@dataclass(frozen=True, slots=True)
class LogState:
    attempt: int
    seq: int  # last written, -1 when empty
    terminal: bool
    lost: bool  # rebuilt without its journal: what came before is not known any more
    cursor: int | None = None  # of a resumable generation: its last upstream event that is wholly here
    frames: bytes = b""  # all of it, for a process that came to hear a short log when it had ended


@dataclass(frozen=True, slots=True)
class Slice:
    """Frames after a cursor, and the log's state when they were read; None: there is no log."""

    frames: list[bytes]
    state: LogState | None


@dataclass(frozen=True, slots=True)
class Batch:
    response_id: str
    attempt: int
    first: int  # sequence number of the first frame
    frames: Sequence[bytes]
    cursor: int | None = None  # the last upstream event whose frames end with this batch
    takes: bool = False  # the log may be an earlier attempt's still, and is mine from then on


class EventLog:
    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._lines = Lines(client)
        self._acquire = client.register_script(scripts.ACQUIRE)
        self._append = client.register_script(scripts.APPEND)
        self._reseed = client.register_script(scripts.RESEED)
        self._pass_waiter = client.register_script(scripts.PASS_WAITER)
        self._leave = client.register_script(scripts.LEAVE)
        self._scripts = (self._acquire, self._append, self._reseed, self._pass_waiter, self._leave)

    def acquire(
        self,
        response_id: str,
        attempt: int,
        opening: Sequence[bytes],
        *,
        channel: str = "",
        lost: bool = False,
        push: Push | None = None,
    ) -> LogState:
        """Make the log mine under `attempt`; it begins with the opening events, whoever writes them.

        The answer's attempt is the owner's: greater than mine, I am fenced. `channel` is an API
        process that follows. `lost` marks a log that had more events than it can be given now. A `push`
        is done in the same round trip, after it.
        """
        args = [response_id, attempt, LIVE_SECONDS * 1000, channel, int(lost), *opening]
        also = [] if push is None else [("LPUSH", *push)]
        return _state(self._run(self._acquire, response_id, args, *also))

    def append(
        self,
        response_id: str,
        attempt: int,
        first: int,
        frames: Sequence[bytes],
        *,
        seconds: float = 0.0,
        takes: bool = False,
    ) -> int:
        """Append events; `seconds` > 0: the last one is terminal, and the log goes after that time.

        `takes`: as of a Batch. The last sequence number, or one of scripts.FENCED, ENDED, GAP. Repeating is
        harmless.
        """
        batch = Batch(response_id, attempt, first, frames, takes=takes)
        return int(self._run(self._append, response_id, _arguments(batch, seconds)))

    def append_many(self, batches: Sequence[Batch]) -> list[int]:
        """Batches of several responses in one round trip; an answer each, as `append`."""
        commands = [call(self._append, _keys(b.response_id), _arguments(b)) for b in batches]
        return [int(answer) for answer in self._send(commands)]

    def reseed(
        self, response_id: str, attempt: int, journal: Sequence[bytes], *, cursor: int | None = None
    ) -> int:
        """Replace the whole log by my journal. Only after a renewal that proved the row mine."""
        args = [response_id, attempt, LIVE_SECONDS * 1000, _text(cursor), *journal]
        return int(self._run(self._reseed, response_id, args))

    def read(self, response_id: str, after: int, *, channel: str = "", limit: int = _PAGE) -> Slice:
        """Events with a sequence number above `after`; a channel given starts to hear of new ones."""
        log, meta, watch = _keys(response_id)

        def call() -> list[Any]:
            pipeline = self._redis.pipeline(transaction=True)
            if channel:
                pipeline.sadd(watch, channel)
                pipeline.expire(watch, WATCH_SECONDS)
            pipeline.hmget(meta, "attempt", "seq", "terminal", "lost", "cursor")
            pipeline.xrange(log, f"{after + 2}-0", "+", count=limit)
            return pipeline.execute()

        *_, head, entries = guarded(call)
        state = None if head[0] is None else _state(head)
        return Slice([fields[b"f"] for _, fields in entries], state)

    def read_all(self, response_id: str) -> Slice:
        """The whole log, page by page."""
        frames: list[bytes] = []
        while True:
            part = self.read(response_id, len(frames) - 1)
            frames += part.frames
            if len(part.frames) < _PAGE:
                return Slice(frames, part.state)

    def heads(self, response_ids: Sequence[str], *, channel: str = "") -> list[LogState | None]:
        """The states of many logs in few round trips; `channel` goes on watching them."""
        states: list[LogState | None] = []
        for start in range(0, len(response_ids), _PAGE):
            # page by page: an event loop has other things to do in between
            states += self._heads(response_ids[start : start + _PAGE], channel)
        return states

    def _heads(self, response_ids: Sequence[str], channel: str) -> list[LogState | None]:
        def call() -> list[Any]:
            pipeline = self._redis.pipeline(transaction=False)
            for response_id in response_ids:
                _, meta, watch = _keys(response_id)
                if channel:
                    pipeline.sadd(watch, channel)
                    pipeline.expire(watch, WATCH_SECONDS)
                pipeline.hmget(meta, "attempt", "seq", "terminal", "lost", "cursor")
            return pipeline.execute()

        heads = [a for a in guarded(call) if isinstance(a, list)]
        return [None if h[0] is None else _state(h) for h in heads]

    def waiter(self, response_id: str) -> str | None:
        """The channel of the API process whose client waits; "" once that client was seen to go.

        None where there is no log.
        """
        found = guarded(lambda: self._redis.hmget(_keys(response_id)[1], "attempt", "waiter"))
        if found[0] is None:
            return None
        return "" if found[1] is None else cast(bytes, found[1]).decode()

    def hears(self, channel: str) -> bool:
        """Whether an API process still listens on its channel: a dead one does not."""
        return any(count > 0 for _, count in guarded(lambda: self._redis.pubsub_numsub(channel)))

    def watching(self, response_id: str) -> list[str]:
        """The channels of the API processes that follow, or followed until they died."""
        found = guarded(lambda: self._redis.smembers(_keys(response_id)[2]))
        return [channel.decode() for channel in cast(set[bytes], found)]

    def leave(self, response_id: str, channel: str) -> None:
        """This process follows no more, and is not the waiter."""
        self._run(self._leave, response_id, [channel])

    def pass_waiter(self, response_id: str, old: str, new: str) -> bool:
        """Make `new` the waiter if `old` still is; "" for nobody. False: somebody else was faster."""
        return bool(self._run(self._pass_waiter, response_id, [old, new]))

    def expire(self, response_id: str, seconds: float) -> None:
        def call() -> None:
            pipeline = self._redis.pipeline(transaction=False)
            for key in _keys(response_id):
                pipeline.pexpire(key, int(seconds * 1000))
            pipeline.execute()

        guarded(call)

    def drop(self, response_ids: Iterable[str]) -> None:
        keys = [key for response_id in response_ids for key in _keys(response_id)]
        if keys:
            guarded(lambda: self._redis.unlink(*keys))

    def fullness(self) -> float:
        """Used part of maxmemory; 0 where there is no limit."""
        memory = guarded(lambda: self._redis.info("memory"))
        limit = int(memory.get("maxmemory", 0))
        return int(memory.get("used_memory", 0)) / limit if limit else 0.0

    def ping(self) -> None:
        """Raises LogUnavailable where Redis cannot be written."""
        guarded(lambda: self._redis.set("respool:ping", b"1", ex=60))

    def _run(self, script: Script, response_id: str, args: Sequence[Any], *also: Command) -> Any:
        return self._send([call(script, _keys(response_id), args), *also])[0]

    def _send(self, commands: Sequence[Command]) -> list[Any]:
        return self._lines.round_trip(commands, self._scripts) if commands else []


def _keys(response_id: str) -> tuple[str, str, str]:
    stem = "respool:{" + response_id + "}"
    return stem + ":log", stem + ":meta", stem + ":watch"


def _state(values: Sequence[Any]) -> LogState:
    attempt, seq, terminal, lost = (int(v or 0) for v in values[:4])
    cursor, frames = values[4], values[5] if len(values) > 5 else b""
    return LogState(attempt, seq, bool(terminal), bool(lost), int(cursor) if cursor else None, frames)


def _arguments(batch: Batch, seconds: float = 0.0) -> list[Any]:
    """As APPEND takes a batch; `seconds` > 0: its last event is terminal."""
    place = [batch.response_id, batch.attempt, batch.first]
    return [
        *place,
        int(seconds > 0),
        int(seconds * 1000),
        _text(batch.cursor),
        int(batch.takes),
        *batch.frames,
    ]


def _text(cursor: int | None) -> str:
    return "" if cursor is None else str(cursor)
