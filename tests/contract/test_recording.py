"""The end of a generation on the real store and log: who may write it, and what the log gets with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import LeaseLost
from shared.metrics import RESEEDS, Counters
from shared.sealing import opening_frames
from shared.store.rows import Claim
from shared.transitions import Transitions
from tests.support.backends import Backends
from tests.support.rows import deltas, ending, gated
from workers.flusher import Flusher, Journal
from workers.recorder import Recorder
from workers.spool import Spool


class Hands:
    """A worker's parts that end a generation; its flusher's thread does not run."""

    def __init__(self, backends: Backends, folder: Path) -> None:
        self.flusher = Flusher(backends.log, backends.store.leases.renew)
        self.counters = Counters()
        transitions = Transitions(self.counters)
        self.recorder = Recorder(
            backends.store, backends.log, self.flusher, Spool(folder), transitions, wipe_seconds=60
        )

    def open(self, claim: Claim, *, eager: bool, late: bool = False) -> Journal:
        opening = opening_frames(claim.row, claim.envelope)
        journal = self.flusher.open(claim.row.id, claim.row.attempt, opening, eager=eager, late=late)
        self.flusher.append(journal, deltas(len(journal.frames), 3))
        return journal


@pytest.fixture
def worker(backends: Backends, tmp_path: Path) -> Hands:
    return Hands(backends, tmp_path)


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("eager", [True, False])
def test_end_when_mine_then_the_log_is_whole_and_ends_once(
    backends: Backends, worker: Hands, eager: bool, stored: bool
) -> None:
    claim = gated(backends.store, store=stored)
    journal = worker.open(claim, eager=eager)

    ended = worker.recorder.end(claim, ending(claim, "x"), journal)

    log = backends.log.read_all(claim.row.id)
    assert log.frames[:-1] == journal.frames and log.frames[-1].startswith(b"event: response.completed")
    assert log.state is not None and log.state.terminal
    assert ended.row.terminal_seq == log.state.seq == len(journal.frames)


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("stored", [True, False])
def test_end_when_the_log_was_to_be_taken_late_then_it_is_whole_and_mine(
    backends: Backends, worker: Hands, stored: bool, announced: bool
) -> None:
    claim = gated(backends.store, store=stored)
    if announced:  # else Redis has forgotten what the API process wrote
        backends.log.acquire(claim.row.id, 0, opening_frames(claim.row, claim.envelope)[:1])
    journal = worker.open(claim, eager=False, late=True)

    worker.recorder.end(claim, ending(claim, "x"), journal)

    log = backends.log.read_all(claim.row.id)
    assert log.frames[:-1] == journal.frames and log.frames[-1].startswith(b"event: response.completed")
    assert log.state is not None and log.state.terminal and log.state.attempt == claim.row.attempt
    if announced:
        assert (RESEEDS.name,) not in worker.counters.take()


@pytest.mark.parametrize("eager", [True, False])
def test_end_when_the_log_has_refused_me_then_nothing_is_recorded(
    backends: Backends, worker: Hands, eager: bool
) -> None:
    claim = gated(backends.store)
    journal = worker.open(claim, eager=eager)
    journal.fence()

    with pytest.raises(LeaseLost):
        worker.recorder.end(claim, ending(claim, "x"), journal)

    assert backends.row(claim.row.id).status == "in_progress"


@pytest.mark.parametrize("eager", [True, False])
def test_end_when_the_log_was_never_mine_and_has_another_generation_then_nothing_is_recorded(
    backends: Backends, worker: Hands, eager: bool
) -> None:
    claim = gated(backends.store)
    opening = opening_frames(claim.row, claim.envelope)
    backends.log.acquire(claim.row.id, claim.row.attempt, [*opening, *deltas(len(opening), 9)])
    # Redis was away when the log should have been taken
    journal = Journal(claim.row.id, claim.row.attempt, opening, eager=eager)
    worker.flusher.append(journal, deltas(len(opening), 3))

    with pytest.raises(LeaseLost):
        worker.recorder.end(claim, ending(claim, "x"), journal)

    assert backends.row(claim.row.id).status == "in_progress"
