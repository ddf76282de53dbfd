"""The book: everything accepted, in SQL. SQLAlchemy lives in this folder only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.store.admission import NO_LIMIT, Admission
from shared.store.conversations import Conversations
from shared.store.copies import Copies
from shared.store.endings import Endings
from shared.store.engine import Database, Offload
from shared.store.gauges import Gauges
from shared.store.items import Items
from shared.store.keys import Keys
from shared.store.leases import Leases
from shared.store.listing import Listing
from shared.store.parents import Parents
from shared.store.responses import Responses
from shared.store.sweeping import Sweeping


@dataclass(frozen=True)
class Limits:
    """The rules' numbers: seconds, and rows."""

    lease_seconds: float = 30.0
    deadline_seconds: float = 3600.0
    queued: int = NO_LIMIT
    tenant_queued: int = NO_LIMIT
    tenant_running: int = 0  # 0: any number


DEFAULT_LIMITS = Limits()


class Store:
    """One database, its verbs grouped by who needs them."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self.responses = Responses(
            database, Admission(limit=limits.queued, tenant_limit=limits.tenant_queued)
        )
        self.items = Items(database)
        self.copies = Copies(database)
        self.conversations = Conversations(database)
        self.listing = Listing(database)
        self.parents = Parents(database)
        self.leases = Leases(
            database,
            lease_seconds=limits.lease_seconds,
            deadline_seconds=limits.deadline_seconds,
            tenant_cap=limits.tenant_running,
        )
        self.endings = Endings(database)
        self.sweeping = Sweeping(database)
        self.gauges = Gauges(database)
        self.keys = Keys(database)

    def close(self) -> None:
        self._database.close()


def open_store(
    url: str,
    *,
    pool_size: int = 10,
    limits: Limits = DEFAULT_LIMITS,
    offload: Offload[Any] | None = None,
) -> Store:
    """Connects lazily. `offload` runs blocking SQLite calls outside a caller's event loop."""
    database = Database(url, pool_size=pool_size, offload=offload)
    return Store(database, limits)


__all__ = ["Limits", "Store", "open_store"]
