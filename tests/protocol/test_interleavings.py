"""All interleavings of the protocol: none breaks a promise, and each guard is there for a reason."""

from __future__ import annotations

import pytest

from tests.protocol.model import GUARDS, LOG_FENCE, MONEY_GATE, PROOF, SQL_FENCE, Search, search


@pytest.fixture(scope="module")
def whole() -> Search:
    return search()


def test_protocol_when_all_guards_stand_then_no_interleaving_breaks_a_promise(whole: Search) -> None:
    assert whole.findings == ()
    assert whole.states > 1_000


def test_protocol_when_all_guards_stand_then_every_state_can_come_to_an_end(whole: Search) -> None:
    assert whole.stuck == 0


@pytest.mark.parametrize(
    ("guard", "violations"),
    [
        (SQL_FENCE, {"terminal overwritten", "billed twice"}),
        (LOG_FENCE, {"event after terminal", "event of a fenced attempt"}),
        (MONEY_GATE, {"billed twice"}),
        (PROOF, {"billed twice"}),
    ],
)
def test_protocol_when_a_guard_is_taken_away_then_a_promise_breaks(guard: str, violations: set[str]) -> None:
    found = search(GUARDS - {guard}, wanted=frozenset(violations))

    assert violations <= found.violations
