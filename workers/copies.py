"""What upstreams keep of responses that were deleted here is deleted there (`state: upstream`).

On a thread of its own: a slow upstream must not keep the sweep from its rounds. Each copy is tried once.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Mapping

from shared.errors import StoreUnavailable
from shared.store import Store
from workers.providers import Provider

_log = logging.getLogger("respool.copies")

BATCH = 20


class CopyRemover:
    def __init__(self, store: Store, providers: Mapping[str, Provider], *, every_seconds: float) -> None:
        self._store = store
        self._providers = providers
        self._every = every_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="copies", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=5)

    def remove(self) -> int:
        """As many as there are for now; how many."""
        removed = 0
        while not self._stopping.is_set():
            taken = self._store.copies.take_unwanted(limit=BATCH)
            for copy in taken:
                provider = self._providers.get(copy.provider)
                if provider is None:
                    _log.warning("copy left upstream: provider '%s' is no longer configured", copy.provider)
                    continue
                provider.discard(copy.upstream_id)
            removed += len(taken)
            if not taken:
                break
        return removed

    def _run(self) -> None:
        while not self._stopping.wait(self._every * random.uniform(0.7, 1.3)):
            try:
                self.remove()
            except StoreUnavailable as error:
                _log.warning("cannot look for copies: %s", error)
            except Exception:
                # without this thread nothing would be deleted upstream any more
                _log.exception("fault of ours")
