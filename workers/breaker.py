"""When an upstream account is left alone for a while, and how many second tries it gets. PURE.

The clock is given: seconds, monotonic. One `Health` an account and process; what it holds back stays
queued, for other workers or for later.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable

WINDOW_SECONDS = 30.0
MIN_CALLS = 20  # within the window, before failures can open the breaker
OPEN_SHARE = 0.5
PROBE_SECONDS = 5.0  # while open, one call so often
RAMP_SECONDS = 10.0  # once closed again, twice as many calls at a time each so often
RETRY_SHARE = 0.1  # second tries, of first ones
_BURST = 10.0
CLOSED, RAMPING, OPEN = STATES = ("closed", "ramping", "open")  # the worst last

Clock = Callable[[], float]


class Health:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._results: deque[tuple[float, bool]] = deque()
        self._failures = 0  # of the results
        self._running = 0
        self._open = False
        self._probe_at = 0.0
        self._closed_at: float | None = None
        self._retries = _BURST
        self._lock = threading.Lock()

    @property
    def state(self) -> str:
        with self._lock:
            return OPEN if self._open else RAMPING if self._allowance() is not None else CLOSED

    def admits(self) -> bool:
        """Whether one more call may start now."""
        with self._lock:
            if self._open:
                return self._clock() >= self._probe_at and self._running == 0
            allowance = self._allowance()
            return allowance is None or self._running < allowance

    def started(self) -> None:
        with self._lock:
            self._running += 1
            self._probe_at = self._clock() + PROBE_SECONDS
            self._retries = min(self._retries + RETRY_SHARE, _BURST)

    def ended(self, *, failed: bool) -> None:
        with self._lock:
            now = self._clock()
            self._running -= 1
            if self._open and not failed:
                self._open = False
                self._closed_at = now
                self._results.clear()
                self._failures = 0
            self._results.append((now, failed))
            self._failures += failed
            while self._results[0][0] < now - WINDOW_SECONDS:
                self._failures -= self._results.popleft()[1]
            if len(self._results) >= MIN_CALLS and self._failures >= OPEN_SHARE * len(self._results):
                self._open = True
                self._probe_at = now + PROBE_SECONDS

    def take_retry(self) -> bool:
        """One second try, where the budget has one."""
        with self._lock:
            if self._retries < 1:
                return False
            self._retries -= 1
            return True

    def _allowance(self) -> float | None:
        """Calls at a time while it recovers; None: any number."""
        if self._closed_at is None:
            return None
        steps = int((self._clock() - self._closed_at) / RAMP_SECONDS)
        if steps >= 6:
            self._closed_at = None
            return None
        return float(2**steps)


class Breakers:
    """The health of every account, in one process."""

    def __init__(self, providers: Iterable[str], clock: Clock) -> None:
        self._clock = clock
        self._health = {name: Health(clock) for name in providers}
        self._lock = threading.Lock()

    def of(self, provider: str) -> Health:
        """Of an account not heard of so far: a healthy one's."""
        with self._lock:
            return self._health.setdefault(provider, Health(self._clock))

    def forget(self, providers: Iterable[str]) -> None:
        """They are gone, or no longer what they were."""
        with self._lock:
            for name in providers:
                self._health.pop(name, None)

    def held_back(self) -> list[str]:
        """Accounts whose rows must not be claimed now."""
        return [name for name, health in self._known() if not health.admits()]

    def states(self) -> dict[str, str]:
        return {name: health.state for name, health in self._known()}

    def _known(self) -> list[tuple[str, Health]]:
        with self._lock:
            return list(self._health.items())
