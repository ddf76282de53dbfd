"""`select.poll` under gevent for those who only look, without waiting.

gevent's own goes through the event loop even then, which costs fifteen times as much. Redis' client looks
at a connection each time it takes it from its pool, and we at each waiting client once a second.
"""

from __future__ import annotations

import select

import gevent.select
from gevent import monkey

_Native = monkey.get_original("select", "poll")
_ALL = select.POLLIN | select.POLLPRI | select.POLLOUT


class Poll(gevent.select.poll):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self._native = _Native()

    def register(self, fd: object, eventmask: int = _ALL) -> None:
        super().register(fd, eventmask)
        self._native.register(fd, eventmask)

    def unregister(self, fd: object) -> None:
        super().unregister(fd)
        self._native.unregister(fd)

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = self._native.poll(0) if timeout == 0 else super().poll(timeout)
        return found


def install() -> None:
    """For the whole process, once it is patched."""
    select.poll = Poll  # type: ignore[misc]
