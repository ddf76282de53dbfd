"""Every setting, in one frozen object, read once from the environment.

Each field names its variable, its default and its meaning; `docs/settings.md` repeats them and a
test holds the two together. An unknown variable with our prefix refuses to start: a misspelt
setting that is silently ignored costs a night.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import ConfigurationError

PREFIX = "RESPOOL_"
TEST_PREFIX = "RESPOOL_TEST_"  # read by the test suite alone


def _setting(env: str, default: Any, help: str, *, secret: bool = False) -> Any:
    return dataclasses.field(
        default=default, metadata={"env": env, "help": help, "secret": secret}, repr=not secret
    )


@dataclass(frozen=True)
class Settings:
    database_url: str = _setting(
        "DATABASE_URL", "", "SQLAlchemy URL of the store: postgresql://… or sqlite:///…", secret=True
    )
    redis_url: str = _setting("REDIS_URL", "", "Redis of the event log: redis://… or rediss://…", secret=True)
    broker_url: str = _setting(
        "CELERY_BROKER_URL", "", "Celery's broker; the value of REDIS_URL when unset", secret=True
    )
    openai_api_key: str = _setting(
        "OPENAI_API_KEY", "", "key of the provider `openai`, made when this is set", secret=True
    )
    openai_base_url: str = _setting(
        "OPENAI_BASE_URL", "https://api.openai.com/v1", "base URL of the provider `openai`"
    )
    port: int = _setting("PORT", 8000, "port of `respool serve` where --port is not given")
    log_level: str = _setting("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR")
    config: str = _setting("RESPOOL_CONFIG", "", "path of the YAML file with the providers")
    secret_key: str = _setting(
        "RESPOOL_SECRET_KEY",
        "",
        "pepper of the stored key hashes; required outside `respool dev`",
        secret=True,
    )
    sealing_keys: str = _setting(
        "RESPOOL_SEALING_KEYS",
        "",
        "keys of compacted conversations, `id:base64,…`; the first seals; by default from the secret key",
        secret=True,
    )
    demo_upstream_url: str = _setting(
        "RESPOOL_DEMO_UPSTREAM_URL",
        "",
        "base URL of the scripted upstream: adds the provider `demo` (set by `respool dev`)",
    )
    metrics_key: str = _setting(
        "RESPOOL_METRICS_KEY",
        "",
        "bearer key of GET /metrics; unset, only this machine may ask",
        secret=True,
    )
    max_body_bytes: int = _setting(
        "RESPOOL_MAX_BODY_BYTES", 16 * 1024 * 1024, "largest request body, in bytes"
    )
    body_seconds: float = _setting(
        "RESPOOL_BODY_SECONDS", 30.0, "how long a small request body may take to arrive; large ones get more"
    )
    worker_concurrency: int = _setting(
        "RESPOOL_WORKER_CONCURRENCY", 32, "generations one worker process runs at a time"
    )
    background_share: float = _setting(
        "RESPOOL_BACKGROUND_SHARE", 0.75, "part of a worker's slots background work may hold"
    )
    max_queued: int = _setting(
        "RESPOOL_MAX_QUEUED", 200_000, "responses that may wait; more are refused with 429"
    )
    max_queued_per_tenant: int = _setting(
        "RESPOOL_MAX_QUEUED_PER_TENANT", 100_000, "responses of one tenant that may wait"
    )
    tenant_concurrency: int = _setting(
        "RESPOOL_TENANT_CONCURRENCY", 0, "responses of one tenant in progress at a time; 0: any number"
    )
    max_streams: int = _setting("RESPOOL_MAX_STREAMS", 20_000, "clients that may wait on one API process")
    max_streams_per_key: int = _setting(
        "RESPOOL_MAX_STREAMS_PER_KEY", 10_000, "clients with one key that may wait on one API process"
    )
    max_inflight_body_bytes: int = _setting(
        "RESPOOL_MAX_INFLIGHT_BODY_BYTES",
        256 * 1024 * 1024,
        "bodies above 1 MiB that one API process holds at a time, in bytes",
    )
    lease_seconds: float = _setting(
        "RESPOOL_LEASE_SECONDS", 30.0, "how long a worker owns a response without a heartbeat"
    )
    heartbeat_seconds: float = _setting(
        "RESPOOL_HEARTBEAT_SECONDS", 10.0, "how often a worker renews its leases"
    )
    sweep_seconds: float = _setting(
        "RESPOOL_SWEEP_SECONDS", 10.0, "how often a worker looks for forgotten work"
    )
    disconnect_grace_seconds: float = _setting(
        "RESPOOL_DISCONNECT_GRACE_SECONDS",
        10.0,
        "wait before a `store: false` response whose client is gone is cancelled",
    )
    queue_deadline_seconds: float = _setting(
        "RESPOOL_QUEUE_DEADLINE_SECONDS", 300.0, "longest wait of a foreground response for a worker"
    )
    background_queue_deadline_seconds: float = _setting(
        "RESPOOL_BACKGROUND_QUEUE_DEADLINE_SECONDS",
        86400.0,
        "longest wait of a background response for a worker",
    )
    deadline_seconds: float = _setting(
        "RESPOOL_DEADLINE_SECONDS", 3600.0, "longest run of a response, from its first claim"
    )
    drain_seconds: float = _setting(
        "RESPOOL_DRAIN_SECONDS", 300.0, "how long a process that was told to stop goes on with what it has"
    )
    spool_dir: str = _setting(
        "RESPOOL_SPOOL_DIR", "spool", "folder for paid results while the database does not take them"
    )
    keepalive_seconds: float = _setting(
        "RESPOOL_KEEPALIVE_SECONDS", 10.0, "silence after which a stream gets a comment"
    )
    wipe_seconds: float = _setting(
        "RESPOOL_WIPE_SECONDS", 600.0, "life of a `store: false` response after its end"
    )
    retention_days: float = _setting(
        "RESPOOL_RETENTION_DAYS", 30.0, "life of a stored response after its end, in days"
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        fields = {f.metadata["env"]: f for f in dataclasses.fields(cls)}
        for name in environ:
            if name.startswith(PREFIX) and name not in fields and not name.startswith(TEST_PREFIX):
                raise ConfigurationError(f"unknown setting {name}; docs/settings.md lists the known ones")
        values = {
            f.name: _parse(env, environ[env], f.default)
            for env, f in fields.items()
            if environ.get(env, "") != ""
        }
        return cls(**values)._checked()

    def _checked(self) -> Settings:
        if self.lease_seconds < 2 * self.heartbeat_seconds:
            raise ConfigurationError("RESPOOL_LEASE_SECONDS must be at least twice RESPOOL_HEARTBEAT_SECONDS")
        if not 0 < self.background_share <= 1:
            raise ConfigurationError("RESPOOL_BACKGROUND_SHARE must be above 0 and at most 1")
        if self.worker_concurrency < 1:
            raise ConfigurationError("RESPOOL_WORKER_CONCURRENCY must be at least 1")
        return dataclasses.replace(self, broker_url=self.broker_url or self.redis_url)

    def require(self, *names: str) -> Settings:
        """Refuse to start without these, naming the variable."""
        for field in dataclasses.fields(self):
            if field.name in names and not getattr(self, field.name):
                env = field.metadata["env"]
                raise ConfigurationError(f"{env} is not set: {field.metadata['help']}")
        return self


def _parse(env: str, raw: str, default: Any) -> Any:
    if isinstance(default, str):
        return raw
    try:
        value = type(default)(raw)
    except ValueError:
        raise ConfigurationError(f"{env} must be a number, not {raw!r}") from None
    if not 0 <= value < float("inf"):
        raise ConfigurationError(f"{env} must not be negative or infinite")
    return value
