"""`respool serve` and `respool work`: become gunicorn or Celery, with the arguments that are ours.

The process is replaced, not wrapped, so that signals and exit codes are those of the real server.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from cli.environment import child_environment, command_environment
from shared.catalog import load_catalog
from shared.settings import Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


def serve(arguments: argparse.Namespace, environ: Mapping[str, str]) -> NoReturn:
    env = command_environment(environ, arguments.data_dir)
    settings = _settings(env, arguments)
    port = settings.port if arguments.port is None else arguments.port
    _become(api_command(arguments.host, port, arguments.processes), child_environment(env, {}))


def work(arguments: argparse.Namespace, environ: Mapping[str, str]) -> NoReturn:
    env = command_environment(environ, arguments.data_dir)
    settings = _settings(env, arguments)
    # The solo pool runs one task whatever it is told; our own slots must say the same.
    concurrency = 1 if arguments.pool == "solo" else arguments.concurrency or settings.worker_concurrency
    command = worker_command(arguments.pool, concurrency, settings.log_level, os.getpid())
    _become(command, child_environment(env, {"RESPOOL_WORKER_CONCURRENCY": str(concurrency)}))


def api_command(host: str, port: int, processes: int) -> list[str]:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return [
        *_python("gunicorn"),
        *("-c", "python:api.gunicorn_conf"),
        *("--bind", address),
        *("--workers", str(processes)),
        # Its path is one for all servers of a user, and nobody here speaks to it.
        "--no-control-socket",
        "api.wsgi:application",
    ]


def worker_command(pool: str, concurrency: int, log_level: str, pid: int) -> list[str]:
    return [
        *_python("celery"),
        "--quiet",  # its banner is no line of a log
        *("-A", "workers.celery", "worker"),
        *("--pool", pool),
        *("--concurrency", str(concurrency)),
        # Workers meet in SQL: these channels would only be more that can hang.
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        *("--loglevel", log_level.upper()),
        *("--hostname", f"respool-{pid}@%h"),
    ]


def _settings(env: Mapping[str, str], arguments: argparse.Namespace) -> Settings:
    settings = Settings.from_env(env).require("database_url", "redis_url", "secret_key")
    if not arguments.checked:
        load_catalog(settings, env)
        from cli.checks import check_dependencies

        check_dependencies(settings, own_redis=arguments.data_dir is not None)
    return settings


def _python(module: str) -> list[str]:
    # -P: an `api` or `shared` folder in the current directory must not hide ours.
    return [sys.executable, "-P", "-m", module]


def _become(command: list[str], environ: dict[str, str]) -> NoReturn:
    _give_way_seldom()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, environ)


def _give_way_seldom() -> None:
    """Where API and worker share a core, each goes on for its slice of time, with warm caches, instead of
    giving way to the other at each message (SCHED_BATCH; on a core that is free nothing changes)."""
    if sys.platform == "linux":
        with suppress(OSError):  # a sandbox may forbid it
            if os.sched_getscheduler(0) == os.SCHED_OTHER:  # else the operator has chosen one
                os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
