"""Celery's Redis transport for messages that may be lost.

The library keeps a copy of each message that is not acknowledged yet, in four more commands, makes a new
client object for each command, and acknowledges in the thread that reads, which is woken for it. A bell
needs none of that: what a dead worker heard is found in SQL.
"""

from __future__ import annotations

from functools import cached_property
from queue import Empty
from typing import Any

import orjson
from kombu.transport import redis, virtual


class _Heard(redis.QoS):
    """Counts what is not acknowledged, which limits the prefetch, and keeps it nowhere.

    Any thread may acknowledge; the one that reads is woken only if it has had to stop reading.
    """

    append = virtual.QoS.append
    restore_at_shutdown = False
    _is_full = False

    def can_consume(self) -> bool:
        if super().can_consume():  # type: ignore[no-untyped-call]
            return True
        self._is_full = True  # said before the second look: whoever acknowledges looks after it has
        return bool(super().can_consume())  # type: ignore[no-untyped-call]

    def ack(self, delivery_tag: str) -> None:
        self._quick_ack(delivery_tag)
        if self._is_full:
            self._is_full = False
            transport = self.channel.connection
            if transport is not None:  # else it was lost, and there is nobody to wake
                transport.wake()

    def restore_visible(self, *_: Any, **__: Any) -> None:
        """There is nothing to restore."""

    def restore_unacked(self, *_: Any, **__: Any) -> None:
        self._delivered.clear()

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        self.ack(delivery_tag)


class BellChannel(redis.Channel):
    QoS = _Heard
    _lasting: Any = None

    @cached_property
    def client(self) -> Any:
        """What the library's has, without a lock at each use."""
        return self._create_client(asynchronous=True)

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[no-untyped-call]
        if self._lasting is None:
            self._lasting = super()._create_client()  # type: ignore[no-untyped-call]
        return self._lasting

    def _brpop_read(self, **_: Any) -> bool:
        """The bell that was waited for. Raises Empty when the wait has ended without one."""
        connection = self.client.connection
        try:
            reply = connection.read_response()
        except self.connection_errors:
            connection.disconnect()
            raise
        finally:
            self._in_poll = None  # type: ignore[assignment]
        if not reply:
            raise Empty
        key, bell = reply
        queue = key.decode().removeprefix(self.global_keyprefix).rsplit(self.sep, 1)[0]
        self._queue_cycle.rotate(queue)
        self.connection._deliver(orjson.loads(bell), queue)
        return True


class BellTransport(redis.Transport):
    Channel = BellChannel
    _loop: Any = None

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        super().register_with_event_loop(connection, loop)  # type: ignore[no-untyped-call]
        self._loop = loop

    def wake(self) -> None:
        """From any thread: look again at what may be read. Pools without an event loop look by themselves."""
        if self._loop is not None:
            self._loop.call_soon(_nothing)


def _nothing() -> None:
    pass
