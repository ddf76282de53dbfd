"""What one process of the load generator can do: five kinds of load, each in two steps.

`prepare` opens connections and warms up; `run` is what gets measured. A job is a JSON object made by
`bench.driving`; the result is one too.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bench.connection import Connection, Disconnected, request_bytes
from bench.deltas import Deltas

Json = dict[str, Any]
_OPENINGS_AT_ONCE = 16


class Job:
    """The loop that all kinds share: `connections` clients, each with one request at a time."""

    def __init__(self, spec: Json) -> None:
        self.spec = spec
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []
        self._number = itertools.count(spec.get("first_number", 0))
        self.connections = [Connection(spec["host"], spec["port"]) for _ in range(spec["connections"])]

    async def prepare(self) -> None:
        for connection in self.connections:
            await connection.open()
        if self.spec.get("warmup"):
            await self._loop(self.spec["warmup"])
            self.forget()

    def forget(self) -> None:
        self.statuses.clear()
        self.latencies.clear()

    async def run(self) -> None:
        await self._loop(self.spec["seconds"])

    def report(self) -> Json:
        return {"statuses": dict(self.statuses), "latencies": self.latencies}

    async def one(self, connection: Connection) -> None:
        raise AssertionError("each kind has its own")

    def request(self, path: str | None = None, **headers: str) -> bytes:
        spec = self.spec
        body = spec.get("body")
        return request_bytes(
            spec["method"],
            path or spec["path"],
            host=f"{spec['host']}:{spec['port']}",
            headers={**spec["headers"], **headers},
            body=body,
        )

    async def _loop(self, seconds: float) -> None:
        until = time.perf_counter() + seconds

        async def client(connection: Connection) -> None:
            while time.perf_counter() < until:
                await self.guarded(connection)

        await asyncio.gather(*map(client, self.connections))

    async def guarded(self, connection: Connection) -> None:
        try:
            await self.one(connection)
        except (Disconnected, OSError) as error:
            self.statuses[type(error).__name__] += 1
            await asyncio.sleep(0.01)


class Requests(Job):
    """Plain requests; with `paths`, one after the other of these."""

    def __init__(self, spec: Json) -> None:
        super().__init__(spec)
        made = [self.request(path) for path in spec.get("paths") or [spec["path"]]]
        self._requests: Iterator[bytes] = itertools.cycle(made)

    async def one(self, connection: Connection) -> None:
        request = next(self._requests)
        started = time.perf_counter()
        status = await connection.ask(request)
        self.latencies.append(time.perf_counter() - started)
        self.statuses[str(status)] += 1


class Streams(Job):
    """Whole streams; `keyed`: each with an Idempotency-Key, so that the upstream's ledger knows it."""

    def __init__(self, spec: Json) -> None:
        super().__init__(spec)
        self._plain = self.request()
        self._streams: list[Json] = []

    def forget(self) -> None:
        super().forget()
        self._streams.clear()

    async def one(self, connection: Connection) -> None:
        request, key = self._plain, ""
        if self.spec.get("keyed"):
            key = f"bench-{next(self._number)}"
            request = self.request(**{"Idempotency-Key": key})
        deltas = Deltas(arrivals=bool(self.spec.get("arrivals")))
        started = time.perf_counter()
        status = await connection.ask(request, deltas)
        self.latencies.append(time.perf_counter() - started)
        self.statuses[str(status)] += 1
        self._streams.append(deltas.report(started, key=key))

    def report(self) -> Json:
        return {**super().report(), "streams": self._streams}


class Submissions(Job):
    """`count` requests, as fast as the connections take them; the ids that came back."""

    def __init__(self, spec: Json) -> None:
        super().__init__(spec)
        self._request = self.request()
        self._left = spec["count"]
        self._ids: list[str] = []

    async def run(self) -> None:
        async def client(connection: Connection) -> None:
            while self._left > 0:
                self._left -= 1
                await self.guarded(connection)

        await asyncio.gather(*map(client, self.connections))

    async def one(self, connection: Connection) -> None:
        deltas = Deltas()  # finds the id
        started = time.perf_counter()
        status = await connection.ask(self._request, deltas)
        self.latencies.append(time.perf_counter() - started)
        self.statuses[str(status)] += 1
        if status == 200:
            self._ids.append(deltas.response_id)

    def report(self) -> Json:
        return {**super().report(), "ids": self._ids}


class Held(Job):
    """As many streams at once as there are connections: opened in `prepare`, watched in `run`."""

    def __init__(self, spec: Json) -> None:
        super().__init__(spec)
        self._request = self.request()
        self._sinks = [Deltas() for _ in self.connections]
        self._before = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def prepare(self) -> None:
        gate = asyncio.Semaphore(_OPENINGS_AT_ONCE)
        pairs = zip(self.connections, self._sinks, strict=True)
        await asyncio.gather(*(self._open(gate, connection, sink) for connection, sink in pairs))
        self._before = self.delivered

    @property
    def delivered(self) -> int:
        return sum(sink.count for sink in self._sinks)

    async def run(self) -> None:
        if self.spec.get("to_the_end"):
            await asyncio.wait(self._tasks)
        else:
            await asyncio.sleep(self.spec["seconds"])

    def report(self) -> Json:
        return {
            **super().report(),
            "opened": sum(sink.opened is not None for sink in self._sinks),
            "alive": sum(not task.done() for task in self._tasks),
            "completed": sum(sink.completed for sink in self._sinks),
            "delivered": self.delivered - self._before,
        }

    async def _open(self, gate: asyncio.Semaphore, connection: Connection, sink: Deltas) -> None:
        async with gate:
            await connection.open()
            task = asyncio.create_task(self._follow(connection, sink))
            self._tasks.append(task)
            while sink.opened is None and not task.done():
                await asyncio.sleep(0.002)

    async def _follow(self, connection: Connection, sink: Deltas) -> None:
        try:
            told = str(await connection.ask(self._request, sink))
        except Exception as error:  # nobody awaits this task: whatever it is must show
            told = type(error).__name__
        self.statuses[told] += 1


KINDS: dict[str, type[Job]] = {
    "requests": Requests,
    "streams": Streams,
    "submissions": Submissions,
    "held": Held,
}
