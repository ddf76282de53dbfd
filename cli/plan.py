"""What one `respool dev` runs and where: addresses, secrets and the children's command lines.

Decided once at the start, from the environment, the data directory and what ran there last.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.children import Role
from cli.embedded import redis_binary, redis_command
from cli.environment import child_environment
from cli.ports import choose_port, require_port, url_host
from shared.catalog import load_catalog
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.data_dir import DataDir


@dataclass(frozen=True)
class Plan:
    """A binary or port that is None belongs to something that runs already, outside."""

    host: str
    port: int
    database_url: str
    redis_url: str
    redis_port: int | None
    redis_program: Path | None
    upstream_url: str
    upstream_port: int | None
    secret_key: str

    @property
    def origin(self) -> str:
        return f"http://{url_host(self.host)}:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"


def make_plan(host: str, port: int | None, environ: Mapping[str, str], directory: DataDir) -> Plan:
    settings = Settings.from_env(environ)
    state = directory.read_state()
    asked = settings.port if port is None else port
    taken: set[int] = set()
    api_port = asked or choose_port(state.get("port"), taken)
    require_port(host, api_port)
    taken.add(api_port)
    redis_port = None if settings.redis_url else choose_port(state.get("redis_port"), taken)
    taken.update({redis_port} if redis_port else ())
    upstream_port = None if settings.demo_upstream_url else choose_port(state.get("upstream_port"), taken)
    return Plan(
        host=host,
        port=api_port,
        database_url=settings.database_url or directory.database_url,
        redis_url=settings.redis_url or f"redis://127.0.0.1:{redis_port}/0",
        redis_port=redis_port,
        redis_program=redis_binary(environ) if redis_port else None,
        upstream_url=settings.demo_upstream_url or f"http://127.0.0.1:{upstream_port}",
        upstream_port=upstream_port,
        secret_key=directory.secret_key(environ),
    )


def redis_role(plan: Plan, environ: Mapping[str, str], directory: DataDir) -> Role | None:
    if plan.redis_program is None or plan.redis_port is None:
        return None
    command = redis_command(plan.redis_program, plan.redis_port, directory.redis)
    return Role("redis", command, _without_settings(environ), stage=0)


def upstream_role(plan: Plan, environ: Mapping[str, str], directory: DataDir) -> Role | None:
    if plan.upstream_port is None:
        return None
    command = (
        *_python("upstream"),
        *("--host", "127.0.0.1"),
        *("--port", str(plan.upstream_port)),
        *("--ledger", str(directory.ledger)),
    )
    return Role("upstream", command, child_environment(_without_settings(environ), {}), stage=1)


def api_role(plan: Plan, environ: Mapping[str, str]) -> Role:
    command = (*_python("cli"), "serve", "--host", plan.host, "--port", str(plan.port), "--checked")
    return Role("api", command, _settled(plan, environ), stage=2)


def worker_role(plan: Plan, environ: Mapping[str, str]) -> Role:
    return Role("worker", (*_python("cli"), "work", "--checked"), _settled(plan, environ), stage=2)


def plan_state(plan: Plan) -> dict[str, Any]:
    """The plan's part of dev.json."""
    return {
        "base_url": plan.base_url,
        "port": plan.port,
        "database_url": plan.database_url,
        "redis_url": plan.redis_url,
        "redis_port": plan.redis_port,
        "upstream_url": plan.upstream_url,
        "upstream_port": plan.upstream_port,
    }


def without_password(url: str) -> str:
    """A URL as it may be printed: no credentials, no options (libpq takes a password there)."""
    scheme, separator, rest = url.partition("?")[0].partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"


def check_providers(plan: Plan, environ: Mapping[str, str]) -> None:
    """Raises ConfigurationError with the mistakes of the providers' file, before anything is started."""
    settled = _settled(plan, environ)
    load_catalog(Settings.from_env(settled), settled)


def _settled(plan: Plan, environ: Mapping[str, str]) -> dict[str, str]:
    settings = {
        "DATABASE_URL": plan.database_url,
        "REDIS_URL": plan.redis_url,
        "RESPOOL_SECRET_KEY": plan.secret_key,
        "RESPOOL_DEMO_UPSTREAM_URL": plan.upstream_url,
    }
    return child_environment(environ, settings)


def _without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Who needs none of our secrets gets none."""
    ours = {field.metadata["env"] for field in dataclasses.fields(Settings)}
    return {name: value for name, value in environ.items() if name not in ours}


def _python(module: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", module)
