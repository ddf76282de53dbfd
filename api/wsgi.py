"""Process shim: what gunicorn loads in each of its workers."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402

import gevent  # noqa: E402

from api.app import create_app  # noqa: E402
from shared.services import open_services  # noqa: E402
from shared.settings import Settings  # noqa: E402
from shared.telemetry import configure_logging  # noqa: E402

SQL_CONNECTIONS = 20

settings = Settings.from_env(os.environ)
configure_logging("api", settings.log_level)
# SQLite would stop the event loop, and with it every stream of this process
services = open_services(
    settings,
    os.environ,
    pool_size=SQL_CONNECTIONS,
    offload=lambda call: gevent.get_hub().threadpool.apply(call),
)
application = create_app(services)
