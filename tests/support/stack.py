"""The whole product as real processes, as `respool dev` runs it, with a scripted upstream beside.

The provider `main` is that upstream and accepts any model name, so that a test can choose pace and
faults by it; `strict` lists its models; `down` has nobody listening. `chat` and `messages` are the same
upstream in its other dialects, and what ends in `-plain` is asked for whole answers; what begins with
`broken-` is for failures by the dozen, which would make others be left alone for a while.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import requests
from openai import OpenAI

from cli.main import main as cli
from tests.support.faultproxy import FaultProxy
from tests.support.servers import free_port
from tests.support.waiting import wait_until
from upstream import launch

ROOT = Path(__file__).resolve().parents[2]
SHORT = {  # DESIGN 7.24: fault tests run with short leases
    "RESPOOL_LEASE_SECONDS": "3",
    "RESPOOL_HEARTBEAT_SECONDS": "1",
    "RESPOOL_SWEEP_SECONDS": "1",
    "RESPOOL_DISCONNECT_GRACE_SECONDS": "1",
}
_CONFIG = """
providers:
  main:
    dialect: responses
    base_url: {upstream}/v1
    api_key: upstream-key
    max_retries: 0
    deadlines: {{connect: 2, first_byte: 5, progress: 4, total: 60}}
  strict:
    dialect: responses
    base_url: {upstream}/v1
    api_key: upstream-key
    label: openai
    models: [gpt-4.1, gpt-4o-mini, org/model-x]
  refused:
    dialect: responses
    base_url: {upstream}/v1
    api_key: bad-key
  down:
    dialect: responses
    base_url: http://127.0.0.1:{closed}/v1
    api_key: upstream-key
  retrying:
    dialect: responses
    base_url: {upstream}/v1
    api_key: upstream-key
  managing:
    dialect: responses
    base_url: {upstream}/v1
    api_key: upstream-key
    compaction: gateway
  resumable:
    dialect: responses
    base_url: {upstream}/v1
    api_key: upstream-key
    resumable: true
    deadlines: {{connect: 2, first_byte: 5, progress: 4, total: 60}}
  unseen:
    dialect: responses
    base_url: {upstream}/v1
    api_key: upstream-key
    restart_unseen: true
    deadlines: {{connect: 2, first_byte: 30, progress: 30, total: 60}}
  chained:
    dialect: responses
    base_url: {upstream}/v1
    api_key: upstream-key
    state: upstream
  chained-resumable:
    dialect: responses
    base_url: {upstream}/v1
    api_key: upstream-key
    state: upstream
    resumable: true
  responses-plain: &responses-plain
    dialect: responses
    base_url: {upstream}/v1
    api_key: upstream-key
    streaming: false
    max_retries: 0
    deadlines: &short {{connect: 2, first_byte: 3, progress: 2, total: 60}}
  chat: &chat
    dialect: chat_completions
    base_url: {upstream}/v1
    api_key: upstream-key
    max_retries: 0
    deadlines: *short
  chat-plain: &chat-plain
    <<: *chat
    streaming: false
  messages: &messages
    <<: *chat
    dialect: messages
  messages-plain: &messages-plain
    <<: *messages
    streaming: false
  broken-responses: {{<<: *responses-plain, streaming: true}}
  broken-responses-plain: *responses-plain
  broken-chat: *chat
  broken-chat-plain: *chat-plain
  broken-messages: *messages
  broken-messages-plain: *messages-plain
  one-at-a-time:
    dialect: responses
    base_url: {upstream}/v1
    api_key: upstream-key
    concurrency: 1
  two-a-minute:
    dialect: responses
    base_url: {upstream}/v1
    api_key: upstream-key
    requests_per_minute: 2
  few-tokens:
    dialect: responses
    base_url: {upstream}/v1
    api_key: upstream-key
    tokens_per_minute: 200
  ailing:
    dialect: responses
    base_url: {upstream}/v1
    api_key: upstream-key
    max_retries: 0
  spare:
    dialect: responses
    base_url: {upstream}/v1
    api_key: upstream-key
    label: the-spare
aliases:
  spread: [{{provider: main, model: plain}}, {{provider: spare, model: plain}}]
  unreachable-first: [{{provider: down, model: plain}}, {{provider: spare, model: other-name, weight: 0}}]
  bad-key-first: [{{provider: refused, model: plain}}, {{provider: spare, model: plain, weight: 0}}]
  refused-400-first: [{{provider: main, model: "plain!fault=refuse:400"}}, {{provider: spare, weight: 0}}]
  refused-429-first: [{{provider: main, model: "plain!fault=refuse:429:60"}}, {{provider: spare, weight: 0}}]
  refused-500-first: [{{provider: main, model: "plain!fault=refuse:500"}}, {{provider: spare, weight: 0}}]
  refused-503-first: [{{provider: main, model: "plain!fault=refuse:503"}}, {{provider: spare, weight: 0}}]
  refused-504-first: [{{provider: main, model: "plain!fault=refuse:504"}}, {{provider: spare, weight: 0}}]
  broken-first: [{{provider: main, model: "plain!fault=reset:2"}}, {{provider: spare, weight: 0}}]
  both-refuse:
    - {{provider: main, model: "plain!fault=refuse:503"}}
    - {{provider: spare, model: "plain!fault=refuse:500", weight: 0}}
  ailing-first: [{{provider: ailing, model: plain}}, {{provider: spare, model: plain, weight: 0}}]
  narrow-first: [{{provider: one-at-a-time, model: plain}}, {{provider: spare, model: plain, weight: 0}}]
  bad-key-then-narrow:
    - {{provider: refused, model: plain}}
    - {{provider: one-at-a-time, model: plain, weight: 0}}
  reasoner: [{{provider: spare, model: reasoner, weight: 0}}, {{provider: main, model: reasoner}}]
default_provider: main
"""


class Stack:
    def __init__(self, folder: Path, env: Mapping[str, str] | None = None, *, proxied: bool = False) -> None:
        """`proxied`: a fault proxy stands before the upstream, as `upstream_line`."""
        self.folder = folder
        self.upstream_line: FaultProxy | None = None
        self._proxied = proxied
        self.data_dir = folder / "data"
        self.upstream: launch.Running
        self._env = dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._port = free_port()
        self._clients: list[OpenAI] = []

    def start(self) -> Stack:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.upstream = launch.start()
        url = self.upstream.url
        if self._proxied:
            self.upstream_line = FaultProxy(("127.0.0.1", self.upstream.port)).start()
            url = f"http://127.0.0.1:{self.upstream_line.port}"
        config = self.folder / "providers.yaml"
        config.write_text(_CONFIG.format(upstream=url, closed=free_port()))
        self._env["RESPOOL_CONFIG"] = str(config)
        self.launch()
        return self

    def launch(self) -> None:
        """Start (again) on the same data."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("RESPOOL_", "OPENAI_"))}
        with (self.folder / "dev.log").open("ab") as output:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "cli",
                    "dev",
                    "--port",
                    str(self._port),
                    "--data-dir",
                    str(self.data_dir),
                ],
                cwd=ROOT,
                env={**env, "PYTHONPATH": str(ROOT), **self._env},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._is_ready, "the stack is ready", seconds=60)

    def stop(self) -> None:
        """For good: what still runs after a second is given up."""
        for client in self._clients:
            client.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                self.terminate()  # told twice, it waits for nobody
        if self.upstream_line is not None:
            self.upstream_line.stop()
        self.upstream.stop()

    def terminate(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)

    @property
    def dev(self) -> dict[str, Any]:
        """dev.json: base_url, api_key, redis_url, database_url, pids."""
        value: dict[str, Any] = json.loads((self.data_dir / "dev.json").read_text())
        return value

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def api_key(self) -> str:
        key: str = self.dev["api_key"]
        return key

    @property
    def env(self) -> dict[str, str]:
        """What it was started with: for roles a test runs beside it."""
        return dict(self._env)

    @property
    def supervisor(self) -> int:
        assert self._process is not None
        return self._process.pid

    def pid(self, role: str) -> int:
        pid: int = self.dev["pids"][role]
        return pid

    def kill(self, role: str) -> int:
        """kill -9 one child; its old pid."""
        pid = self.pid(role)
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_for_restart(self, role: str, old_pid: int) -> None:
        def restarted() -> bool:
            pid = self.dev["pids"].get(role)
            return bool(pid) and pid != old_pid and psutil.pid_exists(pid)

        wait_until(restarted, f"{role} is restarted")

    def new_key(self, tenant: str) -> str:
        return self.keys("create", "--tenant", tenant).splitlines()[-1]

    def keys(self, *arguments: str) -> str:
        """What `respool keys …` says; in this process, for another one takes a second to start."""
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            done = cli(["keys", *arguments, "--data-dir", str(self.data_dir)])
        assert done == 0, told.getvalue()
        return told.getvalue()

    def client(self, key: str | None = None, **kw: Any) -> OpenAI:
        """The official client; it does not retry by itself unless told to."""
        client = OpenAI(base_url=self.base_url, api_key=key or self.api_key, **{"max_retries": 0, **kw})
        self._clients.append(client)
        return client

    def request(self, method: str, path: str, key: str | None = None, **kw: Any) -> requests.Response:
        """A raw request with the key; `path` below the base URL."""
        headers = {"Authorization": f"Bearer {key or self.api_key}", **kw.pop("headers", {})}
        return requests.request(method, self.base_url + path, headers=headers, timeout=60, **kw)

    def calls(self, response_id: str) -> list[dict[str, Any]]:
        """The billing ledger: what the upstream was asked for this response."""
        calls: list[dict[str, Any]] = self.upstream.ledger(response_id)["calls"].get(response_id, [])
        return calls

    def _is_ready(self) -> bool:
        assert self._process is not None and self._process.poll() is None, (
            self.folder / "dev.log"
        ).read_text()
        try:
            answer = requests.get(self.base_url.removesuffix("/v1") + "/readyz", timeout=5)
        except requests.exceptions.RequestException:
            return False
        # the key is written after the API is up
        return answer.status_code == 200 and bool(self.dev["api_key"])
