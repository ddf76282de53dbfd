"""The bell: that there may be work, said by Celery."""

from __future__ import annotations

from shared.queue.bell import RUN_RESPONSE, TASKS, Parcel, Queue, make_celery
from shared.queue.transport import BellChannel

__all__ = ["RUN_RESPONSE", "TASKS", "BellChannel", "Parcel", "Queue", "make_celery"]
