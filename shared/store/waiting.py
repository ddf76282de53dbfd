"""Waiting for PostgreSQL in gevent's event loop.

The driver's own way, where it finds gevent, starts a timer at each wait, to look for a Ctrl-C that a
greenlet never gets: a third of what a statement costs.
"""

from __future__ import annotations

import sys
from typing import TypeVar

from psycopg import waiting
from psycopg.abc import PQGen

T = TypeVar("T")


def install() -> None:
    """For the whole process, where gevent has patched it."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("select"):
        waiting.wait = _wait


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
