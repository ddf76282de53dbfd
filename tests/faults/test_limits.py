"""F46, F56 to F60: readers that do not read, no descriptors, more work than fits, no network."""

from __future__ import annotations

import random
import resource
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import psutil
import pytest
import requests

from tests.faults.conftest import Plant
from tests.faults.load import under_way
from tests.support.clients import Caller
from tests.support.running import started
from tests.support.stack import SHORT, Stack
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two generations at a time, five that wait, and no room for a spool."""
    folder = tmp_path_factory.mktemp("narrow")
    (folder / "no-folder").write_text("")
    env = {
        **SHORT,
        "RESPOOL_WORKER_CONCURRENCY": "2",
        "RESPOOL_MAX_QUEUED": "5",
        "RESPOOL_SPOOL_DIR": str(folder / "no-folder" / "spool"),
    }
    with started(Stack(folder / "stack", env)) as stack:
        yield stack


@pytest.mark.slow_fault
def test_more_work_than_fits_when_it_comes_at_once_then_429_and_what_was_accepted_is_done(
    narrow: Stack,
) -> None:
    body = {"model": "mock-n10-i20", "input": "hello", "background": True}
    callers = [Caller(narrow, body) for _ in range(40)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.finished()

    assert {c.status for c in callers} == {200, 429}
    assert all(0 < int(c.headers["retry-after"]) <= 60 for c in callers if c.status == 429)
    for caller in callers:
        if caller.status == 200:
            wait_until(lambda c=caller: _status(narrow, c) == "completed", "it is done")  # type: ignore[misc]


@pytest.mark.slow_fault
def test_clients_that_obey_retry_after_when_all_is_full_then_all_are_served(narrow: Stack) -> None:
    body = {"model": "mock-n5-i20", "input": "hello", "background": True}
    callers = [Caller(narrow, body, repeat="key") for _ in range(20)]
    for caller in callers:
        caller.start()

    assert {c.finished().status for c in callers} == {200}


def test_descriptors_used_up_when_they_are_free_again_then_it_serves(plant: Plant) -> None:
    # Given an API process that cannot open anything any more
    process = psutil.Process(plant.stack.pid("api")).children()[0]
    before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    limit = process.num_fds() + 4
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    address = ("127.0.0.1", int(plant.stack.base_url.split(":")[2].partition("/")[0]))
    idle = [socket.create_connection(address) for _ in range(30)]
    wait_until(lambda: process.num_fds() >= limit, "none is left")
    # When clients go, and there is room again
    for connection in idle:
        connection.close()
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
    # Then it goes on as before
    wait_until(plant.is_ready, "it is ready again")
    assert plant.create()["status"] == "completed"
    assert process.is_running()


@pytest.mark.slow_fault
def test_readers_that_never_read_when_there_are_many_then_others_are_served(plant: Plant) -> None:
    checker = plant.checker()
    silent = [_never_reading(plant) for _ in range(40)]
    wait_until(lambda: len(checker.rows()) == 40, "they are accepted")

    load = under_way(plant, each=2)

    assert load.findings() == []
    assert load.statuses() == {"completed"}
    for connection in silent:
        connection.close()


@pytest.mark.slow_fault
def test_reader_that_takes_nothing_when_a_minute_has_passed_then_it_is_dropped(plant: Plant) -> None:
    big = plant.create(model="mock-n20000", background=True)
    plant.wait_for_end(big["id"])
    path = f"/responses/{big['id']}?stream=true"
    with ExitStack() as silent:
        ports = {silent.enter_context(_never_reading(plant, path)).getsockname()[1] for _ in range(5)}
        wait_until(lambda: _served(plant) & ports == ports, "they are served")

        wait_until(lambda: not _served(plant) & ports, "they are dropped", seconds=90)


def test_clients_that_vanish_when_all_have_gone_then_nothing_of_them_stays(plant: Plant) -> None:
    """F47: after any number of bytes, politely or by RST; neither sockets nor subscriptions are left."""
    checker, rng = plant.checker(), random.Random(47)
    gone = [_never_reading(plant) for _ in range(30)]
    ports = {connection.getsockname()[1] for connection in gone}
    wait_until(lambda: len(checker.rows()) == len(gone), "they are accepted")

    for connection in gone:
        connection.settimeout(5)
        connection.recv(rng.randrange(1, 2_000))
        if rng.random() < 0.5:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    wait_until(lambda: not _served(plant) & ports, "their sockets are closed")
    wait_until(
        lambda: not _watched(plant, checker.rows()), "nobody follows them", seconds=75
    )  # or they expire
    checker.wait_for_all()
    assert checker.findings() == []


def _watched(plant: Plant, response_ids: Iterable[str]) -> int:
    """How many of these logs an API process still wants to hear of."""
    client = plant.redis_client()
    try:
        return int(client.exists(*("respool:{" + response_id + "}:watch" for response_id in response_ids)))
    finally:
        client.close()


def _served(plant: Plant) -> set[int]:
    """Ports of the clients that the API process is connected with."""
    process = psutil.Process(plant.stack.pid("api")).children()[0]
    return {c.raddr.port for c in process.net_connections("tcp") if c.raddr and c.status == "ESTABLISHED"}


def test_network_cut_between_the_api_and_its_stores_when_it_heals_then_it_serves(plant: Plant) -> None:
    load = under_way(plant)
    plant.sql_line.cut()
    plant.redis_line.cut()
    wait_until(lambda: not plant.is_ready(), "the API says so")
    created = plant.stack.request("POST", "/responses", json={"model": "plain", "input": "x"})
    alive = requests.get(plant.stack.base_url.removesuffix("/v1") + "/healthz", timeout=5)

    plant.heal()

    assert (created.status_code, alive.status_code) == (503, 200)
    assert load.findings() == []
    assert load.statuses() == {"completed"}


def _never_reading(plant: Plant, path: str = "") -> socket.socket:
    """A stream whose client has a tiny buffer and leaves it full."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.connect(("127.0.0.1", int(plant.stack.base_url.split(":")[2].partition("/")[0])))
    body = b'{"model": "mock-n1000-i2", "input": "x", "stream": true}'
    head = f"{'GET' if path else 'POST'} /v1{path or '/responses'} HTTP/1.1\r\nHost: x\r\n"
    head += f"Authorization: Bearer {plant.stack.api_key}\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {0 if path else len(body)}\r\n\r\n"
    connection.sendall(head.encode() + (b"" if path else body))
    return connection


def _status(stack: Stack, caller: Caller) -> Any:
    return stack.request("GET", f"/responses/{(caller.answer or {})['id']}").json()["status"]
