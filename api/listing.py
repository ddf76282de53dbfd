"""GET /responses: the caller's own, newest first. An extension: the official API has no such list.

A WebSocket upgrade on the same path is a route of its own (`websocket=True`): it never comes here.
"""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from api.errors import json_response
from api.objects import object_json
from shared.store import Store
from shared.wire import filters, lists


class ListingResource:
    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self, blueprint: Blueprint) -> None:
        blueprint.add_url_rule("/responses", view_func=self.list, methods=["GET"], endpoint="list")

    def list(self) -> Response:
        args = request.args.to_dict(flat=False)
        found, more = self._store.listing.page(
            g.caller.tenant_id,
            filters.parse_filters(args),
            limit=lists.parse_limit(args.get("limit", [])),
            descending=lists.parse_order(args.get("order", [])) == "desc",
            after=lists.parse_after(args.get("after", [])),
        )
        return json_response(lists.page_of_json([(s.row.id, object_json(s)) for s in found], more))
