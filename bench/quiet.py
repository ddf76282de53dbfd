"""Whether this machine is quiet: how long a read takes that the core's own cache cannot answer.

On a shared machine the neighbours' work shows nowhere, not as load and not as stolen time: it takes the
last-level cache away. A gateway's request touches more memory than a core caches by itself, so that the same
build costs half as much again, or twice, while a loop of arithmetic takes what it always takes.
"""

from __future__ import annotations

import random
import time
from array import array

QUIET_NS = 60.0  # with a last-level cache a read takes about 40, without one about 170
_BYTES = 4 * 2**20  # more than a core's own cache, less than a share of the last level
_LINE = 64
_READS = 65_536
_PASSES = 3
_PAUSE_SECONDS = 2.0


class Memory:
    """A walk through memory in an order that nothing can foresee: each place says where the next one is."""

    def __init__(self) -> None:
        self._next = array("q", bytes(_BYTES))
        step = _LINE // self._next.itemsize
        places = [place * step for place in range(len(self._next) // step)]
        random.Random(0).shuffle(places)
        for here, there in zip(places, [*places[1:], places[0]], strict=True):
            self._next[here] = there
        self._begin = places[0]

    def read_ns(self) -> float:
        """Of one read, in the quickest of some walks; the interpreter's part, some 25 ns, is in it."""
        return min(self._walk() for _ in range(_PASSES))

    def wait(self, seconds: float) -> None:
        """Until it is quiet, or for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.read_ns() > QUIET_NS:
            time.sleep(_PAUSE_SECONDS)

    def _walk(self) -> float:
        following, place = self._next, self._begin
        began = time.perf_counter_ns()
        for _ in range(_READS):
            place = following[place]
        return (time.perf_counter_ns() - began) / _READS
