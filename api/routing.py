"""Which account a request goes to first: by its model, its headers, and what it continues."""

from __future__ import annotations

from collections.abc import Mapping

from flask import request

from shared.catalog import PROVIDER_HEADERS, Catalog, Route
from shared.store import Store
from shared.wire.makers import last_maker
from shared.wire.request import CreateRequest


def provider_headers() -> dict[str, str]:
    return {name: request.headers.get(name, "") for name in PROVIDER_HEADERS}


def routed(
    catalog: Catalog, store: Store, tenant_id: str, wanted: CreateRequest, headers: Mapping[str, str]
) -> Route:
    """Of an alias's targets by weight, or the one whose reasoning is continued: no other could read it."""
    prefer = None
    if wanted.model in catalog.aliases:
        if wanted.previous_response_id is not None:
            prefer = store.parents.reasoned(tenant_id, wanted.previous_response_id)
        elif wanted.conversation_id is not None:
            prefer = store.parents.reasoned_last(tenant_id, wanted.conversation_id)
        prefer = prefer or _reader(catalog, wanted)
    return catalog.route(wanted.model, headers, prefer=prefer)


def _reader(catalog: Catalog, wanted: CreateRequest) -> str | None:
    """The alias's account that can read what the caller has kept of earlier turns."""
    maker, providers = last_maker(wanted.input), catalog.providers
    for target in catalog.aliases.get(wanted.model, ()) if maker is not None else ():
        account = providers.get(target.provider)
        if account is not None and account.maker == maker:
            return account.name
    return None
