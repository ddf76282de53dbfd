"""What upstreams keep of responses that were deleted here is deleted there (`state: upstream`).

On a thread of its own: a slow upstream must not keep the sweep from its rounds. Each copy is tried once.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping

from shared.rounds import Rounds
from shared.store import Store
from workers.providers import Provider

_log = logging.getLogger("respool.copies")

BATCH = 20


class CopyRemover:
    def __init__(self, store: Store, providers: Mapping[str, Provider], *, every_seconds: float) -> None:
        self._store = store
        self._providers = providers
        self._rounds = Rounds("copies", self.remove, lambda: every_seconds * random.uniform(0.7, 1.3))

    def start(self) -> None:
        self._rounds.start()

    def stop(self) -> None:
        self._rounds.stop()

    def remove(self) -> int:
        """As many as there are for now; how many."""
        removed = 0
        while not self._rounds.stopping.is_set():
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
