"""Celery's Redis transport for messages that may be lost.

The library keeps a copy of each message that is not acknowledged yet, in four more commands, and makes
a new client object for each command. A bell needs neither: what a dead worker heard is found in SQL.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import redis, virtual


class _Heard(redis.QoS):
    """Counts what is not acknowledged, which limits the prefetch, and keeps it nowhere."""

    append = virtual.QoS.append
    ack = virtual.QoS.ack
    restore_at_shutdown = False

    def restore_visible(self, *_: Any, **__: Any) -> None:
        """There is nothing to restore."""

    def restore_unacked(self, *_: Any, **__: Any) -> None:
        self._delivered.clear()

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        self.ack(delivery_tag)  # type: ignore[no-untyped-call]


class _Channel(redis.Channel):
    QoS = _Heard
    _lasting: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[no-untyped-call]
        if self._lasting is None:
            self._lasting = super()._create_client()  # type: ignore[no-untyped-call]
        return self._lasting


class BellTransport(redis.Transport):
    Channel = _Channel
