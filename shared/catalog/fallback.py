"""Which target of an alias can take a request, where one cannot."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from shared.catalog.routing import Catalog, Route
from shared.errors import InvalidRequest


def able(catalog: Catalog, route: Route, body: Mapping[str, Any]) -> Route:
    """The route, or where its account cannot express the request the next target that can.

    Raises InvalidRequest, as the first account's `check`, where none can.
    """
    try:
        route.provider.check(body)
    except InvalidRequest:
        other = None if route.alias is None else next_able(catalog, route.alias, body, {route.key})
        if other is None:
            raise
        return other
    return route


def next_able(
    catalog: Catalog,
    alias: str,
    body: Mapping[str, Any],
    tried: Collection[str],
    held_back: Collection[str] = (),
) -> Route | None:
    """As `Catalog.next_target`, among those that can express the request."""
    passed = set(tried)
    while (route := catalog.next_target(alias, passed, held_back)) is not None:
        try:
            route.provider.check(body)
        except InvalidRequest:
            passed.add(route.key)
            continue
        return route
    return None
