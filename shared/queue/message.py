"""A bell as Celery's workers read it: what every one of them says, put together once."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import orjson
from celery import Celery


class Message:
    def __init__(self, app: Celery, task: str, queue: str) -> None:
        made = app.amqp.as_task_v2("", task, args=[""], ignore_result=True, argsrepr="", kwargsrepr="")
        self._headers: dict[str, Any] = made.headers
        self._properties: dict[str, Any] = {
            **made.properties,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
            "body_encoding": "base64",
        }
        self._after_args = made.body[1:]

    def to(self, response_id: str) -> dict[str, Any]:
        """The message of one ring, as a transport takes it."""
        own = str(uuid.uuid4())
        return {
            "body": base64.b64encode(orjson.dumps([[response_id], *self._after_args])).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {**self._headers, "id": own, "root_id": own},
            "properties": {**self._properties, "correlation_id": own, "delivery_tag": own},
        }
