"""Many who listen: streams that stay open, one stream with many followers, streams taken up again."""

from __future__ import annotations

import json
import math
import sys
import time
import urllib.request

from bench.figures import Figures, percentile
from bench.machine import resident_bytes
from bench.product import Respool
from bench.scenarios import request_figures, shares
from bench.target import Site, Target

_FIRST = 50  # streams opened and closed before memory is looked at: what is loaded once is no stream's
_ATTACH_A_SECOND = 100  # followers that surely get in, on a slow day
_DELTA_SECONDS = 0.005
_SETTLE_SECONDS = 1.0


def idle(site: Site, respool: Respool, *, count: int, seconds: float) -> Figures:
    """Open streams that nothing happens on: no worker runs, so each response waits in the queue."""
    target = respool.target()
    _hold(site, target, min(count, _FIRST), 0.1)
    before = resident_bytes([respool.api_pid])
    spec = _streams(target, count, seconds)
    with site.crew(spec) as crew:
        started = time.perf_counter()
        crew.prepare()
        opening = time.perf_counter() - started
        time.sleep(_SETTLE_SECONDS)
        outcome = crew.run({**site.groups(target), "api": [respool.api_pid]})
        after = resident_bytes([respool.api_pid])
    alive = outcome.total("alive")
    if alive < count:
        print(f"  streams that ended: {dict(outcome.statuses)}", file=sys.stderr, flush=True)
    return {
        "opened": outcome.total("opened"),
        "alive": alive,
        "kib_each": (after - before) / 1024 / max(1, alive),
        "rss_mib": after / 2**20,
        "opened_s": outcome.total("opened") / opening,
        "failed": count - alive,
        **shares(outcome),
    }


def fan_out(site: Site, target: Target, *, followers: int, words: int) -> tuple[Figures, str]:
    """One stream of 200 deltas a second to all of them; the followed response's id besides."""
    wait_ms = 2_000 + followers * 1_000 // _ATTACH_A_SECOND
    model = f"mock-l{wait_ms}-n{words}-i{round(_DELTA_SECONDS * 1000)}"
    response_id = _submit(target, model)
    path = f"/responses/{response_id}?stream=true"
    spec = target.spec("held", "GET", path, connections=followers, to_the_end=True)
    outcome = site.drive(target, spec)
    delivered = outcome.total("delivered")
    figures: Figures = {
        "followers": followers,
        "delivered": delivered,
        "delivered_s": delivered / outcome.seconds,
        "cpu_us_delta": outcome.cpu["server"] * 1_000_000 / delivered if delivered else math.nan,
        "slower_than_the_model": outcome.seconds / (words * _DELTA_SECONDS),
        "failed": followers - outcome.total("completed"),
        **shares(outcome),
    }
    return figures, response_id


def resume(site: Site, target: Target, response_id: str, *, words: int, seconds: float) -> Figures:
    """An ended stream asked for again, from shortly before its end."""
    path = f"/responses/{response_id}?stream=true&starting_after={words - 10}"
    spec = target.spec("streams", "GET", path, connections=4, seconds=seconds, warmup=min(0.5, seconds))
    outcome = site.drive(target, spec)
    opened = [one["opened_ms"] for one in outcome.merged("streams") if one["opened_ms"] is not None]
    cut = sum(not one["completed"] for one in outcome.merged("streams"))
    figures = request_figures(outcome)
    return {**figures, "first_event_ms": percentile(opened, 0.5), "failed": figures["failed"] + cut}


def _hold(site: Site, target: Target, count: int, seconds: float) -> None:
    with site.crew(_streams(target, count, seconds)) as crew:
        crew.prepare()
        crew.run({})


def _streams(target: Target, count: int, seconds: float) -> dict[str, object]:
    body = target.body("mock", stream=True)
    return target.spec("held", "POST", "/responses", connections=count, seconds=seconds, body=body)


def submit_and_wait(target: Target) -> str:
    """The id of a response that has just ended, with the items of an ordinary one."""
    return _submit(target, "mock", background=False)


def _submit(target: Target, model: str, *, background: bool = True) -> str:
    request = urllib.request.Request(
        f"{target.base_url}/responses",
        data=json.dumps(target.body(model, background=background)).encode(),
        headers={"Authorization": f"Bearer {target.key}", "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return str(json.loads(answer.read())["id"])
