"""A long random mix of load and faults on a whole stack: one seed gives one schedule of both.

Requests come at their times whether or not earlier ones have ended. Clients behave as SDKs do: they
repeat what broke off, by Idempotency-Key or by the mark of a retry. Every transcript is kept for the
checker, and every wish is its own, so that a second payment for it shows.
"""

from __future__ import annotations

import heapq
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.checker import Checker, Row, paid_again
from tests.support.clients import Caller, Follower, Transcript
from tests.support.stack import Stack
from tests.support.waiting import wait_until

COMPONENTS = ("worker", "worker", "api", "redis", "upstream")
FAULT_SECONDS = (3.0, 10.0)
DATABASE_SECONDS = (120.0, 150.0)
FIRST_DATABASE_SECONDS = (30.0, 50.0)
MAX_IN_FLIGHT = 120
EXPLAINED = {  # ends that a fault explains, where the generation cannot be resumed
    "worker_lost",
    "upstream_disconnected",
    "upstream_unreachable",
}


@dataclass(frozen=True)
class Order:
    kind: str  # stream, block, background
    repeat: str  # how it is sent again: key, sdk
    body: dict[str, Any]


@dataclass(order=True)
class Moment:
    at: float
    what: Order | str = field(compare=False)  # an order, or the component to break


def schedule(seed: int, *, seconds: float, rate: float) -> list[Moment]:
    """All that will happen, in order; the two kinds have their own chance."""
    orders = _orders(random.Random(f"{seed}.requests"), seconds, rate)
    faults = _faults(random.Random(f"{seed}.faults"), seconds)
    databases = _databases(random.Random(f"{seed}.database"), seconds)
    return list(heapq.merge(orders, faults, databases))


def _orders(rng: random.Random, seconds: float, rate: float) -> Iterator[Moment]:
    at, number = 0.0, 0
    while (at := at + rng.expovariate(rate)) < seconds:
        number += 1
        yield Moment(at, _order(rng, number))


def _order(rng: random.Random, number: int) -> Order:
    kind = rng.choices(("stream", "block", "background"), (4, 3, 3))[0]
    provider = rng.choice(("resumable/", ""))
    model = f"{provider}mock-n{rng.randrange(10, 80)}-i{rng.randrange(20, 60)}"
    body: dict[str, Any] = {"model": model, "input": f"wish {number}"}
    if kind == "block":
        body["store"] = rng.random() < 0.8
    if kind == "background" or (kind == "stream" and rng.random() < 0.3):
        body["background"] = True
    # in the background only a key tells a repeat from a second wish
    return Order(kind, "key" if "background" in body else rng.choice(("key", "sdk")), body)


def _faults(rng: random.Random, seconds: float) -> Iterator[Moment]:
    at = 5.0
    while (at := at + rng.uniform(*FAULT_SECONDS)) < seconds:
        yield Moment(at, rng.choice(COMPONENTS))


def _databases(rng: random.Random, seconds: float) -> Iterator[Moment]:
    at = rng.uniform(*FIRST_DATABASE_SECONDS)
    while at < seconds:
        yield Moment(at, "database")
        at += rng.uniform(*DATABASE_SECONDS)


class Soak:
    def __init__(self, stack: Stack, moments: list[Moment], break_database: Callable[[], None]) -> None:
        self.kills: Counter[str] = Counter()
        self.orders: list[tuple[Order, Caller | Follower]] = []
        self.transcripts: list[Transcript] = []
        self.checker = Checker(stack)
        self._stack = stack
        self._moments = moments
        self._break_database = break_database
        self._room = threading.Semaphore(MAX_IN_FLIGHT)
        self._threads: list[threading.Thread] = []

    def run(self, tell: Callable[[float], None] = lambda _: None) -> None:
        """The whole schedule, and until every client has its answer."""
        began = time.monotonic()
        breaker: threading.Thread | None = None
        for moment in self._moments:
            time.sleep(max(0.0, began + moment.at - time.monotonic()))
            tell(moment.at)
            if isinstance(moment.what, Order):
                self._send(moment.what)
            elif breaker is None or not breaker.is_alive():
                # beside the load, which goes on; one fault after the other
                breaker = self._thread(lambda what=moment.what: self._break(what))  # type: ignore[misc]
        for thread in self._threads:
            thread.join(240)
            assert not thread.is_alive(), "a client hangs"

    def findings(self) -> list[str]:
        ledger = self._stack.upstream.ledger()["calls"]
        callers = [client for _, client in self.orders if isinstance(client, Caller)]
        found = self.checker.findings(self.transcripts, callers)
        return [*found, *paid_again(self.checker.asked(), ledger), *self._oddities()]

    def outcomes(self) -> Counter[str]:
        return Counter(_outcome(row) for row in self.checker.rows().values())

    def _oddities(self) -> Iterator[str]:
        """Ends that no fault explains, and answers that are faults of ours."""
        asked = self.checker.asked()
        orders = {order.body["input"]: order for order, _ in self.orders}
        for row in self.checker.rows().values():
            order = orders.get(asked.get(row.id, ""))
            if row.status == "completed" or order is None:
                continue
            # until the upstream has named a generation, nobody can go on with it
            resumable = row.upstream_response_id is not None
            if row.status == "failed" and row.error_reason in EXPLAINED and not resumable:
                continue
            if row.status == "cancelled" and not row.store:
                continue  # its waiting client was cut off
            yield f"odd {row.id}: ended {_outcome(row)}, resumable: {resumable}, attempt {row.attempt}"
        for order, client in self.orders:
            if client.status not in (None, 200, 503):
                yield f"odd {order.kind} {order.body['input']}: answered {client.status}"

    def _send(self, order: Order) -> None:
        self._room.acquire()
        client: Caller | Follower
        if order.kind == "stream":
            client = Follower(self._stack, body=order.body, repeat=order.repeat)
            self.transcripts.append(client.transcript)
        else:
            client = Caller(self._stack, order.body, repeat=order.repeat)
        self.orders.append((order, client))

        def serve() -> None:
            try:
                client.run()
                if order.kind == "background" and isinstance(client, Caller):
                    self._follow(client)
            finally:
                self._room.release()

        self._thread(serve)

    def _follow(self, caller: Caller) -> None:
        if caller.answer is not None and caller.status == 200:
            follower = Follower(self._stack, response_id=caller.answer["id"])
            self.transcripts.append(follower.transcript)
            follower.run()

    def _break(self, component: str) -> None:
        if component == "database":
            self._break_database()
        elif component == "upstream":
            assert self._stack.upstream_line is not None
            self._stack.upstream_line.reset()
        else:
            wait_until(lambda: self._stack.dev["pids"].get(component), f"{component} is there to be killed")
            self._stack.wait_for_restart(component, self._stack.kill(component))
        self.kills[component] += 1

    def _thread(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)
        return thread


def _outcome(row: Row) -> str:
    return f"{row.status} {row.error_reason}" if row.error_reason else row.status
