"""No worker at all: what is accepted waits, those who wait in person are told in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.support.clients import Caller, Follower
from tests.support.roles import ApiProcess, Role, run
from tests.support.running import started
from tests.support.servers import RedisServer
from tests.support.stack import SHORT
from tests.support.waiting import wait_until
from upstream import launch


@dataclass
class Front:
    """An API process, and nothing that works for it."""

    api: ApiProcess
    data_dir: Path
    env: dict[str, str]

    def retrieve(self, response_id: str) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {self.api.api_key}"}
        answer = requests.get(f"{self.api.base_url}/responses/{response_id}", headers=headers, timeout=10)
        value: dict[str, object] = answer.json()
        return value


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    data_dir = folder / "data"
    model = launch.start()
    env = {
        **SHORT,
        "REDIS_URL": redis_server.url,
        "OPENAI_API_KEY": "upstream-key",
        "OPENAI_BASE_URL": model.url + "/v1",
        "RESPOOL_QUEUE_DEADLINE_SECONDS": "2",
    }
    run("db", "migrate", "--data-dir", str(data_dir), env=env)
    key = run("keys", "create", "--tenant", "t", "--data-dir", str(data_dir), env=env).splitlines()[-1]
    with started(ApiProcess(data_dir, key, env, folder / "api.log")) as api:
        yield Front(api, data_dir, env)
    model.stop()


def test_foreground_create_when_no_worker_comes_then_it_is_no_capacity(front: Front) -> None:
    # Given one caller that waits for the object, and one for its stream
    caller = Caller(front.api, {"model": "plain", "input": "hello"})
    follower = Follower(front.api, body={"model": "plain", "input": "hello"})
    for client in (caller, follower):
        client.start()
    # When their queue deadline has passed
    answer, seen = caller.finished().answer, follower.finished()
    # Then both are told, each in its way, and may come again
    assert caller.status == 503
    assert answer is not None and answer["error"]["code"] == "no_capacity"
    assert "retry-after" in caller.headers and "x-should-retry" not in caller.headers
    assert [e["type"] for e in seen.events] == ["response.created", "response.failed"]
    assert seen.events[-1]["response"]["error"]["message"].startswith("no_capacity")


def test_background_create_when_no_worker_is_there_then_it_waits(front: Front, tmp_path: Path) -> None:
    # Given background work, accepted while nobody works
    caller = Caller(front.api, {"model": "plain", "input": "hello", "background": True})
    caller.start()
    response_id = (caller.finished().answer or {})["id"]
    assert front.retrieve(response_id)["status"] == "queued"
    # When a worker comes
    log = tmp_path / "worker.log"
    worker = Role("work", "--data-dir", str(front.data_dir), "--concurrency", "2", env=front.env, log=log)
    # Then it is done
    wait_until(lambda: front.retrieve(response_id)["status"] == "completed", "the worker completes it")
    worker.stop()
