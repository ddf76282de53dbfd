"""Servers and stacks that run for as long as somebody needs them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar


class Startable(Protocol):
    def start(self) -> object: ...

    def stop(self) -> None: ...


Server = TypeVar("Server", bound=Startable)


@contextmanager
def started(server: Server) -> Iterator[Server]:
    """Until the end of the block, and stopped whatever comes."""
    server.start()
    try:
        yield server
    finally:
        server.stop()
