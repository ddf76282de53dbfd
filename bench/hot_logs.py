"""`python -m bench.hot_logs`: what ended logs take of Redis while so many responses end every second.

The events of one response that the product has streamed are written again and again under new ids, by
the calls that workers make, and nothing else is done: no model, no SQL. After a minute as many logs go
as come.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from redis import Redis

from shared.ids import new_response_id
from shared.log import ENDED_SECONDS, Batch, EventLog
from shared.services import connect_redis
from tests.support.clients import Follower
from tests.support.servers import RedisServer
from tests.support.stack import Stack

_BATCH = 10  # events that are appended at once
_LOOKS = 10.0
_MIB = 2**20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.hot_logs", description=__doc__)
    parser.add_argument("--rate", type=float, default=100.0, help="responses that end in a second")
    parser.add_argument("--seconds", type=float, default=2.5 * ENDED_SECONDS)
    parser.add_argument("--words", type=int, default=100, help="deltas of each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="respool-bench-") as folder:
        frames = _streamed(Path(folder) / "stack", options.words)
        server = RedisServer(Path(folder) / "redis").start()
        try:
            with closing(connect_redis(server.url)) as client:
                _run(client, frames, options.rate, options.seconds)
        finally:
            server.stop()
    return 0


def _streamed(folder: Path, words: int) -> Sequence[bytes]:
    stack = Stack(folder).start()
    try:
        follower = Follower(stack, body={"model": f"mock-n{words}", "input": "hello"})
        follower.start()
        return follower.finished().frames
    finally:
        stack.stop()


def _run(client: Redis, frames: Sequence[bytes], rate: float, seconds: float) -> None:
    log, empty = EventLog(client), _used(client)
    each = _size(client, _write(log, frames))
    expected = each * rate * ENDED_SECONDS / _MIB
    print(f"{len(frames)} events: {each:,} bytes; {rate:.0f} a second for a minute: {expected:,.0f} MiB")
    began, done, look, most = time.monotonic(), 0, _LOOKS, 0.0
    while (at := time.monotonic() - began) < seconds:
        if done > at * rate:
            time.sleep(1 / rate)
            continue
        _write(log, frames)
        done += 1
        if at >= look:
            used, look = _used(client) - empty, look + _LOOKS
            most = max(most, used)
            print(f"{at:6.0f} s: {done:,} ended, {used:,.0f} MiB", flush=True)
    print(f"most: {most:,.0f} MiB, at {done / seconds:,.0f} a second")


def _write(log: EventLog, frames: Sequence[bytes]) -> str:
    """One response's log, from its beginning to its end."""
    identity, last = new_response_id(), len(frames) - 1
    log.acquire(identity, 1, frames[:1], channel="respool:api:bench")
    for first in range(1, last, _BATCH):
        log.append_many([Batch(identity, 1, first, frames[first : min(last, first + _BATCH)])])
    log.append(identity, 1, last, frames[last:], seconds=ENDED_SECONDS)
    return identity


def _size(client: Redis, identity: str) -> int:
    keys = client.keys("respool:{" + identity + "}:*")
    return sum(int(client.memory_usage(key, samples=0) or 0) for key in keys)


def _used(client: Redis) -> float:
    return int(client.info("memory")["used_memory"]) / _MIB


if __name__ == "__main__":
    sys.exit(main())
