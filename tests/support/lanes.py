"""Calls that meet: each in a thread of its own, all of them at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def together(*calls: Callable[[], T]) -> list[T]:
    """What each of them gave, in their order; an error of any is the test's."""
    start = threading.Barrier(len(calls))

    def lane(call: Callable[[], T]) -> T:
        start.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as lanes:
        return list(lanes.map(lane, calls))
