"""Other gateways: how each is installed in an environment of its own, started, and asked.

Pinned versions, so that two runs compare the same things. Each gets what makes it fastest: no log of
requests, no retries, no extras. One that does not install or start is a `PeerMissing` with its reason.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.target import UPSTREAM_KEY, Target

MODELS = ("mock", "mock-l50", "mock-n50-i5", "mock-n200")
_KEY = "sk-bench-0123456789abcdef"
_INSTALL_SECONDS = 1_800
_REASON_LINES = 3


class PeerMissing(Exception):
    """Why there are no figures of this peer."""


@dataclass(frozen=True)
class Launch:
    command: Sequence[str]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)


class Peer(ABC):
    name: str
    version: str
    alive: str  # a path that answers 200 once it is up
    loaded: int = 32  # clients that load it fully
    firehoses: int = 16
    stores: bool = False  # responses, and runs them in the background

    def install(self, folder: Path) -> Path:
        """Its environment below `folder`; made once a version."""
        home = folder / f"{self.name}-{self.version}"
        marker = home / "installed"
        if not marker.exists():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            self._install(home)
            marker.touch()
        return home

    @abstractmethod
    def _install(self, home: Path) -> None: ...

    @abstractmethod
    def launch(self, home: Path, scratch: Path, port: int, upstream: str) -> Launch: ...

    def target(self, port: int, pid: int, upstream: str) -> Target:
        del upstream
        return Target(self.name, f"http://127.0.0.1:{port}/v1", _KEY, {"server": [pid]})


class LiteLLM(Peer):
    """As a plain proxy: no database, so nothing is stored."""

    name, version, alive = "litellm", "1.106.2", "/health/liveliness"

    def _install(self, home: Path) -> None:
        environment(home, "3.11", f"litellm[proxy]=={self.version}")

    def launch(self, home: Path, scratch: Path, port: int, upstream: str) -> Launch:
        config = scratch / "config.json"  # JSON is YAML
        # Without the flag it would fetch the whole answer of a model it does not know, and cut that up.
        models = [
            {
                "model_name": model,
                "litellm_params": {
                    "model": f"openai/{model}",
                    "api_base": f"{upstream}/v1",
                    "api_key": UPSTREAM_KEY,
                },
                "model_info": {"supports_native_streaming": True},
            }
            for model in MODELS
        ]
        config.write_text(json.dumps({"model_list": models, "litellm_settings": {"num_retries": 0}}))
        program = home / "env" / "bin" / "litellm"
        address = ("--host", "127.0.0.1", "--port", str(port), "--num_workers", "1")
        env = {
            "LITELLM_MASTER_KEY": _KEY,
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_TELEMETRY": "False",
            "LITELLM_LOG": "ERROR",
        }
        return Launch([str(program), "--config", str(config), *address], scratch, env)


class Portkey(Peer):
    """Passes bytes on and stores nothing."""

    name, version, alive = "portkey", "1.15.2", "/"

    def _install(self, home: Path) -> None:
        if shutil.which("npm") is None:
            raise PeerMissing("there is no npm here")
        # With newer ones every stream is answered by 500 (TypeError: immutable).
        pins = {"@hono/node-server": "1.13.8", "hono": "4.9.7"}
        package = {"private": True, "dependencies": {"@portkey-ai/gateway": self.version}, "overrides": pins}
        (home / "package.json").write_text(json.dumps(package))
        run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"], home)

    def launch(self, home: Path, scratch: Path, port: int, upstream: str) -> Launch:
        node = shutil.which("node")
        if node is None:
            raise PeerMissing("there is no node here")
        program = home / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
        return Launch(
            [node, str(program), f"--port={port}", "--headless"], scratch, {"NODE_ENV": "production"}
        )

    def target(self, port: int, pid: int, upstream: str) -> Target:
        headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{upstream}/v1"}
        groups = {"server": [pid]}
        return Target(self.name, f"http://127.0.0.1:{port}/v1", UPSTREAM_KEY, groups, headers=headers)


class Ogx(Peer):
    """Stores each response, as we do, in SQLite; asks the upstream for a Chat Completions stream."""

    name, version, alive = "ogx", "1.5.0", "/v1/health"
    loaded, firehoses, stores = 16, 8, True

    def _install(self, home: Path) -> None:
        environment(home, "3.12", f"ogx=={self.version}", "sqlalchemy[asyncio]", "aiosqlite", "mcp>=2.0")

    def launch(self, home: Path, scratch: Path, port: int, upstream: str) -> Launch:
        config = scratch / "config.json"
        config.write_text(json.dumps(_ogx_config(scratch, port, upstream)))
        program = home / "env" / "bin" / "ogx"
        command = [str(program), "run", str(config), "--port", str(port), "--insecure"]
        return Launch(command, scratch, {"OGX_LOGGING": "all=error"})

    def target(self, port: int, pid: int, upstream: str) -> Target:
        groups = {"server": [pid]}
        return Target(
            self.name, f"http://127.0.0.1:{port}/v1", _KEY, groups, model=lambda name: f"openai/{name}"
        )


PEERS: tuple[Peer, ...] = (LiteLLM(), Portkey(), Ogx())


def environment(home: Path, python: str, *packages: str) -> None:
    """A virtual environment with this Python; `PYTHON3_12=…` names one that is not on PATH."""
    name = f"python{python}"
    program = os.environ.get(name.upper().replace(".", "_")) or shutil.which(name)
    if program is None:
        raise PeerMissing(f"there is no {name} here")
    run([program, "-m", "venv", str(home / "env")], home)
    pip = str(home / "env" / "bin" / "pip")
    run([pip, "install", "--quiet", "--disable-pip-version-check", *packages], home)


def run(command: Sequence[str], cwd: Path) -> None:
    try:
        subprocess.run(
            command,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
            timeout=_INSTALL_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        lines = [line.strip() for line in (error.stdout or "").splitlines() if line.strip()]
        telling = [line for line in lines if "rror" in line] or lines
        raise PeerMissing("does not install: " + " | ".join(telling[-_REASON_LINES:])) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerMissing(f"does not install: {error}") from error


def _ogx_config(scratch: Path, port: int, upstream: str) -> dict[str, object]:
    sql = {"backend": "sql_default"}
    writers = {"max_write_queue_size": 10_000, "num_writers": 4}
    openai = {"api_key": UPSTREAM_KEY, "base_url": f"{upstream}/v1"}
    files = {"storage_dir": str(scratch / "files"), "metadata_store": {"table_name": "files", **sql}}
    return {
        "version": 2,
        "distro_name": "bench",
        "apis": ["inference", "responses", "files", "vector_io", "tool_runtime"],
        "providers": {
            "inference": [{"provider_id": "openai", "provider_type": "remote::openai", "config": openai}],
            "responses": [
                {
                    "provider_id": "builtin",
                    "provider_type": "inline::builtin",
                    "config": {"persistence": {"responses": {"table_name": "responses", **sql, **writers}}},
                }
            ],
            "files": [{"provider_id": "files", "provider_type": "inline::localfs", "config": files}],
            "vector_io": [],
            "tool_runtime": [],
        },
        "storage": {
            "backends": {
                "kv_default": {"type": "kv_sqlite", "db_path": str(scratch / "kv.db")},
                "sql_default": {"type": "sql_sqlite", "db_path": str(scratch / "sql.db")},
            },
            "stores": {
                "metadata": {"namespace": "registry", "backend": "kv_default"},
                "inference": {"table_name": "inference", **sql, **writers, "enabled": True},
                **{name: {"table_name": name, **sql} for name in ("conversations", "prompts", "connectors")},
            },
        },
        "server": {"port": port},
    }
