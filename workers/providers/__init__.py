"""The providers: one dialect a file, one line each here."""

from __future__ import annotations

from shared.catalog import Catalog
from workers.providers.base import Generation, Provider
from workers.providers.http import Call, HttpClient
from workers.providers.responses_api import ResponsesApi

DIALECTS = {"responses": ResponsesApi}


def open_providers(catalog: Catalog, client: HttpClient) -> dict[str, Provider]:
    """By account name."""
    return {name: DIALECTS[account.dialect](account, client) for name, account in catalog.providers.items()}


__all__ = ["DIALECTS", "Call", "Generation", "HttpClient", "Provider", "open_providers"]
