"""The Responses resource: create, retrieve, delete, cancel, input_items."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, Response, g, request

from api.body import read_json
from api.creation import Accepted, Creation
from api.endings import Endings
from api.errors import json_response
from api.objects import object_json, with_included
from api.relay import Relay
from api.repeats import read_repeat
from api.routing import provider_headers
from api.waiting import Waiting
from shared.errors import InvalidRequest, response_not_found
from shared.ids import is_response_id
from shared.lifecycle import Status
from shared.store import Store
from shared.store.rows import Stored
from shared.wire import lists
from shared.wire.items import public


class ResponsesResource:
    def __init__(
        self, store: Store, creation: Creation, relay: Relay, endings: Endings, waiting: Waiting
    ) -> None:
        self._store = store
        self._creation = creation
        self._relay = relay
        self._endings = endings
        self._waiting = waiting

    def routes(self, blueprint: Blueprint) -> None:
        add = blueprint.add_url_rule
        add("/responses", view_func=self.create, methods=["POST"], endpoint="create")
        add("/responses/<response_id>", view_func=self.retrieve, methods=["GET"], endpoint="retrieve")
        add("/responses/<response_id>", view_func=self.delete, methods=["DELETE"], endpoint="delete")
        add("/responses/<response_id>/cancel", view_func=self.cancel, methods=["POST"], endpoint="cancel")
        add(
            "/responses/<response_id>/input_items",
            view_func=self.input_items,
            methods=["GET"],
            endpoint="items",
        )

    def create(self) -> Response:
        self._waiting.take_place()
        accepted = self._creation.accept(
            read_json(request),
            g.caller,
            headers=provider_headers(),
            request_id=g.request_id,
            repeat=read_repeat(request.headers),
        )
        response = self._waited(accepted)
        if accepted.replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    def _waited(self, accepted: Accepted) -> Response:
        row, wanted = accepted.row, accepted.wanted
        g.answered_by = row.provider
        if wanted.stream:
            return self._waiting.streamed(row.id, after=-1, row=row, obfuscate=wanted.include_obfuscation)
        if wanted.background:
            return json_response(object_json(accepted.stored))
        return self._waiting.blocking(row)

    def retrieve(self, response_id: str) -> Response:
        args = request.args
        stream = lists.parse_bool("stream", args.getlist("stream"))
        after = lists.parse_starting_after(args.getlist("starting_after"))
        obfuscate = lists.parse_bool("include_obfuscation", args.getlist("include_obfuscation"))
        include = _include()
        if after is not None and not stream:
            raise InvalidRequest(
                "'starting_after' needs 'stream=true'.", code="invalid_value", param="starting_after"
            )
        stored = self._own(response_id)
        g.answered_by = stored.row.provider
        if not stream:
            outputs = partial(self._store.items.outputs, g.caller.tenant_id, response_id)
            return json_response(with_included(stored, include, outputs))
        cursor = -1 if after is None else after
        self._relay.check_log(stored.row, cursor)
        self._waiting.take_place()
        return self._waiting.streamed(
            response_id, after=cursor, row=None, obfuscate=obfuscate, ended=stored.row.is_terminal
        )

    def delete(self, response_id: str) -> Response:
        stored = self._own(response_id)
        if not self._store.responses.delete(g.caller.tenant_id, response_id):
            if not stored.row.is_terminal:
                raise InvalidRequest("Cannot delete an in-flight response.")
            raise response_not_found(response_id)
        self._endings.deleted(stored.row)
        self._waiting.forget(response_id)
        return json_response({"id": response_id, "object": "response", "deleted": True})

    def cancel(self, response_id: str) -> Response:
        stored = self._own(response_id)
        if not stored.row.is_terminal:
            ended = self._endings.cancel(g.caller.tenant_id, response_id)
            if ended is not None:
                return json_response(ended.result)
            stored = self._own(response_id)  # it ended by itself meanwhile
        if stored.row.status == Status.CANCELLED:
            return json_response(object_json(stored))
        what = f"a {stored.row.status}" if stored.row.background else "a synchronous"
        raise InvalidRequest(f"Cannot cancel {what} response.", code="not_cancellable")

    def input_items(self, response_id: str) -> Response:
        args = request.args
        limit = lists.parse_limit(args.getlist("limit"))
        order = lists.parse_order(args.getlist("order"))
        after = lists.parse_item_after(args.getlist("after"))
        include = _include()
        stored = self._own(response_id)
        items, more = self._store.items.inputs(
            stored.row.id, limit=limit, descending=order == "desc", after=after
        )
        return json_response(lists.page([public(item, include) for item in items], more))

    def _own(self, response_id: str) -> Stored:
        """The caller's response; a foreign, unknown, deleted or malformed id is the same 404."""
        stored = (
            self._store.responses.find(g.caller.tenant_id, response_id)
            if is_response_id(response_id)
            else None
        )
        if stored is None:
            raise response_not_found(response_id)
        return stored


def _include() -> frozenset[str]:
    return lists.parse_include(request.args.getlist("include[]") + request.args.getlist("include"))
