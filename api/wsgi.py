"""Process shim: what gunicorn loads in each of its workers."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

from api import polling  # noqa: E402

polling.install()

import os  # noqa: E402
from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402

from api.app import create_app  # noqa: E402
from shared.services import open_services  # noqa: E402
from shared.settings import Settings  # noqa: E402
from shared.telemetry import configure_logging  # noqa: E402

SQL_CONNECTIONS = 20


def _offload(call: Callable[[], Any]) -> Any:
    """Errors come back as values: the pool prints what is raised in it, a caller's mistakes too."""

    def outcome() -> tuple[Any, Exception | None]:
        try:
            return call(), None
        except Exception as error:
            return None, error

    value, error = gevent.get_hub().threadpool.apply(outcome)
    if error is not None:
        raise error
    return value


settings = Settings.from_env(os.environ)
configure_logging("api", settings.log_level)
# SQLite would stop the event loop, and with it every stream of this process
services = open_services(
    settings,
    os.environ,
    pool_size=SQL_CONNECTIONS,
    offload=_offload,
)
application = create_app(services)
