"""An upstream's answer over HTTP/1.1, read as its bytes come, by httptools' parser.

http.client reads a line for each header and each chunk, which costs several times what is then done
with them. Here whatever the kernel has is parsed at one go, and a body's chunks of that moment are one piece.
"""

from __future__ import annotations

import socket
from typing import Any

import httptools
from urllib3.exceptions import ProtocolError

MAX_HEAD_BYTES = 256 * 1024
READ_BYTES = 65_536
_NOT_HTTP = (httptools.HttpParserError, httptools.HttpParserUpgrade)


class Reply:
    """Status and headers (names in lower case), then the body piece by piece; encodings are left as they are.

    Raises OSError where the connection breaks, and urllib3's ProtocolError where what comes is not HTTP or
    is cut short. Made by a connection of urllib3, whose pool sets `retries`, `_connection` and `_pool`.
    """

    version_string = "HTTP/1.1"
    length_remaining = None
    retries: Any = None
    _connection: Any = None
    _pool: Any = None

    def __init__(self, sock: socket.socket) -> None:
        """Waits for the head."""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_whole = False
        self._sock = sock
        self._body: list[bytes] = []
        self._has_head = False
        self._fault: ProtocolError | None = None  # behind what was understood, and can still be read
        self._stays = False  # whether the connection may serve another call
        self._parser: Any = httptools.HttpResponseParser(self)
        # as tolerant as http.client: what was paid for is read, however it is written
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_chunked_length=True,
            lenient_transfer_encoding=True,
            lenient_optional_cr_before_lf=True,
            lenient_optional_lf_after_cr=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._read_head()

    def read(self) -> bytes:
        """What has come of the body; b"" once it is whole."""
        while not self._body and not self.is_whole:
            if self._fault is not None:
                raise self._fault
            self._feed()
        piece, self._body = b"".join(self._body), []
        return piece

    def wait(self, seconds: float) -> None:
        """How long a read waits for its bytes."""
        self._sock.settimeout(seconds)

    def close(self) -> None:
        """The connection serves another call if the answer is whole; else it ends."""
        self._parser = None  # which knows us
        connection, self._connection = self._connection, None
        if connection is not None:
            if not (self.is_whole and self._stays):
                connection.close()
            self._pool._put_conn(connection)

    @property
    def _is_chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    def _read_head(self) -> None:
        taken = 0
        while not self._has_head:
            if self._fault is not None:
                raise self._fault
            if taken > MAX_HEAD_BYTES:
                raise ProtocolError("the head of an answer has no end")
            taken += self._feed()

    def _feed(self) -> int:
        data = self._sock.recv(READ_BYTES)
        if not data:
            self._end_by_closing()
            return 0
        try:
            self._parser.feed_data(data)
        except _NOT_HTTP as error:
            self._stays = False
            self._fault = ProtocolError(f"not HTTP: {error}")
        return len(data)

    def _end_by_closing(self) -> None:
        """Without a length and without chunks, the end of the connection is the end of the body."""
        self._stays = False
        if not self._has_head or "content-length" in self.headers or self._is_chunked:
            raise ProtocolError("the answer was cut short")
        self.is_whole = True

    # What the parser tells; anything behind a whole answer is nobody's, and costs the connection.

    def on_message_begin(self) -> None:
        self._stays = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.is_whole:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            known = self.headers.get(key)
            self.headers[key] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        if not self.is_whole:
            self.status = self._parser.get_status_code()
            if self.status >= 200:
                self._has_head = True
                # of an answer with two lengths nobody knows for sure where it ends
                is_clear = not ("content-length" in self.headers and self._is_chunked)
                self._stays = is_clear and self._parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        if not self.is_whole:
            self._body.append(piece)

    def on_message_complete(self) -> None:
        if self._has_head:
            self.is_whole = True
        else:
            self.headers.clear()  # of an answer that only says to wait
