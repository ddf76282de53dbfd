"""/healthz: the process answers. /readyz: it can do its work, with the reasons when it cannot."""

from __future__ import annotations

import threading
from collections.abc import Callable

from flask import Flask, Response

from api.errors import json_response
from shared.catalog import Reloader
from shared.errors import LogUnavailable, StoreUnavailable
from shared.services import Services

CONFIG_REFUSED = "the changed providers file has a mistake, which is in the log; the older providers stay"
SWEEP_SECONDS = 60.0  # an older sweep means that no worker lives


class HealthResource:
    def __init__(self, services: Services, draining: threading.Event, reloader: Reloader) -> None:
        self._services = services
        self._draining = draining
        self._reloader = reloader

    def routes(self, app: Flask) -> None:
        app.add_url_rule("/healthz", view_func=self.healthz, methods=["GET"], endpoint="healthz")
        app.add_url_rule("/readyz", view_func=self.readyz, methods=["GET"], endpoint="readyz")

    def healthz(self) -> Response:
        return json_response({"status": "ok"})

    def readyz(self) -> Response:
        checks = {
            "process": "going away" if self._draining.is_set() else "ok",
            "store": _outcome(self._services.store.sweeping.probe),
            "log": _outcome(self._services.log.ping),
            "workers": _outcome(self._swept_lately),
        }
        ready = all(outcome == "ok" for outcome in checks.values())
        # told and not counted: with the providers it began with this process works
        checks["config"] = CONFIG_REFUSED if self._reloader.refused else "ok"
        return json_response(
            {"status": "ready" if ready else "not_ready", "checks": checks}, 200 if ready else 503
        )

    def _swept_lately(self) -> str:
        age = self._services.store.sweeping.last_sweep_age()
        if age is None:
            return "no worker has swept yet"
        return "ok" if age < SWEEP_SECONDS else f"the last sweep was {age:.0f} s ago"


def _outcome(check: Callable[[], str | None]) -> str:
    try:
        return check() or "ok"
    except (StoreUnavailable, LogUnavailable) as error:
        return str(error)
