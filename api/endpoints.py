"""POST /responses/compact and /responses/input_tokens: a row with a kind, waited for."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, Response, g, request

from api.body import read_json
from api.creation import Creation
from api.errors import json_response
from api.repeats import read_repeat
from api.routing import provider_headers
from api.waiting import Waiting
from shared.catalog import Catalog
from shared.store.rows import COMPACTION, INPUT_TOKENS

COUNTED_BY_HEADER = "x-respool-counted-by"


class EndpointsResource:
    def __init__(self, catalog: Catalog, creation: Creation, waiting: Waiting) -> None:
        self._catalog = catalog
        self._creation = creation
        self._waiting = waiting

    def routes(self, blueprint: Blueprint) -> None:
        add = blueprint.add_url_rule
        add("/responses/compact", view_func=self.compact, methods=["POST"], endpoint="compact")
        add("/responses/input_tokens", view_func=self.input_tokens, methods=["POST"], endpoint="input_tokens")

    def compact(self) -> Response:
        return json_response(self._run(COMPACTION))

    def input_tokens(self) -> Response:
        counted: dict[str, Any] = orjson.loads(self._run(INPUT_TOKENS))
        response = json_response({k: counted[k] for k in ("object", "input_tokens")})
        # an estimate must not look like a count
        response.headers[COUNTED_BY_HEADER] = counted["counted_by"]
        return response

    def _run(self, kind: str) -> bytes:
        self._waiting.take_place()
        body = self._as_create(read_json(request), kind)
        accepted = self._creation.accept(
            body,
            g.caller,
            headers=provider_headers(),
            request_id=g.request_id,
            kind=kind,
            repeat=read_repeat(request.headers),
        )
        return self._waiting.result(accepted.row)

    def _as_create(self, body: Any, kind: str) -> Any:
        """The body as a create that is waited for and leaves nothing behind."""
        if not isinstance(body, dict):
            return body
        body = {**body, "store": False, "stream": None, "background": None}
        if kind == INPUT_TOKENS:
            # here everything is optional
            if body.get("model") is None:
                body["model"] = self._catalog.any_model()
            if body.get("input") is None:
                body["input"] = []
        return body
