"""Keeps a set of children alive until told to stop, then ends every one of them.

A child that dies is started again with the same arguments, so on the same port; one that keeps
dying is slowed down. It knows nothing of what the children are.
"""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

from cli.children import Child, Restarts, Role, describe_exit
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LOOK_SECONDS = 0.1
_READY_SECONDS = 60.0
_STOP_SECONDS = 5.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """The supervisor was told to stop while it waited for something."""


class Supervisor:
    def __init__(
        self, logs: Path, say: Callable[[str], None], changed: Callable[[dict[str, int]], None]
    ) -> None:
        self._logs = logs
        self._say = say
        self._changed = changed
        self._children: list[Child] = []
        self._restarts: dict[str, Restarts] = {}
        self._due: dict[str, float] = {}
        self._stopping = threading.Event()
        self._hurry = threading.Event()

    def listen_for_signals(self) -> None:
        for number in _SIGNALS:
            signal.signal(number, lambda _number, _frame: self.stop())

    def stop(self) -> None:
        """The first call asks; the second does not wait for those who take their time."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    def pids(self) -> dict[str, int]:
        return {child.role.name: child.pid for child in self._children if child.pid and child.running()}

    def start(self, role: Role) -> Child:
        if self._stopping.is_set():
            raise Stopped
        child = Child(role, self._logs / f"{role.name}.log")
        self._children.append(child)
        self._restarts[role.name] = Restarts()
        child.start()
        return child

    def wait_until(self, ready: Callable[[], bool], what: str, child: Child | None = None) -> None:
        """Wait for a condition, but neither past a stop, nor for a child that is dead."""
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            code = child.exit_code() if child else None
            if child is not None and code is not None:
                self._show_end(child)
                raise ConfigurationError(f"{what} stopped at start ({describe_exit(code)}): see {child.log}")
            if ready():
                return
            if time.monotonic() > deadline:
                where = f": see {child.log}" if child else ""
                raise ConfigurationError(f"{what} was not ready after {_READY_SECONDS:.0f} seconds{where}")
            if self._stopping.wait(_LOOK_SECONDS):
                raise Stopped

    def watch(self) -> None:
        """Returns when told to stop."""
        while not self._stopping.wait(_LOOK_SECONDS):
            for child in self._children:
                self._look_after(child, time.monotonic())

    def end_children(self) -> None:
        """Stage by stage, the last one first; within a stage together."""
        for stage in sorted({child.role.stage for child in self._children}, reverse=True):
            ending = [child for child in self._children if child.role.stage == stage]
            for child in ending:
                child.terminate()
            deadline = time.monotonic() + _STOP_SECONDS
            while any(child.running() for child in ending) and time.monotonic() < deadline:
                if self._hurry.wait(_LOOK_SECONDS / 2):
                    break
            for child in ending:
                child.sweep()

    def _look_after(self, child: Child, now: float) -> None:
        name = child.role.name
        code = child.exit_code()
        if code is None:
            return
        if name not in self._due:
            child.sweep()
            delay = self._restarts[name].delay_after_death(now)
            self._due[name] = now + delay
            self._say(f"{name} stopped ({describe_exit(code)}); its log is {child.log}")
            if code != -signal.SIGKILL:
                self._show_end(child)
            if delay >= Restarts.LATER:
                self._say(f"{name} keeps stopping: the next start is in {delay:.0f} seconds")
        if now >= self._due[name]:
            del self._due[name]
            child.start()
            self._say(f"{name} started again (pid {child.pid})")
            self._changed(self.pids())

    def _show_end(self, child: Child) -> None:
        for line in child.last_lines():
            self._say(f"  {child.role.name} | {line}")
