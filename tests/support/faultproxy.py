"""A TCP proxy whose line can be broken in every way while it runs.

In front of Redis, PostgreSQL or the upstream: `passing`, `cut` (nobody listens), `half_open` (bytes
vanish, connections stay), `reset`, and on top of passing a delay, a throttle, or an end after so many
bytes. A mode holds for connections that are there and for new ones. It can listen under the name
that a server's Unix socket would have.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.servers import free_port

PASSING, CUT, HALF_OPEN = "passing", "cut", "half_open"
_CHUNK = 65_536
_LINGER_NONE = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class _Line:
    """One connection: the client's side and the server's."""

    client: socket.socket
    server: socket.socket
    left: float  # bytes that the server's side may still send

    def end(self, *, reset: bool) -> None:
        for side in (self.client, self.server):
            with suppress(OSError):
                if reset and side.family == socket.AF_INET:
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
                side.shutdown(socket.SHUT_RDWR)
        for side in (self.client, self.server):
            side.close()


class FaultProxy:
    def __init__(self, target: tuple[str, int] | Path) -> None:
        """`target`: address and port, or the path of a Unix socket."""
        self.port = free_port()
        self.accepted = 0
        self._target = target
        self._mode = PASSING
        self._delay = 0.0
        self._bytes_a_second = float("inf")
        self._cut_after = float("inf")
        self._lines: set[_Line] = set()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None

    def start(self) -> FaultProxy:
        self._listen()
        return self

    def stop(self) -> None:
        self.cut()

    def passing(self) -> None:
        """All is well again; also what was slow. Connections that lost bytes end."""
        if self._mode == HALF_OPEN:
            self._end_all(reset=False)  # first: nothing that was swallowed may get through after all
        self._mode = PASSING
        self._delay, self._bytes_a_second, self._cut_after = 0.0, float("inf"), float("inf")
        self._listen()

    def cut(self) -> None:
        """Connections end, new ones are refused."""
        self._mode = CUT
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self._end_all(reset=False)

    def reset(self) -> None:
        """Connections end by RST; new ones are as before."""
        self._end_all(reset=True)

    def half_open(self) -> None:
        """Nothing arrives any more, and nobody is told."""
        self._mode = HALF_OPEN

    def delay(self, milliseconds: float) -> None:
        self._delay = milliseconds / 1000

    def throttle(self, bytes_a_second: float) -> None:
        self._bytes_a_second = bytes_a_second

    def cut_after(self, count: int) -> None:
        """Every connection ends once the server has sent so many bytes more."""
        self._cut_after = count
        with self._lock:
            for line in self._lines:
                line.left = count

    @property
    def connections(self) -> int:
        with self._lock:
            return len(self._lines)

    def _listen(self) -> None:
        if self._listener is not None:
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(512)
        self._listener = listener
        _in_background(lambda: self._accept(listener))

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.accepted += 1
            try:
                server = self._connect()
            except OSError:
                client.close()
                continue
            line = _Line(client, server, self._cut_after)
            with self._lock:
                self._lines.add(line)
            if listener is not self._listener:
                # cut meanwhile, and this one was not there yet to be ended
                line.end(reset=False)
                continue
            _in_background(lambda line=line: self._pump(line, line.client, line.server))  # type: ignore[misc]
            _in_background(lambda line=line: self._pump(line, line.server, line.client))  # type: ignore[misc]

    def _connect(self) -> socket.socket:
        if isinstance(self._target, Path):
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self._target))
            except OSError:
                server.close()
                raise
            return server
        return socket.create_connection(self._target)

    def _pump(self, line: _Line, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                if self._mode == HALF_OPEN:
                    continue
                if source is line.server:
                    data = data[: int(min(line.left, len(data)))]
                    line.left -= len(data)
                self._send(target, data)
                if line.left <= 0:
                    break
            if self._mode == HALF_OPEN:
                return  # the other side does not hear of it either
        with self._lock:
            self._lines.discard(line)
        line.end(reset=False)

    def _send(self, target: socket.socket, data: bytes) -> None:
        if self._delay:
            time.sleep(self._delay)
        if self._bytes_a_second == float("inf"):
            target.sendall(data)
            return
        step = max(1, int(self._bytes_a_second / 20))
        for at in range(0, len(data), step):
            target.sendall(data[at : at + step])
            time.sleep(step / self._bytes_a_second)

    def _end_all(self, *, reset: bool) -> None:
        with self._lock:
            lines, self._lines = self._lines, set()
        for line in lines:
            line.end(reset=reset)


def _in_background(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()
