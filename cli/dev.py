"""`respool dev`: everything on this machine, from nothing, until Ctrl-C.

Order: Redis, schema, upstream, API and worker, each awaited. Then the address, a key and two ready
snippets are printed; `dev.json` in the data directory says the same to programs.
"""

from __future__ import annotations

import contextlib
import http.client
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cli.checks import check_redis
from cli.data_dir import DataDir
from cli.database import ensure_key, prepare_schema
from cli.embedded import mark_embedded, redis_answers, redis_version
from cli.plan import (
    Plan,
    api_role,
    check_providers,
    make_plan,
    plan_state,
    redis_role,
    upstream_role,
    without_password,
    worker_role,
)
from cli.supervisor import Stopped, Supervisor

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

_TENANT = "dev"
_PROBE_SECONDS = 2.0


def dev(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    directory = DataDir(arguments.data_dir)
    directory.prepare()
    with directory.locked():
        plan = make_plan(arguments.host, arguments.port, environ, directory)
        check_providers(plan, environ)
        _Development(plan, directory, environ).run()
    return 0


class _Development:
    def __init__(self, plan: Plan, directory: DataDir, environ: Mapping[str, str]) -> None:
        self._plan = plan
        self._directory = directory
        self._environ = {"RESPOOL_SPOOL_DIR": str(directory.spool), **environ}
        self._key = str(directory.read_state().get("api_key", ""))
        self._supervisor = Supervisor(directory.logs, say, self._write_state)

    def run(self) -> None:
        self._supervisor.listen_for_signals()
        try:
            self._start()
            self._write_state(self._supervisor.pids())
            say(greeting(self._plan, self._key, self._directory))
            self._supervisor.watch()
        except Stopped:
            pass
        finally:
            say("stopping")
            self._supervisor.end_children()
            self._write_state(None)
        say("stopped")

    def _start(self) -> None:
        plan, supervisor = self._plan, self._supervisor
        self._write_state({})
        self._start_redis()
        prepare_schema(plan.database_url)
        self._key = ensure_key(plan.database_url, plan.secret_key, _TENANT, self._key)
        say(f"database  ready: {without_password(plan.database_url)}")
        self._start_upstream()
        api = supervisor.start(api_role(plan, self._environ))
        worker = supervisor.start(worker_role(plan, self._environ))
        supervisor.wait_until(lambda: answers(plan.origin), "the API", api)
        say(f"api       ready: {plan.base_url} (pid {api.pid})")
        supervisor.wait_until(lambda: True, "the worker", worker)
        say(f"worker    started (pid {worker.pid})")

    def _start_redis(self) -> None:
        plan = self._plan
        role = redis_role(plan, self._environ, self._directory)
        child = self._supervisor.start(role) if role else None
        name = "the embedded Redis" if child else f"the Redis at {without_password(plan.redis_url)}"
        self._supervisor.wait_until(lambda: redis_answers(plan.redis_url), name, child)
        if child:
            mark_embedded(plan.redis_url)
        else:
            check_redis(plan.redis_url, own_redis=True)
        pid = f" (pid {child.pid})" if child else ""
        say(f"redis     ready: {describe_redis(plan)}{pid}")

    def _start_upstream(self) -> None:
        plan = self._plan
        role = upstream_role(plan, self._environ, self._directory)
        if role is None:
            say(f"upstream  given: {plan.upstream_url}")
            return
        child = self._supervisor.start(role)
        self._supervisor.wait_until(lambda: answers(plan.upstream_url), "the scripted upstream", child)
        say(f"upstream  ready: {plan.upstream_url} (pid {child.pid})")

    def _write_state(self, pids: dict[str, int] | None) -> None:
        """None: nothing runs any more."""
        state: dict[str, Any] = {**plan_state(self._plan), "api_key": self._key}
        state["pids"] = {} if pids is None else {**pids, "supervisor": os.getpid()}
        self._directory.write_state(state)


def say(line: str) -> None:
    """Whoever read our output may be gone; the service goes on."""
    with contextlib.suppress(BrokenPipeError):
        print(line, flush=True)


def answers(origin: str) -> bool:
    """Whether `GET /healthz` there is 200; asked directly, whatever proxy the environment names."""
    address = urlsplit(origin).netloc
    connection = http.client.HTTPConnection(address, timeout=_PROBE_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def describe_redis(plan: Plan) -> str:
    version = redis_version(plan.redis_url) or "unknown version"
    if plan.redis_program is None:
        return f"{version} from REDIS_URL, {without_password(plan.redis_url)}"
    return f"{version}, embedded ({plan.redis_program.name}), {plan.redis_url}, append-only file"


def greeting(plan: Plan, key: str, directory: DataDir) -> str:
    return f"""
base_url={plan.base_url}
api_key={key}

redis: {describe_redis(plan)}
data, logs and dev.json: {directory.path}

Stream a response:

curl -N {plan.base_url}/responses \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "demo", "input": "Say hello.", "stream": true}}'

The same in Python, with the official client (pip install openai):

from openai import OpenAI

client = OpenAI(base_url="{plan.base_url}", api_key="{key}")
with client.responses.stream(model="demo", input="Say hello.") as stream:
    for event in stream:
        if event.type == "response.output_text.delta":
            print(event.delta, end="", flush=True)
print()

Ctrl-C stops everything; the next start has the same key and data.
"""
