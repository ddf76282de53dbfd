"""This machine: which cores, what a process tree has used of them, and what is installed.

CPU and memory are the kernel's (/proc), of a process and all its children, those that have ended too.
"""

from __future__ import annotations

import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

_PACKAGES = (
    *("celery", "kombu", "redis", "hiredis", "flask", "gunicorn", "gevent", "sqlalchemy", "psycopg"),
    *("requests", "urllib3", "httptools", "orjson", "pydantic"),
)


@dataclass(frozen=True)
class Pinning:
    """Core lists as `taskset -c` takes them; empty: anywhere."""

    server: str = ""
    load: str = ""

    @classmethod
    def usual(cls) -> Pinning:
        """The server under test on one core, everything else on another, where there are two."""
        if (os.cpu_count() or 1) < 2 or shutil.which("taskset") is None:
            return cls()
        return cls("0", "1")


def pinned(cores: str, command: Sequence[str]) -> list[str]:
    return ["taskset", "-c", cores, *command] if cores else list(command)


def processes(pids: Iterable[int]) -> list[psutil.Process]:
    """These processes and everything below them that still runs."""
    found: dict[int, psutil.Process] = {}
    for pid in pids:
        try:
            root = psutil.Process(pid)
            found.update({process.pid: process for process in (root, *root.children(recursive=True))})
        except psutil.NoSuchProcess:
            continue
    return list(found.values())


def cpu_seconds(pids: Iterable[int]) -> float:
    total = 0.0
    for process in processes(pids):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def resident_bytes(pids: Iterable[int]) -> int:
    total = 0
    for process in processes(pids):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def allow_many_files() -> None:
    """As many descriptors as the machine lets us have: each open stream takes one on either side."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def stop_in_order() -> None:
    """A run that is told to end removes what it has started, as one that fails does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))


def description(pinning: Pinning) -> dict[str, object]:
    """What a reader needs to judge the figures by."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "kernel": platform.release(),
        "python": platform.python_version(),
        "pinning": {"server": pinning.server or "none", "load": pinning.load or "none"},
        "commit": _commit(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "unknown")


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"


def pin(pid: int, cores: str) -> None:
    """A process that is already there and its children, with all their threads; what they start follows."""
    if cores:
        for process in processes([pid]):
            command = ["taskset", "--all-tasks", "--cpu-list", "--pid", cores, str(process.pid)]
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
