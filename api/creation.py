"""Accepting a create: the one way in, whoever asks (HTTP, WebSocket) and however it will wait.

Parse, route, resolve what refers to our own state, insert, COMMIT; then write the opening events,
then ring. Everything that can be refused is refused before the INSERT.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from api.auth import Caller
from api.references import resolve_references
from api.relay import Relay
from api.repeats import FIRST, Repeat, Repeats
from api.routing import routed
from api.tool_calls import check_conversation_calls, check_tool_calls
from shared.catalog.fallback import able
from shared.errors import AlreadyAccepted, InvalidRequest, conversation_not_found
from shared.ids import is_conversation_id, new_response_id
from shared.sealing import opening_frames
from shared.services import Services
from shared.store.rows import BACKGROUND, FOREGROUND, RESPONSE, NewResponse, ResponseRow, Stored
from shared.wire.items import normalise_input
from shared.wire.request import CreateRequest, parse_create
from shared.wire.response import envelope


@dataclass(frozen=True, slots=True)
class Accepted:
    """A durable response, and what its caller wanted."""

    wanted: CreateRequest
    stored: Stored
    request: dict[str, Any]  # the body as kept: references resolved, earlier turns in its input
    replayed: bool = False  # it was accepted before: this request only attaches to it

    @property
    def row(self) -> ResponseRow:
        return self.stored.row

    @classmethod
    def earlier(cls, wanted: CreateRequest, stored: Stored) -> Accepted:
        return cls(wanted, stored, wanted.body, replayed=True)


@dataclass(frozen=True, slots=True)
class Earlier:
    """Turns before a request that are in no store: the last stored one they go back to, and their items."""

    stored_id: str | None
    items: list[dict[str, Any]]


class Creation:
    def __init__(self, services: Services, relay: Relay) -> None:
        self._services = services
        self._store = services.store
        self._relay = relay
        self._repeats = Repeats(services, relay)

    def accept(
        self,
        body: Any,
        caller: Caller,
        *,
        headers: Mapping[str, str],
        request_id: str,
        kind: str = RESPONSE,
        earlier: Earlier | None = None,
        repeat: Repeat = FIRST,
    ) -> Accepted:
        """Durable, announced and rung when this returns. `headers`: those that choose a provider.

        `repeat`: whether it may have been accepted before; then it attaches to what exists.

        `earlier`: what `previous_response_id` names, where the store does not have it.
        """
        wanted = parse_create(body)
        if wanted.stream:
            self._relay.require_live()
        sent = wanted if earlier is None else self._continuing(wanted, earlier, caller)
        if repeat.is_retry and repeat.idempotency_key is None and not wanted.background:
            lost = self._repeats.lost(caller, _body_hash(wanted, kind))
            if lost is not None:
                return Accepted.earlier(wanted, lost)
        new = self._new(sent, caller, headers, request_id)
        key = repeat.idempotency_key
        new = replace(new, kind=kind, idempotency_key=key, body_hash=_body_hash(wanted, kind))
        new.envelope["previous_response_id"] = wanted.previous_response_id
        try:
            row = self._store.responses.insert(new)
        except AlreadyAccepted as known:
            return Accepted.earlier(wanted, self._repeats.accepted(known.response_id))
        self._services.transitions.say("accepted", row)
        accepted = Accepted(wanted, Stored(row, new.envelope, None), new.request)
        if wanted.stream or not wanted.background:
            self._announce(row, opening_frames(row, new.envelope))
        else:
            self._services.queue.ring(row.id)
        return accepted

    def _announce(self, row: ResponseRow, opening: list[bytes]) -> None:
        """Opening events, then the bell; without Redis none, for it would only make the client wait."""
        queue = self._services.queue
        if queue.goes_along:
            self._relay.announce(row, opening, queue.parcel(row.id))
        elif self._relay.announce(row, opening):
            queue.ring(row.id)

    def _new(
        self, wanted: CreateRequest, caller: Caller, headers: Mapping[str, str], request_id: str
    ) -> NewResponse:
        settings = self._services.settings
        catalog = self._services.catalog
        route = routed(catalog, self._store, caller.tenant_id, wanted, headers)
        body = self._resolved(wanted, caller)
        route = able(catalog, route, body)
        response_id = new_response_id()
        return NewResponse(
            id=response_id,
            tenant_id=caller.tenant_id,
            key_id=caller.key_id,
            request_id=request_id,
            priority=BACKGROUND if wanted.background else FOREGROUND,
            background=wanted.background,
            stream=wanted.stream,
            store=wanted.store,
            provider=route.provider.name,
            model=route.model,
            alias=route.alias,
            previous_response_id=wanted.previous_response_id,
            queue_seconds=settings.background_queue_deadline_seconds
            if wanted.background
            else settings.queue_deadline_seconds,
            request=body,
            envelope=envelope(wanted, model=route.model, provider=route.provider.shown),
            input_items=normalise_input(response_id, body.get("input") or []) if wanted.store else [],
            conversation_id=wanted.conversation_id,
            conversation_seq=self._history_end(wanted, caller, body),
        )

    def _continuing(self, wanted: CreateRequest, earlier: Earlier, caller: Caller) -> CreateRequest:
        """The same request with the earlier turns in its own input."""
        own = wanted.input
        if isinstance(own, str):
            own = [{"role": "user", "content": own}]
        # before they move: a wrong reference is named by its place in what was sent
        own = resolve_references(self._store.items, caller.tenant_id, own)
        values = [*earlier.items, *own]
        return replace(
            wanted,
            body={**wanted.body, "input": values},
            input=values,
            previous_response_id=earlier.stored_id,
        )

    def _resolved(self, wanted: CreateRequest, caller: Caller) -> dict[str, Any]:
        """The body with references to our own items replaced by the items."""
        body = wanted.body
        if isinstance(wanted.input, list):
            items = resolve_references(self._store.items, caller.tenant_id, wanted.input)
            body = {**body, "input": items}
            if wanted.conversation_id is None:
                self._check_calls(caller, items, wanted.previous_response_id)
        elif wanted.previous_response_id is not None:
            self._check_calls(caller, [], wanted.previous_response_id)
        return body

    def _history_end(self, wanted: CreateRequest, caller: Caller, body: dict[str, Any]) -> int | None:
        """The newest item of the conversation that is continued; what is checked here is what is sent."""
        conversation_id = wanted.conversation_id
        if conversation_id is None:
            return None
        tenant_id = caller.tenant_id
        found = (
            self._store.conversations.find(tenant_id, conversation_id)
            if is_conversation_id(conversation_id)
            else None
        )
        if found is None:
            raise conversation_not_found(conversation_id, param="conversation")
        earlier = self._store.conversations.paired(tenant_id, found.id, found.last_seq)
        given = body.get("input")
        check_conversation_calls(earlier, given if isinstance(given, list) else [])
        return found.last_seq

    def _check_calls(self, caller: Caller, items: list[dict[str, Any]], parent_id: str | None) -> None:
        try:
            check_tool_calls(self._store.items, caller.tenant_id, items, parent_id)
        except InvalidRequest:
            if parent_id is not None:
                parent = self._store.responses.find(caller.tenant_id, parent_id)
                if parent is None or not (parent.row.store and parent.row.is_terminal):
                    return  # the INSERT refuses such a parent, in the same words whatever it called
            raise


def _body_hash(wanted: CreateRequest, kind: str) -> str:
    """Of what is asked for: another endpoint with the same body is another request."""
    asked = wanted.idempotency_body
    return hashlib.sha256(asked if kind == RESPONSE else kind.encode() + asked).hexdigest()
