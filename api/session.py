"""One connection from upgrade to goodbye: reads, hands turns to their lanes, keeps the limits.

The memory, the lanes and every thread of a connection end with it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import partial

from wsproto.events import CloseConnection
from wsproto.frame_protocol import CloseReason

from api.channel import Channel, ChannelClosed
from api.lanes import Lanes
from api.limits import BodyBudget
from api.memory import Memory
from api.turns import Answer, Peer, refuse
from shared.errors import ClientError, InvalidRequest
from shared.wire import websocket


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds. A client that answers pings is never idle."""

    life: float = 3600.0
    idle: float = 600.0
    ping: float = 30.0
    look: float = 5.0  # how long until a connection notices that the process is to end


class Session:
    def __init__(
        self,
        channel: Channel,
        peer: Peer,
        answer: Answer,
        *,
        limits: Limits,
        max_waiting_bytes: int,
        budget: BodyBudget,
    ) -> None:
        self._channel = channel
        self._peer = peer
        self._answer = answer
        self._limits = limits
        self._budget = budget
        self._lanes = Lanes(max_waiting_bytes=max_waiting_bytes)
        self._memory = Memory()

    def run(self, draining: threading.Event) -> None:
        """Until the client goes, a limit is reached, or the process is to end and nothing runs."""
        began = pinged = time.monotonic()
        try:
            while True:
                now = time.monotonic()
                if now - began >= self._limits.life:
                    return self._end(
                        f"This connection is {self._limits.life / 60:.0f} minutes old: open another."
                    )
                if now - self._channel.heard_at >= self._limits.idle:
                    return self._end(f"Nothing was heard for {self._limits.idle / 60:.0f} minutes.")
                if draining.is_set():
                    self._lanes.stop()
                    if not self._lanes.running:
                        return self._channel.close(CloseConnection(CloseReason.GOING_AWAY))
                if now - pinged >= self._limits.ping:
                    self._channel.ping()
                    pinged = now
                for message in self._channel.receive(self._patience(now, began, pinged)):
                    self._take(message)
        except ChannelClosed:
            return None
        finally:
            self._lanes.stop()
            self._channel.closed = True

    def _patience(self, now: float, began: float, pinged: float) -> float:
        limits = self._limits
        due = min(began + limits.life, self._channel.heard_at + limits.idle, pinged + limits.ping)
        return max(0.0, min(due - now, limits.look))

    def _take(self, data: bytes | ClientError) -> None:
        """Everything is answered in its lane's order, but for what names no lane or finds no room."""
        stream_id: str | None = None
        try:
            if isinstance(data, ClientError):
                raise data
            message = websocket.read_message(data)
            stream_id = websocket.read_stream_id(message)
            turn = partial(self._answer, self._channel, self._peer, self._memory, stream_id, message)
            self._budget.take_for(len(data), turn)
            self._lanes.submit(stream_id, turn, len(data))
        except ClientError as error:
            refuse(self._channel, stream_id, error)

    def _end(self, why: str) -> None:
        error = InvalidRequest(why, code="websocket_connection_limit_reached")
        self._channel.send([websocket.error_message(error, None)])
        self._channel.close(CloseConnection(CloseReason.GOING_AWAY))
