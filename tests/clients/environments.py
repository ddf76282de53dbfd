"""Scratch environments for clients: virtual environments and npm folders, outside the tree.

Each holds one line of a client, as its users would install it today. They are kept for a week below the
system's temporary folder, so that only a machine's first run waits for downloads. What cannot be made
here (no Node, no registry) raises `Unavailable` with the reason.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

INSTALL_SECONDS = 100
WEEK_SECONDS = 7 * 86400
NODE_DRIVER = Path(__file__).parent / "node"
ROOT = Path(__file__).resolve().parents[2]


class Unavailable(Exception):
    """This machine cannot have the client now."""


@dataclass(frozen=True)
class Line:
    """A client in the versions one of its users would have."""

    name: str
    module: str  # what drives it: a module of Python, or a file of Node
    requirements: tuple[str, ...]

    @property
    def is_node(self) -> bool:
        return self.module.endswith(".mjs")


def command(line: Line) -> list[str]:
    """How to run a line's driver, made ready first; from the project's root."""
    with _locked(_shelf(), line.name) as folder:
        prepare = _prepare_node if line.is_node else _prepare_python
        return prepare(folder, line)


def _prepare_python(folder: Path, line: Line) -> list[str]:
    python = folder / "bin" / "python"

    def install() -> None:
        # our own pip installs: one of its own would take longer to make than the client
        if not python.exists():
            _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--upgrade"]
        _run([*pip, "--no-compile", "--disable-pip-version-check", *line.requirements])

    _keep_fresh(folder, install)
    return [str(python), "-m", line.module]


def _prepare_node(folder: Path, line: Line) -> list[str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Unavailable("Node is not on the PATH")

    def install() -> None:
        (folder / "package.json").write_text(json.dumps({"private": True, "type": "module"}))
        (folder / "package-lock.json").unlink(missing_ok=True)
        _run([npm, "install", "--no-audit", "--no-fund", "--loglevel=error", *line.requirements], folder)

    _keep_fresh(folder, install)
    _run([node, "--input-type=module", "--eval", "await import('openai')"], folder)
    # modules are looked for from where the script lies
    shutil.copytree(NODE_DRIVER, folder / "driver", dirs_exist_ok=True)
    return [node, str(folder / "driver" / line.module)]


def _keep_fresh(folder: Path, install: Callable[[], None]) -> None:
    """A week-old environment is brought up to date; where that fails it serves as it is."""
    made = folder / ".made"
    try:
        if time.time() - made.stat().st_mtime < WEEK_SECONDS:
            return
    except FileNotFoundError:
        install()
    else:
        try:
            install()
        except Unavailable as error:
            print(f"{folder.name} could not be renewed: {error}")
            return
    made.touch()


def _run(wanted: Sequence[str], folder: Path | None = None) -> None:
    """Anything but success is a client this machine cannot have."""
    try:
        done = subprocess.run(
            wanted,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{Path(wanted[0]).name} took more than {INSTALL_SECONDS} s") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"{' '.join(wanted[1:4])} failed: {' | '.join(said[-3:])}")


def _shelf() -> Path:
    """Ours alone: what lies in it is run."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = Path(tempfile.gettempdir()) / f"respool-clients-{os.getuid()}-{version}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise Unavailable(f"{folder} is somebody else's")
    return folder


@contextmanager
def _locked(shelf: Path, name: str) -> Iterator[Path]:
    """One maker at a time: another run of the tests may want the same."""
    folder = shelf / name
    folder.mkdir(exist_ok=True)
    with (shelf / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
