"""F37 to F45 where they meet other faults: the upstream goes away in the middle of what is paid for."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Plant, deltas
from tests.faults.load import under_way
from tests.support.clients import Caller
from tests.support.waiting import wait_until

RESUMABLE = "resumable/mock-n60-i40"


def test_line_to_the_upstream_reset_when_resumable_then_streams_have_no_seam(plant: Plant) -> None:
    load = under_way(plant, model=RESUMABLE)

    plant.upstream_line.reset()

    assert load.findings() == []
    assert load.statuses() == {"completed"}


def test_line_to_the_upstream_reset_when_not_resumable_then_failed_and_paid_once(plant: Plant) -> None:
    load = under_way(plant)

    plant.upstream_line.reset()

    assert load.findings() == []
    assert load.reasons() == {"upstream_disconnected"}


@pytest.mark.slow_fault
def test_every_connection_cut_short_when_resumable_then_the_pieces_fit(plant: Plant) -> None:
    plant.upstream_line.cut_after(6_000)

    load = under_way(plant, each=1, model=RESUMABLE)

    assert load.findings() == []
    assert load.statuses() == {"completed"}
    assert len("".join(deltas(load.followers[0])).split()) == 60


@pytest.mark.slow_fault
def test_upstream_away_for_long_when_it_runs_a_resumable_generation_then_it_is_waited_for(
    plant: Plant,
) -> None:
    """As long as a deploy of the upstream's front takes: what is paid for is not given up sooner."""
    checker = plant.checker()
    plant.stack.upstream.script(*["fault=refuse:503"] * 6, on="resume")
    follower = plant.stream("resumable/mock-n40-i25!fault=reset:10")

    seen = follower.finished()

    checker.wait_for_all()
    assert checker.findings([seen]) == []
    assert seen.events[-1]["type"] == "response.completed"


@pytest.mark.slow_fault
def test_upstream_that_refuses_every_resume_when_it_has_been_paid_then_not_paid_again(plant: Plant) -> None:
    """A 503 to a resume is no proof that the create was not billed."""
    checker = plant.checker()
    plant.stack.upstream.script(*["fault=refuse:503"] * 60, on="resume")
    caller = Caller(plant.stack, {"model": "resumable/mock-n40-i25!fault=reset:10", "input": "once"})
    caller.run()

    (row,) = checker.rows().values()
    assert (row.status, row.attempt) == ("failed", 1)
    assert len(plant.stack.calls(row.id)) == 1
    plant.stack.upstream.reset()


@pytest.mark.slow_fault
def test_sql_away_when_the_upstream_names_its_generation_then_it_goes_on_and_can_be_resumed(
    plant: Plant,
) -> None:
    # Given a generation whose first event comes while the database cannot be reached
    checker = plant.checker()
    caller = Caller(plant.stack, {"model": "resumable/mock-n150-i40-l1500", "input": "x", "background": True})
    caller.run()
    response_id = (caller.answer or {})["id"]
    wait_until(lambda: plant.stack.calls(response_id), "the upstream was called")
    plant.sql_line.cut()
    wait_until(lambda: plant.stack.calls(response_id)[0]["words"] > 3, "words have come")
    plant.sql_line.passing()
    # When its worker dies later
    wait_until(lambda: checker.row(response_id).upstream_response_id, "a beat has told its name")
    plant.stack.wait_for_restart("worker", plant.stack.kill("worker"))
    # Then another one goes on with it
    checker.wait_for_all()
    assert checker.findings(callers=[caller]) == []
    assert checker.row(response_id).status == "completed"
