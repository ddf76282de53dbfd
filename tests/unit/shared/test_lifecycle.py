"""The state machine, as data: complete, and terminal for ever."""

from __future__ import annotations

import pytest

from shared.lifecycle import TERMINAL, TRANSITIONS, Status, Transition, is_terminal, terminal_event_type


def test_transitions_when_listed_then_every_one_has_its_row() -> None:
    assert set(TRANSITIONS) == set(Transition)


def test_transitions_when_terminal_then_nothing_leads_out() -> None:
    starts = {status for start, _ in TRANSITIONS.values() for status in start}

    assert starts.isdisjoint(TERMINAL)


def test_transitions_when_followed_from_the_queue_then_every_status_can_be_reached() -> None:
    reached = {Status.QUEUED}
    for _ in Status:
        reached |= {end for start, ends in TRANSITIONS.values() if start & reached for end in ends}

    assert reached == set(Status)


def test_transitions_when_not_terminal_then_an_end_can_be_reached_in_one_step() -> None:
    for status in set(Status) - TERMINAL:
        assert any(status in start and ends & TERMINAL for start, ends in TRANSITIONS.values())


@pytest.mark.parametrize("status", Status)
def test_is_terminal_when_asked_by_its_word_then_as_the_table_says(status: Status) -> None:
    assert is_terminal(str(status)) is (status in TERMINAL)


@pytest.mark.parametrize(
    ("status", "event"),
    [
        ("completed", "response.completed"),
        ("incomplete", "response.incomplete"),
        ("failed", "response.failed"),
        ("cancelled", "response.failed"),
    ],
)
def test_terminal_event_type_when_ended_then_the_event_that_clients_know(status: str, event: str) -> None:
    assert terminal_event_type(status) == event


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_terminal_event_type_when_not_ended_then_refused(status: str) -> None:
    with pytest.raises(KeyError):
        terminal_event_type(status)
