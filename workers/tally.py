"""What a generation adds to the metrics: its call, its first delta, its tokens. No I/O."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from shared.errors import LeaseLost, UpstreamError
from shared.metrics import FIRST_DELTA, TOKENS, UPSTREAM_CALLS, Counters
from shared.wire import events


class FirstDelta:
    """Measures once: from the creation of a response to its first delta."""

    def __init__(self, counters: Counters, *, waited_seconds: float, seen: bool = False) -> None:
        """`waited_seconds`: since the creation, by the clock that wrote it. `seen`: by an earlier attempt."""
        self._counters = counters
        self._created = time.monotonic() - waited_seconds
        self._seen = seen

    def look(self, frames: Sequence[bytes]) -> None:
        if not self._seen and any(map(events.is_delta, frames)):
            self._seen = True
            self._counters.observe(FIRST_DELTA, max(time.monotonic() - self._created, 0.0))


@contextmanager
def counting_call(counters: Counters, provider: str) -> Iterator[None]:
    """What happens inside is one generation sent to a provider."""
    outcome = "internal_error"
    try:
        yield
        outcome = "ok"
    except UpstreamError as error:
        outcome = error.reason
        raise
    except LeaseLost:
        outcome = "fenced"
        raise
    finally:
        counters.add(UPSTREAM_CALLS, provider, outcome)


def count_tokens(counters: Counters, response: Mapping[str, Any]) -> None:
    usage = response.get("usage")
    if isinstance(usage, Mapping):
        for direction in ("input", "output"):
            count = usage.get(direction + "_tokens")
            if isinstance(count, int) and count > 0:
                counters.add(TOKENS, direction, by=count)
