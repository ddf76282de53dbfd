"""The providers follow their file while a process runs: a valid change is taken over, a wrong one refused.

A file is read once it has not changed between two looks, so that one half written is left alone. What
runs keeps what it began with; `${NAME}` keeps the process's environment.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping

from shared.catalog.file import load_catalog
from shared.catalog.routing import Catalog
from shared.errors import ConfigurationError
from shared.rounds import Rounds
from shared.settings import Settings

_log = logging.getLogger("respool.config")

LOOK_SECONDS = 1.0

Stamp = tuple[int, ...] | None  # None: there is no such file


class Reloader:
    def __init__(
        self,
        catalog: Catalog,
        settings: Settings,
        environ: Mapping[str, str],
        changed: Callable[[frozenset[str]], None] = lambda names: None,
    ) -> None:
        """`changed` hears which accounts are gone or no longer the same, after the catalog is new."""
        self._catalog = catalog
        self._settings = settings
        self._environ = environ
        self._changed = changed
        self._seen: Stamp = ()
        self._read: Stamp = ()  # the file may have changed since the catalog was loaded: read once more
        self._lock = threading.Lock()
        self._rounds = Rounds("reload", self.look, lambda: LOOK_SECONDS)
        self.refused = False  # the file, as it is now

    def start(self) -> None:
        if self._settings.config:
            self._rounds.start()

    def stop(self) -> None:
        self._rounds.stop()

    def look(self) -> None:
        """Take over the file if it is another one since the look before the last."""
        with self._lock:
            stamp = _stamp(self._settings.config)
            is_still, self._seen = stamp == self._seen, stamp
            if is_still and stamp != self._read:
                is_first, self._read = self._read == (), stamp
                self._reload(quiet=is_first)

    def catch_up(self) -> None:
        """Take over the file at once: another process knows something that this one does not."""
        with self._lock:
            stamp = _stamp(self._settings.config) if self._settings.config else self._read
            if stamp != self._read:
                self._seen = self._read = stamp
                self._reload(quiet=False)

    def _reload(self, *, quiet: bool) -> None:
        """`quiet`: say nothing of a file that is what it was."""
        try:
            found = load_catalog(self._settings, self._environ)
        except ConfigurationError as error:
            self.refused = True
            _log.error("the providers stay as they were: %s", error)
            return
        self.refused = False
        gone = self._catalog.become(found)
        self._changed(gone)
        if gone or not quiet:
            _log.info("providers reloaded: %s", ", ".join(found.providers) or "none")


def _stamp(path: str) -> Stamp:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
