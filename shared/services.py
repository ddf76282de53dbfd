"""ALL wiring of what both sides need: settings in, connected parts out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared.catalog import Catalog, load_catalog
from shared.log import EventLog
from shared.metrics import Counters
from shared.queue import Queue, make_celery
from shared.settings import Settings
from shared.store import Limits, Store, open_store
from shared.store.engine import Offload
from shared.transitions import Transitions

SOCKET_SECONDS = 2


@dataclass(frozen=True)
class Services:
    settings: Settings
    catalog: Catalog
    store: Store
    log: EventLog
    queue: Queue
    redis: redis.Redis
    transitions: Transitions = field(default_factory=lambda: Transitions(Counters()))
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)  # for a changed providers file

    def close(self) -> None:
        self.queue.close()
        self.redis.close()
        self.store.close()


def open_services(
    settings: Settings, environ: Mapping[str, str], *, pool_size: int, offload: Offload[Any] | None = None
) -> Services:
    """Connects lazily: a dependency that is down shows at its first use."""
    settings.require("database_url", "redis_url", "secret_key")
    client = connect_redis(settings.redis_url)
    store = open_store(
        settings.database_url,
        pool_size=pool_size,
        limits=Limits(
            lease_seconds=settings.lease_seconds,
            deadline_seconds=settings.deadline_seconds,
            queued=settings.max_queued,
            tenant_queued=settings.max_queued_per_tenant,
            tenant_running=settings.tenant_concurrency,
        ),
        offload=offload,
    )
    return Services(
        settings=settings,
        catalog=load_catalog(settings, environ),
        store=store,
        log=EventLog(client),
        queue=Queue(
            make_celery(settings, publisher=True), goes_along=settings.broker_url == settings.redis_url
        ),
        redis=client,
        environ=dict(environ),
    )


def connect_redis(url: str) -> redis.Redis:
    """One factory: the library's own defaults break blocking reads and retry without our knowing."""
    return redis.Redis.from_url(
        url,
        protocol=2,
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=2,
        socket_keepalive=True,
        health_check_interval=15,
        # one more try at once: a pooled connection may have died; all our calls repeat safely
        # (not after a timeout: a frozen Redis would hold its caller twice as long)
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.exceptions.ConnectionError,)),
    )
