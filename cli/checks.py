"""What must hold before a role starts: the schema, a Redis that keeps what it is given, the clock.

A dependency that is not up yet is waited for, with a line now and then; what will not change by
itself is refused with one line that says what to do. What may be meant is only warned of.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from shared.errors import ConfigurationError, LogUnavailable, RespoolError, StoreUnavailable
from shared.log.server import examine
from shared.services import connect_redis
from shared.store import migrate, open_store
from shared.telemetry import mask

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.settings import Settings

T = TypeVar("T")

CLOCK_SECONDS = 5.0  # deadlines are the database's, waits are ours


@dataclass(frozen=True)
class Patience:
    seconds: float = 60.0
    say_seconds: float = 5.0
    look_seconds: float = 0.5


PATIENT = Patience()


def check_dependencies(settings: Settings, *, own_redis: bool, patience: Patience = PATIENT) -> None:
    """Raises ConfigurationError. `own_redis`: that of a `respool dev` directory may be used."""
    check_database(settings.database_url, patience=patience)
    check_redis(settings.redis_url, own_redis=own_redis, patience=patience)


def check_database(url: str, *, patience: Patience = PATIENT) -> None:
    _wait(lambda: migrate.check(url), "the database", "DATABASE_URL", patience)
    with closing(open_store(url, pool_size=1)) as store:
        ahead = _wait(lambda: store.gauges.now() - time.time(), "the database", "DATABASE_URL", patience)
    if abs(ahead) > CLOCK_SECONDS:
        _warn(f"the database's clock is {ahead:+.0f} s from this machine's: synchronise both (NTP)")


def check_redis(url: str, *, own_redis: bool, patience: Patience = PATIENT) -> None:
    try:
        client = connect_redis(url)
    except ValueError as error:
        raise ConfigurationError(f"REDIS_URL is not a Redis URL: {error}") from error
    with closing(client):
        found = _wait(lambda: examine(client), "Redis", "REDIS_URL", patience)
    if found.development and not own_redis:
        raise ConfigurationError(
            "REDIS_URL is the Redis of a `respool dev` and ends with it: give this role a Redis of its own, "
            "or name that one's directory by --data-dir"
        )
    if found.eviction is None:
        _warn("Redis does not say how it evicts: make sure that its maxmemory-policy is noeviction")
    elif found.eviction != "noeviction":
        raise ConfigurationError(
            f"Redis may drop running streams (maxmemory-policy {found.eviction}): "
            "set maxmemory-policy to noeviction"
        )
    if found.append_only is False:
        _warn("Redis keeps nothing over a restart (appendonly no): streams pause then until they are rebuilt")


def _wait(ready: Callable[[], T], what: str, setting: str, patience: Patience) -> T:
    """The answer of something that may not be up yet."""
    began = time.monotonic()
    said = began
    while True:
        try:
            return ready()
        except (StoreUnavailable, LogUnavailable) as error:
            reason = _reason(error)
        now = time.monotonic()
        if now - began >= patience.seconds:
            raise ConfigurationError(
                f"{what} was not there within {patience.seconds:.0f} s ({reason}): "
                f"check {setting} and that it runs"
            )
        if now - said >= patience.say_seconds:
            said = now
            _say(f"waiting for {what} ({reason})")
        time.sleep(patience.look_seconds)


def _reason(error: RespoolError) -> str:
    """The first line of what the driver said: a wrong password is not a server that is down."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    lines = str(getattr(cause, "orig", cause)).strip().splitlines()
    return mask(lines[0] if lines else type(cause).__name__)


def _warn(line: str) -> None:
    _say(f"warning: {line}")


def _say(line: str) -> None:
    print(f"respool: {line}", file=sys.stderr, flush=True)
