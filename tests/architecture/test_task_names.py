"""The API rings by name: the names it knows are the tasks a worker has, no more and no fewer."""

from __future__ import annotations

from celery import Celery

from shared.queue import TASKS
from workers.tasks import register


def test_tasks_registered_by_a_worker_are_the_names_the_queue_knows() -> None:
    app = Celery("test", broker="memory://", set_as_current=False)

    register(app, lambda: None)

    assert {name for name in app.tasks if not name.startswith("celery.")} == TASKS
