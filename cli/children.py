"""One child process of the supervisor: started, watched, ended with everything it started.

A child lives in a session of its own, so that Ctrl-C reaches the supervisor alone, and the kernel
kills it when the supervisor dies without a goodbye.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LOG_LIMIT_BYTES = 16 * 1024 * 1024
_TAIL_BYTES = 16 * 1024


@dataclass(frozen=True)
class Role:
    """What to run, under which name; a later stage needs the earlier ones, so it ends before them."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    stage: int = 0


class Child:
    """Start it from the main thread only: the kernel's promise is bound to the thread that starts it."""

    def __init__(self, role: Role, log: Path) -> None:
        self.role = role
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        _set_aside(self.log)
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._process = subprocess.Popen(
                self.role.command,
                env=dict(self.role.environ),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_bind_to_parent(),
            )
        finally:
            os.close(descriptor)

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll() if self._process else None

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def terminate(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def sweep(self) -> None:
        """Kill it and whatever it started: nothing may keep its port or its files."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def last_lines(self, count: int = 12) -> list[str]:
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return []
        return lines[-count:]


class Restarts:
    """How soon a dead child may start again: soon, unless it keeps dying. PURE."""

    SOON = 0.2
    LATER = 5.0
    DEATHS = 5
    WITHIN = 10.0

    def __init__(self) -> None:
        self._deaths: deque[float] = deque(maxlen=self.DEATHS)
        self._slowed = False

    def delay_after_death(self, now: float) -> float:
        lived = now - self._deaths[-1] if self._deaths else self.WITHIN
        self._deaths.append(now)
        often = len(self._deaths) == self.DEATHS and now - self._deaths[0] <= self.WITHIN
        # Once slow, its deaths lie further apart by themselves: only a life of some length is recovery.
        self._slowed = often or (self._slowed and lived < self.WITHIN)
        return self.LATER if self._slowed else self.SOON


def describe_exit(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _bind_to_parent() -> Callable[[], None] | None:
    if not sys.platform.startswith("linux"):
        return None
    parent = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True)

    def bind() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # The parent may have died between fork and prctl: then nobody will send the signal.
        if os.getppid() != parent:
            os._exit(1)

    return bind


def _set_aside(log: Path) -> None:
    with contextlib.suppress(OSError):
        if log.stat().st_size > _LOG_LIMIT_BYTES:
            log.replace(log.with_name(log.name + ".1"))
