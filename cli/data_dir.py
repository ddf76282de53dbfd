"""The directory of one `respool dev`: what lies where, readable by its owner alone.

Holds the SQLite file, Redis' files, the secret key, the children's logs and `dev.json`, which says
how to reach what runs now. At most one supervisor uses it at a time; a killed one leaves no lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class DataDir:
    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.database = self.path / "respool.db"
        self.redis = self.path / "redis"
        self.logs = self.path / "logs"
        self.spool = self.path / "spool"
        self.ledger = self.path / "upstream-ledger.jsonl"
        self._secret = self.path / "secret_key"
        self._state = self.path / "dev.json"
        self._lock = self.path / "lock"

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.database}"

    def exists(self) -> bool:
        return self._secret.is_file()

    def prepare(self) -> None:
        try:
            for folder in (self.path, self.redis, self.logs):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
        except OSError as error:
            raise ConfigurationError(f"cannot use {self.path} as data directory: {error.strerror}") from error

    def secret_key(self, environ: Mapping[str, str]) -> str:
        """The pepper of this directory's keys; made at the first call, never changed after."""
        given = environ.get("RESPOOL_SECRET_KEY", "")
        if not self._secret.exists():
            _write_private(self._secret, given or secrets.token_urlsafe(48))
        kept = self._secret.read_text(encoding="utf-8").strip()
        if not kept:
            raise ConfigurationError(f"{self._secret} is empty: restore it, or remove it to make new keys")
        if given and given != kept:
            raise ConfigurationError(
                f"RESPOOL_SECRET_KEY differs from {self._secret}: unset it or choose another --data-dir"
            )
        return kept

    def read_state(self) -> dict[str, Any]:
        """What the last supervisor wrote; empty where there is none or it cannot be read."""
        try:
            state = json.loads(self._state.read_bytes())
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def write_state(self, state: Mapping[str, Any]) -> None:
        _write_private(self._state, json.dumps(state, indent=2) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Held by the one supervisor; the kernel drops it with the process, however that ends."""
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigurationError(
                    f"another `respool dev` uses {self.path}: stop it or choose another --data-dir"
                ) from None
            yield
        finally:
            os.close(descriptor)


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
