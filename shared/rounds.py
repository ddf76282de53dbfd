"""A thread that does one thing again and again until it is stopped.

Others hang on it, so nothing ends it: what its work raises is said, and the next round comes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from shared.errors import LogUnavailable, StoreUnavailable

_log = logging.getLogger("respool.rounds")

JOIN_SECONDS = 5


class Rounds:
    def __init__(
        self, name: str, work: Callable[[], object], pause: Callable[[], float], *, at_once: bool = False
    ) -> None:
        """`pause`: seconds before each round, the first one too unless it comes `at_once`."""
        self._name = name
        self._work = work
        self._pause = pause
        self._at_once = at_once
        self.stopping = threading.Event()  # set: no other round begins
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begin no other round, and wait for the one that runs."""
        self.stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=JOIN_SECONDS)

    def _run(self) -> None:
        pause = 0.0 if self._at_once else self._pause()
        while not self.stopping.wait(pause):
            pause = self._pause()
            self.once()

    def once(self) -> None:
        """One round, in the caller's thread: its work may want a last one after the stop."""
        try:
            self._work()
        except (LogUnavailable, StoreUnavailable) as error:
            _log.warning("%s: %s", self._name, error)
        except Exception:
            _log.exception("fault of ours")
