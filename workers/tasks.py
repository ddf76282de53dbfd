"""The Celery tasks: a bell, answered."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from celery import Celery

from shared.queue import RUN_RESPONSE, BellChannel

_log = logging.getLogger("respool.tasks")


def register(app: Celery, work: Callable[[], None]) -> None:
    @app.task(name=RUN_RESPONSE, shared=False, Strategy=f"{__name__}:answering")  # type: ignore[untyped-decorator]
    def run_response(hint: str) -> None:
        """`hint` says who rang, for those who look into the queue; what is claimed is decided by policy."""
        work()


def answering(task: Any, _app: Celery, consumer: Any) -> Callable[..., None]:
    """How Celery's consumer starts this task: its own way (celery.worker.strategy) makes a request object of
    each message, with revocations, events, time limits and results, and a bell has none of them."""
    begin, errors = consumer.pool.apply_async, consumer.connection_errors

    def heard(message: Any, _payload: Any, ack: Callable[..., None], *_: Any) -> None:
        # the library's `ack` is done by the thread that reads; ours may be done by any
        done = message.ack if isinstance(message.channel, BellChannel) else partial(ack, _log, errors)
        begin(_answer, (task.run, done), callback=_nothing)

    return heard


def _answer(run: Callable[[str], None], ack: Callable[[], None]) -> None:
    try:
        ack()
    finally:
        run("")


def _nothing(_: Any) -> None:
    pass
