"""How gunicorn runs the API: event-driven workers, streams that may last, no surprises at a kill."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any

worker_class = "api.server.Worker"
worker_connections = 10_000
timeout = 60  # of the event loop, not of a stream
graceful_timeout = int(
    float(os.environ.get("RESPOOL_DRAIN_SECONDS") or 300)
)  # blocking waits are kept so long
keepalive = 75
max_requests = 0  # a limit would cut streams
# wide enough that a long id or key is told what it is (RELIABILITY B3, B55), not that it is long
limit_request_line = 8190
limit_request_field_size = 16_384
# nobody in front of us is known to be a proxy: what its headers would say, a client could say
forwarded_allow_ips = ""
forwarder_headers = ""
accesslog = None
errorlog = "-"
loglevel = "warning"

_PR_SET_PDEATHSIG = 1


def post_fork(server: Any, worker: Any) -> None:
    """A master that was killed outright must not leave workers behind on its port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def worker_exit(server: Any, worker: Any) -> None:
    """The last numbers go where the others are; a worker that never began has none."""
    reporter = getattr(worker.wsgi, "extensions", {}).get("reporter")
    if reporter is not None:
        reporter.stop()
