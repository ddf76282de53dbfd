"""One open WebSocket on a socket: whole messages in, whole messages out, pings and the goodbye.

Anyone may send, one thread receives. A message that is too large or not text comes in as the error
it deserves. Whatever breaks the connection shows as ChannelClosed, on both sides.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import LocalProtocolError

from api.sockets import readable
from shared.errors import ClientError, InvalidRequest, PayloadTooLarge, RespoolError

WRITE_SECONDS = 60.0  # a reader that takes nothing for so long is gone
GOODBYE_SECONDS = 2.0
_CHUNK = 64 * 1024


class ChannelClosed(RespoolError):
    """The other side is gone, or will be sent nothing more."""


class Channel:
    def __init__(self, sock: socket.socket, *, max_bytes: int) -> None:
        sock.settimeout(WRITE_SECONDS)
        self.closed = False
        self.heard_at = time.monotonic()
        self._sock = sock
        self._max_bytes = max_bytes
        self._ws = Connection(ConnectionType.SERVER)  # no compression: a small message stays small
        self._writing = threading.Lock()
        self._pieces: list[bytes] = []
        self._size = 0  # of the message that is coming in

    def send(self, messages: Sequence[bytes]) -> None:
        self._write([TextMessage(data=message.decode()) for message in messages])

    def ping(self) -> None:
        self._write([Ping()])

    def receive(self, seconds: float) -> list[bytes | ClientError]:
        """Messages that have become whole; none where nothing came in time."""
        try:
            if not readable(self._sock, seconds):
                return []
            data = self._sock.recv(_CHUNK)
        except (OSError, ValueError) as error:
            raise self._gone() from error
        if not data:
            raise self._gone()
        self.heard_at = time.monotonic()
        self._ws.receive_data(data)
        messages: list[bytes | ClientError] = []
        for event in self._ws.events():
            if isinstance(event, (TextMessage, BytesMessage)):
                messages += self._hear(event)
            elif isinstance(event, Ping):
                self._write([event.response()])
            elif isinstance(event, CloseConnection):
                # also where what came in is no WebSocket: its code says why
                self.close(event.response())
                raise self._gone()
        return messages

    def close(self, goodbye: CloseConnection) -> None:
        """Say goodbye and let it be read: closing over unread bytes would take it back."""
        try:
            self._write([goodbye])
            self.closed = True
            self._sock.shutdown(socket.SHUT_WR)
            until = time.monotonic() + GOODBYE_SECONDS
            while (left := until - time.monotonic()) > 0:
                if not readable(self._sock, left) or not self._sock.recv(_CHUNK):
                    return
        except (ChannelClosed, OSError, ValueError):
            self.closed = True

    def _hear(self, event: TextMessage | BytesMessage) -> list[bytes | ClientError]:
        """The message, when its last piece is there."""
        piece = event.data.encode() if isinstance(event.data, str) else bytes(event.data)
        self._size += len(piece)
        if self._size <= self._max_bytes:
            self._pieces.append(piece)
        else:
            self._pieces.clear()
        if not event.message_finished:
            return []
        pieces, size = self._pieces, self._size
        self._pieces, self._size = [], 0
        if isinstance(event, BytesMessage):
            return [InvalidRequest("Send messages as text, not as binary.", code="binary_message")]
        if size > self._max_bytes:
            return [PayloadTooLarge(f"The message is larger than {self._max_bytes} bytes.")]
        return [b"".join(pieces)]

    def _write(self, events: Sequence[Event]) -> None:
        with self._writing:
            if self.closed:
                raise ChannelClosed("the connection is closed")
            try:
                self._sock.sendall(b"".join(self._ws.send(event) for event in events))
            except (OSError, LocalProtocolError) as error:
                raise self._gone() from error

    def _gone(self) -> ChannelClosed:
        self.closed = True
        return ChannelClosed("the connection is gone")
