"""Waiting for PostgreSQL, and for a line to it, in gevent's event loop.

The driver's own way, where it finds gevent, starts a timer at each wait, to look for a Ctrl-C that a
greenlet never gets: a third of what a statement costs. The pool's locks are made for threads.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

from psycopg import generators, waiting
from psycopg.abc import PQGen
from sqlalchemy import pool
from sqlalchemy.util import queue

T = TypeVar("T")


def install() -> type[pool.QueuePool]:
    """For the whole process, where gevent has patched it; the pool that fits."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("select"):
        return pool.QueuePool
    waiting.wait = _wait
    return _Pool


class _Idle(queue.Queue[pool.ConnectionPoolEntry]):
    """Lines that nobody uses. No locks where nobody waits for one: greenlets change only while they wait."""

    _waiting = 0

    def get(self, block: bool = True, timeout: float | None = None) -> pool.ConnectionPoolEntry:
        if self.queue:
            return self.queue.pop()
        self._waiting += 1
        try:
            return super().get(block, timeout)
        finally:
            self._waiting -= 1

    def put(self, item: pool.ConnectionPoolEntry, block: bool = True, timeout: float | None = None) -> None:
        if self._waiting or len(self.queue) >= self.maxsize:
            super().put(item, block, timeout)
        else:
            self.queue.append(item)


class _Pool(pool.QueuePool):
    _queue_class = _Idle


def answered(client: Any, ask: Callable[..., Any], send: Callable[..., Any], *given: Any) -> Any:
    """What libpq's connection, as the driver has it, answers. `ask` waits by itself, and other threads run
    meanwhile; under gevent `send` does not, and the event loop waits."""
    if waiting.wait is not _wait:
        return ask(*given)
    send(*given)
    return _wait(generators.execute(client), client.socket)[-1]


def _wait(gen: PQGen[T], fileno: int, interval: float = 0.0, timeout: float | None = None) -> T:
    """A psycopg.abc.WaitFunc: what the driver's generator returns, which says what it waits for."""
    from gevent.socket import wait_read, wait_readwrite

    if timeout is not None:
        return waiting.wait_poll(gen, fileno, interval, timeout)
    try:
        wanted = next(gen)
        while True:
            if wanted == waiting.WAIT_R:
                wait_read(fileno)
                wanted = gen.send(waiting.READY_R)
            else:
                wait_readwrite(fileno)
                wanted = gen.send(waiting.READY_RW)
    except StopIteration as end:
        answer: T = end.value
        return answer
