"""The ear of one API process: one pub/sub connection, one channel, every response it follows.

Pub/sub drops silently; what is heard is a hint with its content. A lost connection is announced,
so that followers look into the log themselves.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import redis

_log = logging.getLogger("respool.subscriber")

RECONNECT_SECONDS = 0.5
PING_SECONDS = 4.0  # of silence; a line that swallows everything looks like one on which nothing happens
MUTE_SECONDS = 10.0
_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Heard:
    """A batch as published: frames concatenated, the first one's sequence number."""

    first: int
    terminal: bool
    frames: bytes


class Subscriber:
    def __init__(
        self, client: redis.Redis, *, heard: Callable[[str, Heard], None], deaf: Callable[[], None]
    ) -> None:
        """`heard` gets each batch with its response id; `deaf` is told after each lost connection."""
        self.channel = "respool:api:" + secrets.token_hex(8)
        self.connected = threading.Event()
        self._redis = client
        self._heard = heard
        self._deaf = deaf
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="subscriber", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        with suppress(redis.exceptions.RedisError):
            self._redis.publish(self.channel, b"")  # it need not wait out its silence
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except redis.exceptions.RedisError as error:
                _log.warning("event log connection lost: %s", type(error).__name__)
            self.connected.clear()
            self._deaf()
            self._stopping.wait(RECONNECT_SECONDS)

    def _listen(self) -> None:
        pubsub = self._redis.pubsub()  # type: ignore[no-untyped-call]
        heard_at = pinged_at = time.monotonic()
        try:
            pubsub.subscribe(self.channel)
            read = _reader(pubsub.connection)
            while not self._stopping.is_set():
                message = read()
                now = time.monotonic()
                if message is None:
                    if now - heard_at > MUTE_SECONDS:
                        raise redis.exceptions.TimeoutError("no sound on the line")
                    if now - pinged_at > PING_SECONDS:
                        pinged_at = now
                        pubsub.ping()
                    continue
                heard_at = now
                if message[0] == b"subscribe":
                    # a second one means a silent reconnect: something may have been missed
                    self.connected.set()
                    self._deaf()
                elif message[0] == b"message" and message[2]:
                    self._hear(message[2])
        finally:
            pubsub.close()

    def _hear(self, payload: bytes) -> None:
        head, _, frames = payload.partition(b"\n")
        response_id, first, terminal = head.split(b" ")
        self._heard(response_id.decode(), Heard(int(first), terminal == b"1", frames))


def _reader(connection: Any) -> Callable[[], list[Any] | None]:
    """Gives what the server says next, None after a second of nothing; tries a lost connection anew once.

    `PubSub.get_message` asks twice whether there is something to read before it reads: under gevent
    that is half of what a message costs.
    """

    def read() -> list[Any] | None:
        try:
            said: list[Any] = connection.read_response(disconnect_on_error=False, timeout=_POLL_SECONDS)
        except redis.exceptions.TimeoutError:
            return None
        return said

    def reconnect(_: Exception) -> None:
        connection.disconnect()
        connection.connect()  # which subscribes again

    return partial(connection.retry.call_with_retry, read, reconnect)
