"""Which provider serves which model, and what each can express; as plain data."""

from __future__ import annotations

from shared.catalog.accounts import Deadlines, Provider
from shared.catalog.aliases import Target
from shared.catalog.file import load_catalog
from shared.catalog.reload import Reloader
from shared.catalog.routing import PROVIDER_HEADERS, Catalog, Route

__all__ = [
    "PROVIDER_HEADERS",
    "Catalog",
    "Deadlines",
    "Provider",
    "Reloader",
    "Route",
    "Target",
    "load_catalog",
]
