"""Logs: one JSON object a line, with the response and request they belong to.

Never a prompt, an output or a key: messages are built from names and numbers, and what looks like a
secret is masked all the same.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import Any

_SECRET = re.compile(r"(sk-[A-Za-z0-9_-]{4})[A-Za-z0-9_-]+|(Bearer\s+)\S+|(://[^:/@\s]*:)[^@\s]+(@)")
_FIELDS = (
    "response_id",
    "attempt",
    "request_id",
    "client_request_id",
    "status",
    "reason",
    "tenant",
    "provider",
    "to",
    "seconds",
)
# the last two say a line a bell, and a bell is not a response
_NOISY = (
    "kombu",
    "amqp",
    "urllib3",
    "alembic",
    "celery.utils.functional",
    "celery.worker.strategy",
    "celery.app.trace",
)


class _JsonLines(logging.Formatter):
    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "role": self._role,
            "logger": record.name,
            "message": mask(record.getMessage()),
        }
        line.update({name: getattr(record, name) for name in _FIELDS if hasattr(record, name)})
        if record.exc_info:
            line["exception"] = mask(self.formatException(record.exc_info))
        return json.dumps(line)


def mask(text: str) -> str:
    """Keys, bearer tokens and passwords in URLs, cut."""
    return _SECRET.sub(lambda m: "".join(g for g in m.groups() if g) + "…", text)


def configure_logging(role: str, level: str) -> None:
    """All of the process's logs to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines(role))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    # what libraries say to those who write against them, an option of Celery's at each reconnect
    logging.getLogger("py.warnings").setLevel(logging.ERROR)
