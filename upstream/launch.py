"""Starting the scripted upstream as a process of its own: for tests and for `respool dev`.

`start()` returns once it listens. The process ends with `stop()`, or when its starter dies.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_ANSWER_SECONDS = 10.0


@dataclass
class Running:
    url: str  # without /v1
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def ledger(self, key: str | None = None) -> dict[str, Any]:
        """{"calls": {key: [call, …]}, "resumes": {key: [resume, …]}}; with a key, of that one alone."""
        answer: dict[str, Any] = self._control("ledger" if key is None else f"ledger?key={key}", None)
        return answer

    def script(self, *script: str, key: str | None = None, on: str = "create") -> None:
        """Queues directives: one for each of the next POSTs (or, on="resume", resumes)."""
        self._control("script", {"key": key, "on": on, "script": list(script)})

    def reset(self) -> None:
        self._control("reset", {})

    def stop(self) -> None:
        """SIGTERM, then SIGKILL; safe to call again."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def _control(self, act: str, body: dict[str, Any] | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_control/{act}", data=data)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=_ANSWER_SECONDS) as answer:
            return json.loads(answer.read())


def start(port: int = 0, ledger: Path | None = None) -> Running:
    command = [sys.executable, "-m", "upstream", "--port", str(port), "--until-stdin-closes"]
    command += ["--ledger", str(ledger)] if ledger is not None else []
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    line = _first_line(process)
    running = Running(line.rpartition(" ")[2], process)
    if not line.startswith("listening on "):
        running.stop()
        raise RuntimeError(f"the scripted upstream did not start (port {port})")
    return running


def _first_line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], _START_SECONDS)
    return process.stdout.readline().decode().strip() if ready else ""
