"""The Conversations resource: conversations and the items in them."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, g, request

from api.body import read_json
from api.errors import json_response
from api.references import resolve_references
from shared.errors import NotFound, conversation_not_found, excerpt
from shared.ids import is_conversation_id
from shared.store import Store
from shared.store.conversations import Conversation
from shared.wire import conversations as wire
from shared.wire import lists
from shared.wire.items import normalise_input, public

_ONE = "/conversations/<conversation_id>"
_ITEMS = f"{_ONE}/items"
_ITEM = f"{_ITEMS}/<path:item_id>"  # callers choose ids of items


class ConversationsResource:
    def __init__(self, store: Store) -> None:
        self._items = store.items
        self._conversations = store.conversations

    def routes(self, blueprint: Blueprint) -> None:
        for method, path, view in (
            ("POST", "/conversations", self.create_conversation),
            ("GET", _ONE, self.retrieve_conversation),
            ("POST", _ONE, self.update_conversation),
            ("DELETE", _ONE, self.delete_conversation),
            ("POST", _ITEMS, self.create_conversation_items),
            ("GET", _ITEMS, self.list_conversation_items),
            ("GET", _ITEM, self.retrieve_conversation_item),
            ("DELETE", _ITEM, self.delete_conversation_item),
        ):
            blueprint.add_url_rule(path, view_func=view, methods=[method], endpoint=view.__name__)

    def create_conversation(self) -> Response:
        metadata, items = wire.parse_new(read_json(request) if _has_body() else {})
        return _answer(self._conversations.create(g.caller.tenant_id, metadata, self._stored(items)))

    def retrieve_conversation(self, conversation_id: str) -> Response:
        return _answer(self._own(conversation_id))

    def update_conversation(self, conversation_id: str) -> Response:
        metadata = wire.parse_update(read_json(request))
        own = self._own(conversation_id)
        updated = self._conversations.update(g.caller.tenant_id, own.id, metadata)
        if updated is None:
            raise conversation_not_found(conversation_id)
        return _answer(updated)

    def delete_conversation(self, conversation_id: str) -> Response:
        own = self._own(conversation_id)
        if not self._conversations.delete(g.caller.tenant_id, own.id):
            raise conversation_not_found(conversation_id)
        return json_response(wire.deleted(own.id))

    def create_conversation_items(self, conversation_id: str) -> Response:
        include = _include()
        items = wire.parse_items(read_json(request))
        own = self._own(conversation_id)
        added = self._conversations.append(g.caller.tenant_id, own.id, self._stored(items))
        if added is None:
            raise conversation_not_found(conversation_id)
        return json_response(lists.page([public(item, include) for item in added], False))

    def list_conversation_items(self, conversation_id: str) -> Response:
        args = request.args
        limit = lists.parse_limit(args.getlist("limit"))
        order = lists.parse_order(args.getlist("order"))
        after = lists.parse_item_after(args.getlist("after"))
        include = _include()
        own = self._own(conversation_id)
        items, more = self._conversations.page(
            g.caller.tenant_id, own.id, limit=limit, descending=order == "desc", after=after
        )
        return json_response(lists.page([public(item, include) for item in items], more))

    def retrieve_conversation_item(self, conversation_id: str, item_id: str) -> Response:
        include = _include()
        own = self._own(conversation_id)
        item = None if "\0" in item_id else self._conversations.item(g.caller.tenant_id, own.id, item_id)
        if item is None:
            raise _item_not_found(own.id, item_id)
        return json_response(public(item, include))

    def delete_conversation_item(self, conversation_id: str, item_id: str) -> Response:
        own = self._own(conversation_id)
        if "\0" in item_id or not self._conversations.delete_item(g.caller.tenant_id, own.id, item_id):
            raise _item_not_found(own.id, item_id)
        return _answer(own)

    def _own(self, conversation_id: str) -> Conversation:
        """The caller's conversation; a foreign, unknown, deleted or malformed id is the same 404."""
        found = (
            self._conversations.find(g.caller.tenant_id, conversation_id)
            if is_conversation_id(conversation_id)
            else None
        )
        if found is None:
            raise conversation_not_found(conversation_id)
        return found

    def _stored(self, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
        items = resolve_references(self._items, g.caller.tenant_id, given, param="items")
        # ids of items without one are made out of this: never twice the same
        return normalise_input(secrets.token_hex(24), items)


def _answer(conversation: Conversation) -> Response:
    return json_response(wire.shown(conversation.id, conversation.created_at, conversation.metadata))


def _include() -> frozenset[str]:
    return lists.parse_include(request.args.getlist("include[]") + request.args.getlist("include"))


def _has_body() -> bool:
    return bool(request.content_length) or "Transfer-Encoding" in request.headers


def _item_not_found(conversation_id: str, item_id: str) -> NotFound:
    return NotFound(
        f"Item with id '{excerpt(item_id)}' not found in conversation '{conversation_id}'.",
        code="item_not_found",
    )
