"""The settings of one command: from the environment, or from a `respool dev` directory.

`--data-dir D` means "what that directory's `respool dev` uses"; it beats the environment's URLs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cli.data_dir import DataDir
from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


def command_environment(
    environ: Mapping[str, str], data_dir: Path | None, *, create: bool = False
) -> dict[str, str]:
    """The environment a command runs with; `create` makes a missing directory instead of refusing."""
    result = dict(environ)
    if data_dir is None:
        return result
    directory = DataDir(data_dir)
    if create:
        directory.prepare()
    elif not directory.exists():
        raise ConfigurationError(
            f"no data directory at {directory.path}: `respool dev` or `respool db migrate` with this "
            "--data-dir makes it"
        )
    state = directory.read_state()
    url = str(state.get("database_url", ""))
    # A directory may have been moved since: its own file is where the directory is.
    result["DATABASE_URL"] = directory.database_url if url.startswith("sqlite") or not url else url
    result["RESPOOL_SECRET_KEY"] = directory.secret_key(environ)
    result["RESPOOL_SPOOL_DIR"] = str(directory.spool)
    for name, key in (("REDIS_URL", "redis_url"), ("RESPOOL_DEMO_UPSTREAM_URL", "upstream_url")):
        if state.get(key):
            result[name] = str(state[key])
    return result


def child_environment(environ: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """`environ` with these settings, and with our packages found wherever the child is started."""
    root = str(Path(__file__).resolve().parents[1])
    inherited = [part for part in environ.get("PYTHONPATH", "").split(":") if part and part != root]
    return {**environ, **settings, "PYTHONPATH": ":".join([root, *inherited])}
