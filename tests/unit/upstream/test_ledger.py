"""The ledger counts every POST by key, and survives a killed process."""

from __future__ import annotations

from pathlib import Path

import requests

from tests.unit.upstream.client import Client
from upstream.launch import start


def test_calls_are_counted_by_key(client: Client) -> None:
    for key in ("a", "a", "b", ""):
        client.create(key)

    counts = {key: len(calls) for key, calls in client.running.ledger()["calls"].items()}

    assert counts == {"a": 2, "b": 1, "anonymous": 1}


def test_completed_call_tells_model_words_and_request_id(client: Client) -> None:
    client.create("a", model="mock-n5")

    (call,) = client.calls("a")

    told = (call["model"], call["words"], call["client_request_id"], call["outcome"])
    assert told == ("mock-n5", 5, "a.1", "completed")
    assert call["ended"] >= call["started"]


def test_refused_call_is_counted_with_its_status(client: Client) -> None:
    client.create("a", model="mock!fault=refuse:429")

    (call,) = client.calls("a")

    assert (call["outcome"], call["status"], call["words"]) == ("failed", 429, 0)


def test_reset_empties_it(client: Client) -> None:
    client.create("a")

    client.running.reset()

    assert client.running.ledger() == {"calls": {}, "resumes": {}}


def test_file_keeps_the_calls_over_a_kill(tmp_path: Path) -> None:
    first = start(ledger=tmp_path / "ledger.jsonl")
    with requests.Session() as session:
        _create(session, first.url, "mock-n3", "done")
        # The client stays until the process is dead, or its leaving would be what the ledger tells.
        with _create(session, first.url, "mock-n3!fault=stall_mid:1", "open"):
            first.process.kill()
            first.stop()

    second = start(port=first.port, ledger=tmp_path / "ledger.jsonl")
    calls = second.ledger()["calls"]
    second.stop()

    assert [(key, calls[key][0]["outcome"]) for key in ("done", "open")] == [
        ("done", "completed"),
        ("open", "failed"),
    ]


def _create(session: requests.Session, url: str, model: str, key: str) -> requests.Response:
    body = {"model": model, "input": "hi", "stream": model != "mock-n3"}
    headers = {"Authorization": "Bearer t", "Idempotency-Key": key}
    return session.post(f"{url}/responses", json=body, headers=headers, stream=True, timeout=20)
