"""One turn of a connection: a create like any other, its events sent as they come.

The same row, task and log as over HTTP. Whatever goes wrong becomes an error message, and the
connection stays open for the next turn.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import orjson

from api.auth import Caller
from api.channel import Channel, ChannelClosed
from api.creation import Creation
from api.limits import Waiters
from api.memory import Memory
from api.relay import Relay, StreamLost
from shared.errors import ClientError, LogUnavailable, StoreUnavailable, Unavailable
from shared.store.rows import ResponseRow
from shared.wire import events, websocket

_log = logging.getLogger("respool.turns")

TICK_SECONDS = 1.0  # how often a silent turn looks whether its client is still there


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, and what the upgrade said of how to serve it."""

    caller: Callable[[], Caller]  # asked anew for each turn: a key may have been revoked
    headers: Mapping[str, str]
    request_id: str


Answer = Callable[[Channel, Peer, Memory, str | None, dict[str, Any]], None]


class Turns:
    """How requests are answered; the same for all connections."""

    def __init__(self, creation: Creation, relay: Relay, waiters: Waiters) -> None:
        self._creation = creation
        self._relay = relay
        self._waiters = waiters

    def run(
        self, channel: Channel, peer: Peer, memory: Memory, stream_id: str | None, message: dict[str, Any]
    ) -> None:
        try:
            self._run(channel, peer, memory, stream_id, message)
        except ChannelClosed:
            return
        except Exception as error:
            memory.forget(message.get("previous_response_id"))
            refuse(channel, stream_id, error)

    def _run(
        self, channel: Channel, peer: Peer, memory: Memory, stream_id: str | None, message: dict[str, Any]
    ) -> None:
        body = websocket.create_body(message)
        previous = body.get("previous_response_id")
        caller = peer.caller()
        leave = self._waiters.enter(caller.key_id)
        try:
            accepted = self._creation.accept(
                body,
                caller,
                headers=peer.headers,
                request_id=peer.request_id,
                earlier=memory.find(previous),
            )
            last = self._send_events(channel, accepted.row, stream_id)
        finally:
            leave()
        if events.event_type(last) == "response.failed":
            memory.forget(previous)
        else:
            response = orjson.loads(events.terminal_response(last))
            memory.keep(stream_id, accepted, response["output"])

    def _send_events(self, channel: Channel, row: ResponseRow, stream_id: str | None) -> bytes:
        """Everything up to the terminal event; that one's frame."""
        last = b""
        try:
            with closing(self._relay.follow(row.id, -1, tick_seconds=TICK_SECONDS)) as chunks:
                for chunk in chunks:
                    if channel.closed:
                        raise ChannelClosed("the client is gone")
                    frames = events.split(chunk)
                    if frames:
                        last = frames[-1]
                        channel.send([websocket.event_message(frame, stream_id) for frame in frames])
        except StreamLost as error:
            self._relay.left(row)
            raise Unavailable(
                f"The events of response '{row.id}' can no longer be sent; retrieve it by its id.",
                code="stream_lost",
            ) from error
        except ChannelClosed:
            self._relay.left(row)
            raise
        return last


def refuse(channel: Channel, stream_id: str | None, error: Exception) -> None:
    """Say what went wrong, in the words HTTP has for it."""
    if isinstance(error, (StoreUnavailable, LogUnavailable)):
        _log.warning("unavailable: %s", error)
        error = Unavailable("The gateway cannot reach its storage right now; try again.")
    elif not isinstance(error, ClientError):
        _log.error("fault of ours", exc_info=error)
        fault = ClientError("The gateway failed to process the request.")
        fault.status, fault.type = 500, "server_error"
        error = fault
    try:
        channel.send([websocket.error_message(error, stream_id)])
    except ChannelClosed:
        _log.debug("the client was gone before its error")
