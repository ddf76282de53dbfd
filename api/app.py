"""The front door: reads and writes the store, rings, relays. It never calls an upstream."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, g, request

from api import errors
from api.auth import Authenticator
from api.creation import Creation
from api.endings import Endings
from api.endpoints import EndpointsResource
from api.health import HealthResource
from api.models import ModelsResource
from api.relay import Relay
from api.responses import ResponsesResource
from api.waiting import Waiting
from shared.ids import is_request_id, new_request_id
from shared.services import Services

# the official path, and the base URL of the guide
MOUNTS = {"v1": "/v1", "guide": "/api/llm/api/inference/openai"}


def create_app(services: Services) -> Flask:
    """The application and its relay, running. One call a process."""
    app = Flask("respool", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = services.settings.max_body_bytes
    app.url_map.strict_slashes = False
    endings = Endings(services)
    relay = Relay(services, endings)
    waiting = Waiting(services, relay, endings)
    creation = Creation(services, relay)
    resources = (
        ResponsesResource(services.store, creation, relay, endings, waiting),
        EndpointsResource(services.catalog, creation, waiting),
        ModelsResource(services.catalog),
    )
    authenticator = Authenticator(services.store.keys, services.settings.secret_key)
    for name, prefix in MOUNTS.items():
        blueprint = Blueprint(name, __name__, url_prefix=prefix)
        blueprint.before_request(lambda: _authenticate(authenticator))
        for resource in resources:
            resource.routes(blueprint)
        app.register_blueprint(blueprint)
    HealthResource(services).routes(app)
    errors.install(app)
    app.before_request(_name_request)
    app.after_request(_finish_headers)
    relay.start()
    return app


def _authenticate(authenticator: Authenticator) -> None:
    g.caller = authenticator.caller(request.headers.get("Authorization"))


def _name_request() -> None:
    offered = request.headers.get("X-Request-Id", "")
    g.request_id = offered if is_request_id(offered) else new_request_id()


def _finish_headers(response: Response) -> Response:
    response.headers["x-request-id"] = g.get("request_id") or new_request_id()
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
