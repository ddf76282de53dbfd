"""What the product counts of itself and says of each response, seen from outside."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.roles import ApiProcess
from tests.support.running import started
from tests.support.stack import Stack
from tests.support.waiting import wait_until

PROMPT = "canary-prompt-7b1d"
_SAMPLE = re.compile(r"(respool_[a-z_]+(?:\{[^{}]*\})?) (\S+)\Z")


def _ask(base_url: str, **headers: str) -> requests.Response:
    return requests.get(base_url.removesuffix("/v1") + "/metrics", headers=headers, timeout=30)


def _samples(stack: Stack) -> dict[str, float]:
    lines = [line for line in _ask(stack.base_url).text.splitlines() if not line.startswith("#")]
    matches = [_SAMPLE.match(line) for line in lines]
    assert all(matches), lines
    return {m[1]: float(m[2]) for m in matches if m is not None}


def _rises(stack: Stack, before: dict[str, float], sample: str) -> None:
    wait_until(lambda: _samples(stack).get(sample, 0.0) > before.get(sample, 0.0), f"{sample} rises")


def _logged(stack: Stack, response_id: str) -> list[dict[str, Any]]:
    """Its lines of all processes, in the order of time."""
    lines: list[dict[str, Any]] = []
    for role in ("api", "worker"):
        text = (stack.data_dir / "logs" / f"{role}.log").read_text()
        lines += [json.loads(line) for line in text.splitlines() if response_id in line]
    return sorted(
        (line for line in lines if line["logger"] == "respool.response"), key=lambda line: line["at"]
    )


def test_metrics_when_a_response_completes_then_end_call_tokens_and_first_delta_are_counted(
    stack: Stack,
) -> None:
    before = _samples(stack)

    stack.client().responses.create(model="plain", input=PROMPT)

    for sample in (
        'respool_responses_ended_total{status="completed",reason=""}',
        'respool_upstream_calls_total{provider="main",outcome="ok"}',
        'respool_tokens_total{direction="output"}',
        "respool_time_to_first_delta_seconds_count",
        'respool_http_requests_total{status="200"}',
    ):
        _rises(stack, before, sample)


def test_metrics_when_a_response_waits_then_its_tenant_has_it_in_progress(stack: Stack) -> None:
    key = stack.new_key("metrics-tenant")
    client = stack.client(key)
    response = client.responses.create(model="mock-n150-i20", input="go on", background=True)

    wait_until(
        lambda: _samples(stack).get('respool_in_progress{tenant="metrics-tenant"}') == 1.0,
        "it is in progress",
    )

    client.responses.cancel(response.id)


def test_metrics_when_asked_then_both_roles_live_and_everything_is_reached(stack: Stack) -> None:
    def complete() -> bool:
        found = _samples(stack)
        return all(found.get(f'respool_processes{{role="{role}"}}', 0) >= 1 for role in ("api", "worker"))

    wait_until(complete, "both roles have been heard of")
    found = _samples(stack)
    assert found['respool_reachable{dependency="database"}'] == 1.0
    assert found['respool_reachable{dependency="redis"}'] == 1.0
    assert found['respool_breaker_state{provider="main"}'] >= 0.0


def test_metrics_when_written_then_no_id_key_or_prompt_is_in_them(stack: Stack) -> None:
    response = stack.client().responses.create(model="plain", input=PROMPT)
    wait_until(
        lambda: _samples(stack).get('respool_responses_ended_total{status="completed",reason=""}'), "counted"
    )

    text = _ask(stack.base_url).text

    assert not any(secret in text for secret in (PROMPT, stack.api_key, response.id))


def test_metrics_when_a_proxy_asks_then_there_is_no_such_route(stack: Stack) -> None:
    assert _ask(stack.base_url, **{"X-Forwarded-For": "127.0.0.1"}).status_code == 404


@pytest.mark.parametrize("stack", ["embedded"], indirect=True, scope="session")
def test_metrics_of_a_process_with_a_key_when_asked_with_it_then_given_else_refused(
    stack: Stack, tmp_path: Path
) -> None:
    env = {**stack.env, "RESPOOL_METRICS_KEY": "metrics-key-1"}
    with started(ApiProcess(stack.data_dir, stack.api_key, env, tmp_path / "api.log")) as other:
        statuses = [
            _ask(other.base_url, **headers).status_code
            for headers in ({"Authorization": "Bearer metrics-key-1"}, {"Authorization": "Bearer x"}, {})
        ]

    assert statuses == [200, 401, 401]


def test_log_when_a_response_completes_then_one_line_a_step_and_never_its_prompt(stack: Stack) -> None:
    response = stack.client().responses.create(model="plain", input=PROMPT, background=True)
    wait_until(
        lambda: "ended" in [line["message"] for line in _logged(stack, response.id)], "its end is logged"
    )

    lines = _logged(stack, response.id)

    assert [line["message"] for line in lines] == ["accepted", "claimed", "gated", "ended"]
    assert [line["attempt"] for line in lines] == [0, 1, 1, 1]
    assert len({line["request_id"] for line in lines}) == 1
    assert (lines[-1]["status"], lines[-1]["reason"]) == ("completed", "")
    for role in ("api", "worker"):
        assert PROMPT not in (stack.data_dir / "logs" / f"{role}.log").read_text()


def test_log_when_a_response_is_cancelled_and_deleted_then_both_are_said(stack: Stack) -> None:
    client = stack.client()
    response = client.responses.create(model="mock-n150-i20", input="go on", background=True)
    client.responses.cancel(response.id)
    client.responses.delete(response.id)

    said = [line["message"] for line in _logged(stack, response.id) if line["role"] == "api"]

    assert said == ["accepted", "cancelled", "deleted"]


def test_log_of_a_worker_when_read_then_no_line_for_every_bell(stack: Stack) -> None:
    stack.client().responses.create(model="plain", input="hi")

    text = (stack.data_dir / "logs" / "worker.log").read_text()

    assert not re.search(r"Task respool\.run_response\[[^]]*\] (received|succeeded)", text)
