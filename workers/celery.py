"""Process shim: what `celery -A workers.celery worker` loads."""

from __future__ import annotations

import os
from typing import Any

from celery.signals import setup_logging, worker_init, worker_shutdown, worker_shutting_down

from shared.queue import make_celery
from shared.services import open_services
from shared.settings import Settings
from shared.telemetry import configure_logging
from workers.process import WorkerProcess
from workers.tasks import register

settings = Settings.from_env(os.environ)
app = make_celery(settings)
process = WorkerProcess(open_services(settings, os.environ, pool_size=settings.worker_concurrency + 4))
register(app, process.answer)


@setup_logging.connect  # type: ignore[untyped-decorator]
def _setup_logging(**_: Any) -> None:
    configure_logging("worker", settings.log_level)


@worker_init.connect  # type: ignore[untyped-decorator]
def _start(**_: Any) -> None:
    process.start()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _drain(**_: Any) -> None:
    process.drain()


@worker_shutdown.connect  # type: ignore[untyped-decorator]
def _stop(**_: Any) -> None:
    process.stop()
