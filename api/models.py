"""GET /models: what may be asked for. Ids may contain `/`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from api.errors import json_response
from api.routing import provider_headers
from shared.catalog import Catalog


class ModelsResource:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def routes(self, blueprint: Blueprint) -> None:
        blueprint.add_url_rule("/models", view_func=self.list, methods=["GET"], endpoint="models")
        blueprint.add_url_rule(
            "/models/<path:model>", view_func=self.retrieve, methods=["GET"], endpoint="model"
        )

    def list(self) -> Response:
        data = [_model(name, owner) for name, owner in self._catalog.names()]
        return json_response({"object": "list", "data": data})

    def retrieve(self, model: str) -> Response:
        return json_response(_model(model, self._catalog.owner(model, provider_headers())))


def _model(name: str, owner: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}
