"""F48 to F51: bells that come doubled or late, sweepers that come all at once, cancels that race."""

from __future__ import annotations

import random
import threading

from shared.queue import Queue, make_celery
from shared.settings import Settings
from tests.faults.conftest import Plant
from tests.faults.load import under_way
from tests.support.clients import Caller
from tests.support.waiting import wait_until

RACES = 60


def test_bells_when_each_is_rung_five_times_and_old_ones_again_then_all_run_once(plant: Plant) -> None:
    queue = Queue(make_celery(Settings(broker_url=plant.redis.url), publisher=True))
    before = plant.create()

    load = under_way(plant)
    for row in [*load.checker.rows(), before["id"]]:
        for _ in range(5):
            queue.ring(row)

    assert load.findings() == []
    assert load.statuses() == {"completed"}
    assert len(plant.stack.calls(before["id"])) == 1
    queue.close()


def test_cancel_when_it_races_with_everything_then_one_winner_that_stays(plant: Plant) -> None:
    """Cancelled at a random point of lives of some milliseconds: queued, claimed, gated, streamed, done."""
    checker, rng = plant.checker(), random.Random(48)
    ids = []
    answers: dict[str, int] = {}

    def cancel(response_id: str) -> None:
        answers[response_id] = plant.stack.request("POST", f"/responses/{response_id}/cancel").status_code

    threads = []
    for _ in range(RACES):
        model = f"mock-n{rng.randrange(1, 12)}-i{rng.randrange(1, 6)}"
        caller = Caller(plant.stack, {"model": model, "input": "race", "background": True})
        caller.run()
        ids.append((caller.answer or {})["id"])
        threads.append(threading.Timer(rng.uniform(0, 0.15), cancel, (ids[-1],)))
        threads[-1].start()
    for thread in threads:
        thread.join()

    checker.wait_for_all()
    assert checker.findings() == []
    rows = checker.rows()
    assert set(answers.values()) <= {200, 400}
    # I14: a cancel that was confirmed is the end, one that was refused came too late
    assert {i: rows[i].status == "cancelled" for i in ids} == {i: answers[i] == 200 for i in ids}


def test_delete_when_it_races_with_the_end_then_nothing_comes_back(plant: Plant) -> None:
    rng = random.Random(49)
    gone: list[str] = []

    def delete(response_id: str) -> None:
        def tried() -> bool:
            return plant.stack.request("DELETE", f"/responses/{response_id}").status_code == 200

        wait_until(tried, "it can be deleted")
        gone.append(response_id)

    threads = []
    for _ in range(RACES // 3):
        body = {"model": f"mock-n{rng.randrange(1, 12)}-i3", "input": "race", "background": True}
        caller = Caller(plant.stack, body)
        caller.run()
        threads.append(threading.Thread(target=delete, args=((caller.answer or {})["id"],)))
        threads[-1].start()
    for thread in threads:
        thread.join()

    statuses = {plant.stack.request("GET", f"/responses/{i}").status_code for i in gone}
    replays = {plant.stack.request("GET", f"/responses/{i}?stream=true").status_code for i in gone}
    assert (len(gone), statuses, replays) == (RACES // 3, {404}, {404})
