"""The bell: Celery, used to say that there may be work, and for nothing else.

Losing, doubling or reordering any message changes latency only, so: early acks, no result backend,
no retries, no ETA, no revoke. A ring is bounded in time and its outcome is not known.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import NamedTuple

import orjson
from celery import Celery
from celery.exceptions import CeleryError
from kombu.exceptions import KombuError

from shared.queue.message import Message
from shared.settings import Settings

_log = logging.getLogger("respool.queue")

RUN_RESPONSE = "respool.run_response"
TASKS = frozenset({RUN_RESPONSE})
RING_SECONDS = 2
QUEUE = "responses"
KEY_PREFIX = "respool:"
ENOUGH = 128  # bells that nobody has heard yet: beyond them no more are rung for a while
LOOK_EACH = 32  # rings between two looks at how many there are
QUIET_SECONDS = 0.5

_TRANSPORT = {
    "visibility_timeout": 86_400,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 15,
    "retry_on_timeout": False,
    "global_keyprefix": KEY_PREFIX,
}


def make_celery(settings: Settings, *, publisher: bool = False) -> Celery:
    """The Celery app. A publisher's sockets give up after RING_SECONDS, a consumer's after 10 s."""
    app = Celery("respool", broker=settings.broker_url, set_as_current=not publisher)
    timeout = RING_SECONDS if publisher else 10
    connect = min(RING_SECONDS, 5) if publisher else 5
    on_redis = settings.broker_url.startswith(("redis", "rediss"))
    app.conf.update(
        broker_transport="shared.queue.transport:BellTransport" if on_redis else None,
        task_serializer="json",
        accept_content=["json"],
        result_accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=False,
        task_reject_on_worker_lost=False,
        task_publish_retry=False,
        task_default_queue=QUEUE,
        task_send_sent_event=False,
        worker_send_task_events=False,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_soft_shutdown_timeout=0,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_disable_rate_limits=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=connect,
        broker_transport_options={**_TRANSPORT, "socket_timeout": timeout, "socket_connect_timeout": connect}
        if on_redis
        else {},
    )
    return app


class Parcel(NamedTuple):
    """A bell on its way: the Redis list it belongs to, and what is pushed there."""

    key: str
    message: bytes


class Queue:
    def __init__(
        self, app: Celery, clock: Callable[[], float] = time.monotonic, *, goes_along: bool = False
    ) -> None:
        """`goes_along`: the broker is the Redis of the event log, so that a command there can take a bell."""
        self._app = app
        self.goes_along = goes_along
        self._clock = clock
        self._message = Message(app, RUN_RESPONSE, QUEUE)
        self._rung = 0  # since the queue was looked at
        self._quiet_until = -math.inf
        connection = app.connection_for_write()  # does not connect; knows its transport's errors
        self._errors = (KombuError, CeleryError, *connection.connection_errors, *connection.channel_errors)

    def ring(self, response_id: str) -> bool:
        """Say that a row may wait; the id is a hint for logs. False: perhaps nobody heard it."""
        try:
            if not self._is_loud_enough():
                with self._app.producer_pool.acquire(block=True) as producer:
                    # straight to the transport: everything between says the same for every bell
                    producer.channel._put(QUEUE, self._message.to(response_id))
        except self._errors as error:
            _log.warning("no bell for %s: %s", response_id, type(error).__name__)
            return False
        return True

    def parcel(self, response_id: str) -> Parcel | None:
        """The ring as what a Redis list takes, to go along with another command; None: enough are unheard."""
        try:
            is_loud = self._is_loud_enough()
        except self._errors:
            is_loud = False
        return None if is_loud else Parcel(KEY_PREFIX + QUEUE, orjson.dumps(self._message.to(response_id)))

    def _is_loud_enough(self) -> bool:
        """More bells than slots, unheard: another one would bring nobody who does not come anyway.

        Whoever ends a row of a backlog takes the next one unasked (workers/process).
        """
        now = self._clock()
        if now < self._quiet_until:
            return True
        self._rung += 1
        if self._rung < LOOK_EACH:
            return False
        self._rung = 0
        if self._unheard() < ENOUGH:
            return False
        self._quiet_until = now + QUIET_SECONDS
        return True

    def _unheard(self) -> int:
        with self._app.producer_pool.acquire(block=True) as producer:
            size = getattr(producer.channel, "_size", None)  # of transports that can tell
            return size(QUEUE) if size is not None else 0

    def close(self) -> None:
        self._app.close()
