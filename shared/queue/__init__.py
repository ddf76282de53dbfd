"""The bell: that there may be work, said by Celery."""

from __future__ import annotations

from shared.queue.bell import (
    ENOUGH,
    LOOK_EACH,
    QUIET_SECONDS,
    RING_SECONDS,
    RUN_RESPONSE,
    TASKS,
    Queue,
    make_celery,
)

__all__ = [
    "ENOUGH",
    "LOOK_EACH",
    "QUIET_SECONDS",
    "RING_SECONDS",
    "RUN_RESPONSE",
    "TASKS",
    "Queue",
    "make_celery",
]
