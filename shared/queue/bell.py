"""The bell: Celery, used to say that there may be work, and for nothing else.

Losing, doubling or reordering any message changes latency only, so: early acks, no result backend,
no retries, no ETA, no revoke. A ring is bounded in time and its outcome is not known.
"""

from __future__ import annotations

import logging

from celery import Celery
from celery.exceptions import CeleryError
from kombu.exceptions import KombuError

from shared.settings import Settings

_log = logging.getLogger("respool.queue")

RUN_RESPONSE = "respool.run_response"
TASKS = frozenset({RUN_RESPONSE})
RING_SECONDS = 2

_TRANSPORT = {
    "visibility_timeout": 86_400,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 15,
    "retry_on_timeout": False,
    "global_keyprefix": "respool:",
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
        task_default_queue="responses",
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


class Queue:
    def __init__(self, app: Celery) -> None:
        self._app = app
        connection = app.connection_for_write()  # does not connect; knows its transport's errors
        self._errors = (KombuError, CeleryError, *connection.connection_errors, *connection.channel_errors)

    def ring(self, response_id: str) -> bool:
        """Say that a row may wait; the id is a hint for logs. False: perhaps nobody heard it."""
        try:
            self._app.send_task(RUN_RESPONSE, args=[response_id], retry=False, argsrepr="", kwargsrepr="")
        except self._errors as error:
            _log.warning("no bell for %s: %s", response_id, type(error).__name__)
            return False
        return True

    def close(self) -> None:
        self._app.close()
