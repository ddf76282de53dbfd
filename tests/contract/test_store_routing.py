"""Targets of an alias: who may be claimed, and how a row changes its account without being paid twice."""

from __future__ import annotations

from typing import Any

import pytest

from shared.lifecycle import Status
from shared.store import Store
from shared.store.rows import Claim
from tests.support.backends import Backends
from tests.support.rows import OWNER, TENANT, accepted, claimed, ending, finished, gated, message

THERE = {"provider": "other", "model": "n", "label": "Other"}


def claim(store: Store, *providers: str, aliases: tuple[str, ...] = ()) -> Claim | None:
    return store.leases.claim_next(OWNER, background=True, held_back=providers, held_aliases=aliases)


def retarget(store: Store, taken: Claim, **changes: str) -> bool:
    to = {**THERE, "tried": "main/m", **changes}
    return store.leases.retarget(taken.row.id, taken.row.attempt, **to)


def test_insert_when_routed_by_an_alias_then_the_row_has_its_name(store: Store) -> None:
    row = accepted(store, alias="smart")

    assert (row.alias, row.tried, row.label) == ("smart", None, None)


def test_claim_when_the_account_is_held_back_then_its_row_waits(store: Store) -> None:
    accepted(store)

    assert claim(store, "main") is None


def test_claim_when_another_target_can_take_it_then_claimed_all_the_same(store: Store) -> None:
    row = accepted(store, alias="smart")

    taken = claim(store, "main")

    assert taken is not None and taken.row.id == row.id


def test_claim_when_no_target_of_the_alias_takes_anything_then_it_waits(store: Store) -> None:
    accepted(store, alias="smart")

    assert claim(store, "main", "other", aliases=("smart",)) is None


def test_claim_when_only_another_alias_is_stuck_then_claimed(store: Store) -> None:
    accepted(store, alias="smart")

    assert claim(store, "main", aliases=("quick",)) is not None


def test_claim_when_one_account_is_held_back_then_the_next_row_of_another(store: Store) -> None:
    accepted(store)
    second = accepted(store, provider="other")

    taken = claim(store, "main")

    assert taken is not None and taken.row.id == second.id


def test_redirect_when_nothing_was_sent_then_another_target_in_the_same_hands(backends: Backends) -> None:
    taken = claimed(backends.store, alias="smart")

    assert backends.store.leases.redirect(taken.row.id, taken.row.attempt, **THERE) is True

    row = backends.row(taken.row.id)
    assert (row.provider, row.model, row.label) == ("other", "n", "Other")
    assert (row.status, row.attempt, row.tried) == (Status.IN_PROGRESS, 1, None)
    assert backends.store.leases.gate(row.id, row.attempt) is True


def test_redirect_when_something_was_sent_then_refused(backends: Backends) -> None:
    taken = gated(backends.store, alias="smart")

    assert backends.store.leases.redirect(taken.row.id, taken.row.attempt, **THERE) is False
    assert backends.row(taken.row.id).provider == "main"


def test_retarget_when_refused_then_queued_for_the_other_and_fenced(backends: Backends) -> None:
    taken = gated(backends.store, alias="smart")

    assert retarget(backends.store, taken) is True

    row = backends.row(taken.row.id)
    assert (row.status, row.attempt, row.lease_owner) == (Status.QUEUED, 2, None)
    assert (row.target, row.tried, row.retry_count) == ("other/n", "main/m", 0)
    assert (row.upstream_started_at, row.not_before) == (None, None)
    assert backends.store.leases.renew(row.id, taken.row.attempt) is False


def test_retarget_when_claimed_again_then_its_gate_is_passed_once_more(store: Store) -> None:
    taken = gated(store, alias="smart")
    retarget(store, taken)

    again = claim(store)

    assert again is not None and again.row.attempt == 3
    assert store.leases.gate(taken.row.id, taken.row.attempt) is False
    assert store.leases.gate(again.row.id, again.row.attempt) is True


def test_retarget_when_the_generation_exists_upstream_then_refused(backends: Backends) -> None:
    taken = gated(backends.store, alias="smart")
    backends.store.leases.remember(taken.row.id, taken.row.attempt, "resp_upstream")

    assert retarget(backends.store, taken) is False
    assert backends.row(taken.row.id).status == Status.IN_PROGRESS


@pytest.mark.parametrize("verb", ["redirect", "retarget"])
def test_target_when_the_attempt_is_old_then_nothing_changes(backends: Backends, verb: str) -> None:
    taken = claimed(backends.store, alias="smart")
    backends.hands.set(taken.row.id, attempt=7)
    before = backends.row(taken.row.id)
    more = {"tried": "main/m"} if verb == "retarget" else {}

    assert getattr(backends.store.leases, verb)(taken.row.id, 1, **THERE, **more) is False

    assert backends.row(taken.row.id) == before


@pytest.mark.parametrize("verb", ["redirect", "retarget"])
def test_target_when_the_row_has_ended_then_nothing_changes(backends: Backends, verb: str) -> None:
    row = finished(backends.store, alias="smart").row
    more = {"tried": "main/m"} if verb == "retarget" else {}

    assert getattr(backends.store.leases, verb)(row.id, row.attempt, **THERE, **more) is False

    assert backends.row(row.id) == row


def test_release_when_it_has_to_wait_then_claimed_only_later(backends: Backends) -> None:
    taken = claimed(backends.store)

    assert backends.store.leases.release(taken.row.id, taken.row.attempt, after_seconds=100) is True

    early = claim(backends.store)
    backends.hands.backdate(taken.row.id, "not_before")
    late = claim(backends.store)
    assert early is None
    assert late is not None and late.row.retry_count == 0


def test_cancel_when_another_target_had_it_then_the_response_names_that(store: Store) -> None:
    taken = claimed(store, alias="smart")
    store.leases.redirect(taken.row.id, taken.row.attempt, **THERE)

    ended = store.endings.cancel(TENANT, taken.row.id)

    assert ended is not None
    assert b'"provider":"Other"' in ended.result and b'"model":"n"' in ended.result
    assert ended.envelope["provider"] == "main"  # what its opening events are made of


def reasoned(store: Store, *output: dict[str, Any], **changes: Any) -> str:
    """An ended response with this output; its id."""
    taken = gated(store, **changes)
    end = ending(taken)
    end = type(end)(status=end.status, response=end.response, output_items=list(output))
    store.endings.finish(taken.row.id, taken.row.attempt, end, [])
    return taken.row.id


REASONING = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "x"}


def test_parent_when_its_answer_has_reasoning_then_its_account(store: Store) -> None:
    parent = reasoned(store, REASONING, message("ho", "msg_1"), provider="other")

    assert store.parents.reasoned(TENANT, parent) == "other"


def test_parent_when_its_answer_has_none_then_nobody(store: Store) -> None:
    parent = reasoned(store, message("ho", "msg_1"), provider="other")

    assert store.parents.reasoned(TENANT, parent) is None


def test_parent_when_it_is_another_tenants_then_nobody(store: Store) -> None:
    parent = reasoned(store, REASONING, provider="other")

    assert store.parents.reasoned("somebody else", parent) is None


def test_conversation_when_its_latest_answer_has_reasoning_then_its_account(store: Store) -> None:
    conversation = store.conversations.create(TENANT, {}, []).id
    for provider in ("main", "other"):
        reasoned(
            store, {**REASONING, "id": f"rs_{provider}"}, provider=provider, conversation_id=conversation
        )

    assert store.parents.reasoned_last(TENANT, conversation) == "other"
