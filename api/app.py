"""The front door: reads and writes the store, rings, relays. It never calls an upstream."""

from __future__ import annotations

import threading

from flask import Blueprint, Flask, g, request

from api import body, errors, headers, metrics
from api.auth import Authenticator
from api.conversations import ConversationsResource
from api.creation import Creation
from api.docs import DocsResource
from api.endings import Endings
from api.endpoints import EndpointsResource
from api.health import HealthResource
from api.limits import BodyBudget, Waiters
from api.listing import ListingResource
from api.metrics import MetricsResource
from api.models import ModelsResource
from api.relay import Relay
from api.responses import ResponsesResource
from api.turns import Turns
from api.waiting import Waiting
from api.websocket import WebSocketResource
from shared.catalog import Reloader
from shared.services import Services

# the official path, and the base URL of the guide
MOUNTS = {"v1": "/v1", "guide": "/api/llm/api/inference/openai"}


def create_app(services: Services) -> Flask:
    """The application and its relay, running. One call a process."""
    app = Flask("respool", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = services.settings.max_body_bytes
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # it redirects with a page of HTML, before it knows the caller
    endings = Endings(services)
    relay = Relay(services, endings)
    settings = services.settings
    waiters = Waiters(limit=settings.max_streams, key_limit=settings.max_streams_per_key)
    budget = BodyBudget(settings.max_inflight_body_bytes)
    draining = app.extensions["draining"] = threading.Event()
    waiting = Waiting(services, relay, waiters, draining)
    creation = Creation(services, relay)
    authenticator = Authenticator(services.store.keys, services.settings.secret_key)
    turns = Turns(creation, relay, waiters)
    resources = (
        ResponsesResource(services.store, creation, relay, endings, waiting),
        ConversationsResource(services.store),
        EndpointsResource(services.catalog, creation, waiting),
        ListingResource(services.store),
        ModelsResource(services.catalog),
        WebSocketResource(settings, authenticator, turns, budget, draining),
    )
    for name, prefix in MOUNTS.items():
        blueprint = Blueprint(name, __name__, url_prefix=prefix)
        blueprint.before_request(lambda: _authenticate(authenticator))
        for resource in resources:
            resource.routes(blueprint)
        app.register_blueprint(blueprint)
    reloader = Reloader(services.catalog, services.settings, services.environ)
    HealthResource(services, draining, reloader).routes(app)
    MetricsResource(services).routes(app)
    DocsResource(MOUNTS.values()).routes(app)
    body.install(app, budget, seconds=settings.body_seconds)
    errors.install(app)
    headers.install(app)
    metrics.install(app, services.transitions.counters)
    relay.start()
    reloader.start()
    app.extensions["reporter"] = metrics.start_reporter(services, relay, reloader)
    return app


def _authenticate(authenticator: Authenticator) -> None:
    g.caller = authenticator.caller(request.headers.get("Authorization"))
