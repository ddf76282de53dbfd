"""The upgrade of GET /responses: checked as a request, refused as one, or taken over by a Session.

The key is checked before this is reached: a wrong one is a plain 401. A plain GET never comes here.
"""

from __future__ import annotations

import base64
import binascii
import logging
import socket
import threading
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, request
from wsproto.utilities import generate_accept_token

from api.auth import Authenticator
from api.channel import Channel
from api.errors import json_response
from api.limits import BodyBudget
from api.routing import provider_headers
from api.session import Limits, Session
from api.turns import Peer, Turns
from shared.errors import InvalidRequest
from shared.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_log = logging.getLogger("respool.websocket")

VERSION = "13"  # of the WebSocket protocol: the only one there is
SOCKET = "gunicorn.socket"


class WebSocketResource:
    def __init__(
        self,
        settings: Settings,
        authenticator: Authenticator,
        turns: Turns,
        budget: BodyBudget,
        draining: threading.Event,
    ) -> None:
        self._max_bytes = settings.max_body_bytes
        self._authenticator = authenticator
        self._turns = turns
        self._budget = budget
        self._draining = draining

    def routes(self, blueprint: Blueprint) -> None:
        blueprint.add_url_rule(
            "/responses", view_func=self.upgrade, methods=["GET"], endpoint="websocket", websocket=True
        )

    def upgrade(self) -> Response:
        if request.headers.get("Sec-WebSocket-Version") != VERSION:
            error = InvalidRequest(
                f"This server speaks WebSocket version {VERSION} only.", code="unsupported_websocket_version"
            )
            refused = json_response(error.envelope(), 426)
            refused.headers["Sec-WebSocket-Version"] = VERSION
            refused.headers["Upgrade"] = "websocket"
            return refused
        key = request.headers.get("Sec-WebSocket-Key", "")
        has_body = request.content_length or "Transfer-Encoding" in request.headers
        if not _is_nonce(key) or has_body:
            raise InvalidRequest("This is not a valid WebSocket upgrade.", code="bad_request")
        authorization = request.headers.get("Authorization")
        peer = Peer(
            caller=partial(self._authenticator.caller, authorization),
            headers=provider_headers(),
            request_id=g.request_id,
        )
        return _Upgraded(self, peer, generate_accept_token(key.encode()).decode())

    def serve(self, sock: socket.socket, peer: Peer) -> None:
        session = Session(
            Channel(sock, max_bytes=self._max_bytes),
            peer,
            self._turns.run,
            limits=Limits(),
            max_waiting_bytes=self._max_bytes,
            budget=self._budget,
        )
        session.run(self._draining)


class _Upgraded(Response):
    """An answer that keeps the connection: the server gets it back only to close it."""

    def __init__(self, resource: WebSocketResource, peer: Peer, accept: str) -> None:
        super().__init__(status=101)
        self._resource = resource
        self._peer = peer
        self._accept = accept

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        sock: socket.socket = environ[SOCKET]
        sock.sendall(self._head())
        try:
            self._resource.serve(sock, self._peer)
        except Exception:
            # nobody above may answer: what goes out here is no longer HTTP
            _log.exception("fault of ours", extra={"request_id": self._peer.request_id})
        # how gunicorn is told that nothing is left to send and the connection is over
        raise StopIteration

    def _head(self) -> bytes:
        own = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": self._accept}
        dropped = {"content-type", "content-length", "connection", "transfer-encoding"}
        others = {name: value for name, value in self.headers.items() if name.lower() not in dropped}
        lines = [f"{name}: {value}" for name, value in {**own, **others}.items()]
        return "\r\n".join(["HTTP/1.1 101 Switching Protocols", *lines, "", ""]).encode("latin-1")


def _is_nonce(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False
