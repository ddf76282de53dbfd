"""Money is real: what is tried again, and what becomes of a row whose worker is gone."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from shared.errors import UpstreamError
from shared.store.rows import ResponseRow
from tests.support.backends import Backends
from tests.support.rows import claimed
from workers.retry import MAX_RESCUES, MAX_TRIES, Rung, decide, rung


def failed(*, unbilled: bool) -> UpstreamError:
    return UpstreamError("why", "what", unbilled=unbilled)


@pytest.fixture
def row(backends: Backends) -> Iterator[ResponseRow]:
    yield claimed(backends.store).row


@pytest.mark.parametrize("tries", range(1, MAX_TRIES + 2))
def test_decide_when_it_may_have_been_billed_then_never_again(tries: int) -> None:
    assert decide(failed(unbilled=False), tries, rng=random.Random(1)).again is False


@pytest.mark.parametrize("tries", range(1, MAX_TRIES + 2))
def test_decide_when_unbilled_then_again_until_the_tries_are_used_up(tries: int) -> None:
    assert decide(failed(unbilled=True), tries, rng=random.Random(1)).again is (tries < MAX_TRIES)


def test_decide_when_again_then_waits_are_jittered_from_zero_and_bounded() -> None:
    rng = random.Random(1)

    waits = [decide(failed(unbilled=True), 2, rng=rng).after_seconds for _ in range(500)]

    assert 0 <= min(waits) < 0.1
    assert 0.9 < max(waits) <= 1.0


def test_rung_when_the_deadline_has_passed_too_then_expire_before_all_else(row: ResponseRow) -> None:
    sent = row._replace(upstream_started_at=1.0, rescue_count=MAX_RESCUES)

    assert [rung(r, overdue=True) for r in (row, sent)] == [Rung.EXPIRE, Rung.EXPIRE]


def test_rung_when_nothing_was_sent_then_requeue_until_it_looks_like_poison(row: ResponseRow) -> None:
    steps = [rung(row._replace(rescue_count=n), overdue=False) for n in range(MAX_RESCUES + 2)]

    assert steps == [Rung.REQUEUE] * MAX_RESCUES + [Rung.GIVE_UP] * 2


@pytest.mark.parametrize("rescues", [0, MAX_RESCUES])
def test_rung_when_it_was_sent_and_cannot_be_resumed_then_fail(row: ResponseRow, rescues: int) -> None:
    sent = row._replace(upstream_started_at=1.0, rescue_count=rescues)

    assert rung(sent, overdue=False) is Rung.FAIL
