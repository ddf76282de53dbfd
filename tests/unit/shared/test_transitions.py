"""One line for each step, with the names that find it and nothing that a caller said."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from shared.metrics import Counters
from shared.store.rows import COLUMNS, ResponseRow
from shared.telemetry import _FIELDS
from shared.transitions import Transitions

Say = Callable[[Transitions, ResponseRow], None]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "respool.response")
    return caplog


def _row(**changes: object) -> ResponseRow:
    values: dict[str, object] = {column.name: None for column in COLUMNS}
    values |= {"id": "resp_1", "attempt": 3, "request_id": "req_1", "tenant_id": "t", "provider": "main"}
    values |= {"status": "failed", "created_at": 100.0, "terminal_at": 102.5}
    return ResponseRow(**{**values, **changes})  # type: ignore[arg-type]


def test_step_when_said_then_one_line_with_its_names(told: pytest.LogCaptureFixture) -> None:
    Transitions(Counters()).say("claimed", _row(status="in_progress"))

    (line,) = told.records
    known = {name: getattr(line, name) for name in _FIELDS if hasattr(line, name)}
    assert line.getMessage() == "claimed"
    assert known == {
        "response_id": "resp_1",
        "attempt": 3,
        "request_id": "req_1",
        "tenant": "t",
        "provider": "main",
        "status": "in_progress",
    }


@pytest.mark.parametrize(
    ("status", "reason", "word"),
    [
        ("completed", None, "ended"),
        ("failed", "worker_lost", "ended"),
        ("failed", "no_capacity", "expired"),
        ("failed", "deadline_exceeded", "expired"),
        ("cancelled", None, "cancelled"),
    ],
)
def test_end_when_said_then_in_its_word_with_reason_and_time(
    told: pytest.LogCaptureFixture, status: str, reason: str | None, word: str
) -> None:
    Transitions(Counters()).ended(_row(status=status, error_reason=reason))

    (line,) = told.records
    said = [line.__dict__[name] for name in ("message", "status", "reason", "seconds")]
    assert said == [word, status, reason or "", 2.5]


@pytest.mark.parametrize(
    ("say", "series"),
    [
        (lambda t, r: t.ended(r), ("respool_responses_ended_total", "failed", "")),
        (lambda t, r: t.rescued(r, "fail"), ("respool_rescues_total", "fail")),
        (lambda t, r: t.put_back(r, reason="x", seconds=1), ("respool_put_back_total", "main")),
        (lambda t, r: t.fenced(r, reason="x"), ("respool_fenced_writes_total",)),
        (lambda t, r: t.sealed(r), ("respool_terminal_events_by_helper_total",)),
    ],
)
def test_step_when_said_then_counted_once(say: Say, series: tuple[str, ...]) -> None:
    counters = Counters()

    say(Transitions(counters), _row())

    assert counters.take() == {series: 1.0}


@pytest.mark.parametrize(
    ("rung", "words"), [("requeue", ["requeued"]), ("resume", ["resumed"]), ("fail", [])]
)
def test_rescue_when_it_goes_on_then_said_else_left_to_the_end(
    told: pytest.LogCaptureFixture, rung: str, words: list[str]
) -> None:
    Transitions(Counters()).rescued(_row(), rung)

    assert [line.getMessage() for line in told.records] == words
