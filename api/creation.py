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
from api.tool_calls import check_tool_calls
from shared.errors import InvalidRequest
from shared.ids import new_response_id
from shared.sealing import opening_frames
from shared.services import Services
from shared.store.rows import RESPONSE, NewResponse, ResponseRow, Stored
from shared.wire.items import normalise_input
from shared.wire.request import CreateRequest, parse_create
from shared.wire.response import envelope

FOREGROUND, BACKGROUND = 0, 10  # priorities; lower first


@dataclass(frozen=True, slots=True)
class Accepted:
    """A durable response, and what its caller wanted."""

    wanted: CreateRequest
    row: ResponseRow
    static: dict[str, Any]  # the envelope

    @property
    def stored(self) -> Stored:
        return Stored(self.row, self.static, None)


class Creation:
    def __init__(self, services: Services, relay: Relay) -> None:
        self._services = services
        self._store = services.store
        self._relay = relay

    def accept(
        self,
        body: Any,
        caller: Caller,
        *,
        headers: Mapping[str, str],
        request_id: str,
        kind: str = RESPONSE,
    ) -> Accepted:
        """Durable, announced and rung when this returns. `headers`: those that choose a provider."""
        wanted = parse_create(body)
        if wanted.conversation is not None:
            raise InvalidRequest(
                "Conversations are not supported here yet.",
                code="unsupported_parameter",
                param="conversation",
            )
        if wanted.stream:
            self._relay.require_live()
        new = replace(self._new(wanted, caller, headers, request_id), kind=kind)
        accepted = Accepted(wanted, self._store.responses.insert(new), new.envelope)
        if wanted.stream or not wanted.background:
            self._relay.announce(accepted.row, opening_frames(accepted.row, new.envelope))
        self._services.queue.ring(accepted.row.id)
        return accepted

    def _new(
        self, wanted: CreateRequest, caller: Caller, headers: Mapping[str, str], request_id: str
    ) -> NewResponse:
        settings = self._services.settings
        route = self._services.catalog.route(wanted.model, headers)
        body = self._resolved(wanted, caller)
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
            previous_response_id=wanted.previous_response_id,
            queue_seconds=settings.background_queue_deadline_seconds
            if wanted.background
            else settings.queue_deadline_seconds,
            request=body,
            envelope=envelope(
                wanted, model=route.model, provider=route.provider.label or route.provider.name
            ),
            input_items=normalise_input(response_id, body.get("input") or []) if wanted.store else [],
            body_hash=hashlib.sha256(wanted.idempotency_body).hexdigest(),
        )

    def _resolved(self, wanted: CreateRequest, caller: Caller) -> dict[str, Any]:
        """The body with references to our own items replaced by the items."""
        body = wanted.body
        if isinstance(wanted.input, list):
            items = resolve_references(self._store.items, caller.tenant_id, wanted.input)
            body = {**body, "input": items}
            check_tool_calls(self._store.items, caller.tenant_id, items, wanted.previous_response_id)
        elif wanted.previous_response_id is not None:
            check_tool_calls(self._store.items, caller.tenant_id, [], wanted.previous_response_id)
        return body
