"""The Celery tasks: a bell, answered."""

from __future__ import annotations

import logging
from collections.abc import Callable

from celery import Celery

from shared.errors import StoreUnavailable
from shared.queue import RUN_RESPONSE

_log = logging.getLogger("respool.tasks")


def register(app: Celery, work: Callable[[], None]) -> None:
    @app.task(name=RUN_RESPONSE)  # type: ignore[untyped-decorator]
    def run_response(hint: str) -> None:
        """`hint` says who rang; what is claimed is decided by policy."""
        try:
            work()
        except StoreUnavailable as error:
            _log.warning("bell of %s: cannot claim: %s", hint, error)
