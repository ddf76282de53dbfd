"""An alias with several targets: who answers, when another one takes over, and when none may."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
import requests

from tests.support.contract import Json
from tests.support.event_order import check_story
from tests.support.stack import Stack
from tests.support.waiting import wait_until
from tests.support.wire import create, create_stream, error_of, events_of, follow, forget_events
from workers.breaker import MIN_CALLS

HEADER = "x-respool-provider"
REASONS: dict[str, Any] = {"reasoning": {"effort": "low", "summary": "auto"}}


def ask(stack: Stack, model: str, **body: Any) -> Any:
    return stack.request("POST", "/responses", json={"model": model, "input": "hello", **body})


def moves(stack: Stack, response_id: str) -> list[tuple[str, str, str]]:
    """From where to where a response was sent, and why; as the worker said it."""
    text = (stack.data_dir / "logs" / "worker.log").read_text()
    lines = [json.loads(line) for line in text.splitlines() if response_id in line]
    return [(x["provider"], x["to"], x["reason"]) for x in lines if x["message"] == "sent elsewhere"]


def models(stack: Stack, response_id: str) -> list[str]:
    return [call["model"] for call in stack.calls(response_id)]


def test_alias_when_both_targets_have_weight_then_both_are_used(stack: Stack) -> None:
    shown = Counter(create(stack, model="spread", input="", store=False)["provider"] for _ in range(20))

    assert set(shown) == {"main", "the-spare"}


def test_alias_when_it_answers_then_the_header_names_the_account_and_the_object_its_label(
    stack: Stack,
) -> None:
    answer = ask(stack, "spread", metadata={})

    names = {"main": "main", "the-spare": "spare"}
    assert answer.headers[HEADER] == names[answer.json()["provider"]]


def test_account_when_it_answers_then_the_header_names_it(stack: Stack) -> None:
    answer = ask(stack, "strict/gpt-4.1")
    stored = stack.request("GET", f"/responses/{answer.json()['id']}")

    assert [a.headers[HEADER] for a in (answer, stored)] == ["strict", "strict"]


def test_alias_when_its_first_target_cannot_be_reached_then_the_next_answers(stack: Stack) -> None:
    answer = ask(stack, "unreachable-first")

    response = answer.json()
    assert (answer.status_code, answer.headers[HEADER]) == (200, "spare")
    assert (response["status"], response["provider"]) == ("completed", "the-spare")
    assert models(stack, response["id"]) == ["other-name"]
    assert moves(stack, response["id"]) == [("down", "spare", "upstream_unreachable")]


@pytest.mark.parametrize(
    ("alias", "reason"),
    [
        ("bad-key-first", "upstream_auth"),
        ("refused-429-first", "upstream_rate_limited"),
        ("refused-500-first", "upstream_error"),
        ("refused-503-first", "upstream_overloaded"),
    ],
)
def test_alias_when_its_first_target_refuses_then_the_next_answers(
    stack: Stack, alias: str, reason: str
) -> None:
    response = create(stack, model=alias)

    assert (response["status"], response["provider"]) == ("completed", "the-spare")
    assert [move[2] for move in moves(stack, response["id"])] == [reason]
    assert [call["words"] > 0 for call in stack.calls(response["id"])] == [False, True]


@pytest.mark.parametrize(("alias", "status"), [("refused-400-first", 400), ("refused-504-first", 502)])
def test_alias_when_the_refusal_is_not_the_accounts_then_nobody_else_is_asked(
    stack: Stack, alias: str, status: int
) -> None:
    before = len(stack.upstream.ledger()["calls"])

    answer = ask(stack, alias)

    assert answer.status_code == status and error_of(answer)
    last = list(stack.upstream.ledger()["calls"].values())[before:]
    assert [len(calls) for calls in last] == [1]


def test_alias_when_something_was_seen_then_nobody_else_is_asked(stack: Stack) -> None:
    response = create(stack, model="broken-first")

    assert (response["status"], response["provider"]) == ("failed", "main")
    assert len(stack.calls(response["id"])) == 1


def test_alias_when_all_targets_refuse_then_the_last_refusal_is_passed_on(stack: Stack) -> None:
    answer = ask(stack, "both-refuse")

    assert (answer.status_code, error_of(answer)["code"]) == (502, "upstream_error")
    assert answer.headers[HEADER] == "spare"


def test_stream_when_another_target_takes_over_then_one_dense_stream_that_ends_with_its_name(
    stack: Stack,
) -> None:
    answer = create_stream(stack, model="refused-503-first")
    events = events_of(answer)

    check_story(events)
    types = [event["type"] for event in events]
    assert types.count("response.in_progress") == 1 and types[-1] == "response.completed"
    named = [event["response"]["provider"] for event in events if "response" in event]
    assert named == ["main", "main", "the-spare"]
    assert answer.headers[HEADER] == "main"


def test_replay_when_another_target_took_over_then_the_log_and_the_archive_agree(stack: Stack) -> None:
    response = create(stack, model="refused-503-first")
    hot = follow(stack, response["id"])
    forget_events(stack, response["id"])

    assert follow(stack, response["id"]) == hot
    assert hot[-1]["response"] == response


def test_background_when_another_target_takes_over_then_retrieved_with_its_name(stack: Stack) -> None:
    created = create(stack, model="refused-503-first", background=True)

    def ended() -> Any:
        answer = stack.request("GET", f"/responses/{created['id']}")
        return answer if answer.json()["status"] == "completed" else None

    answer = wait_until(ended, "it completes")
    assert (created["provider"], answer.json()["provider"]) == ("main", "the-spare")
    assert answer.headers[HEADER] == "spare"


def test_alias_when_its_account_is_named_too_then_it_and_no_other(stack: Stack) -> None:
    pinned = stack.request(
        "POST",
        "/responses",
        json={"model": "refused-503-first", "input": "hello"},
        headers={HEADER: "main"},
    )

    assert (pinned.status_code, pinned.headers[HEADER]) == (503, "main")


@pytest.fixture(scope="module")
def parents(stack: Stack) -> tuple[Json, Json]:
    """Of the account with weight 0: an answer with reasoning, one without."""
    return create(stack, model="spare/plain", **REASONS), create(stack, model="spare/plain")


def test_turn_when_its_parent_reasoned_then_the_alias_stays_with_its_account(
    stack: Stack, parents: tuple[Json, Json]
) -> None:
    reasoned, plain = parents

    turns = [create(stack, model="reasoner", previous_response_id=p["id"]) for p in (reasoned, plain)]

    assert [turn["provider"] for turn in turns] == ["the-spare", "main"]


def test_turn_when_its_conversation_reasoned_then_the_alias_stays_with_its_account(stack: Stack) -> None:
    conversation = stack.request("POST", "/conversations", json={}).json()["id"]
    create(stack, model="spare/plain", conversation=conversation, **REASONS)

    turn = create(stack, model="reasoner", conversation=conversation)

    assert turn["provider"] == "the-spare"


def test_turn_when_its_client_keeps_the_reasoning_then_the_alias_stays_with_its_account(stack: Stack) -> None:
    sealed = {**REASONS, "include": ["reasoning.encrypted_content"], "store": False}
    first = create(stack, model="spare/plain", **sealed)

    said = [*first["output"], {"role": "user", "content": "and now?"}]
    turn = create(stack, model="reasoner", input=said, **sealed)

    assert turn["provider"] == "the-spare"


def test_alias_when_the_breaker_of_its_target_is_open_then_another_one_is_asked_at_once(
    stack: Stack,
) -> None:
    for _ in range(MIN_CALLS):
        ask(stack, "ailing/plain!fault=refuse:500", store=False)

    response = create(stack, model="ailing-first")

    assert response["provider"] == "the-spare"
    assert len(stack.calls(response["id"])) == 1
    assert moves(stack, response["id"]) == [("ailing", "spare", "breaker_open")]


def test_metrics_when_another_target_takes_over_then_counted(stack: Stack) -> None:
    create(stack, model="unreachable-first")

    url = stack.base_url.removesuffix("/v1") + "/metrics"
    sample = 'respool_fallbacks_total{from="down",to="spare"}'
    wait_until(lambda: sample in requests.get(url, timeout=30).text, "the fallback is counted")


def test_models_when_listed_then_the_aliases_too(stack: Stack) -> None:
    assert "spread" in {model.id for model in stack.client().models.list()}
