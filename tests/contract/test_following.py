"""Following when the log is not what it was: the archive gives the rest, or the stream says it is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.endings import Endings
from api.relay import Relay, StreamLost
from shared.catalog import load_catalog
from shared.queue import Queue, make_celery
from shared.sealing import opening_frames, seal_log
from shared.services import Services
from shared.settings import Settings
from shared.wire import events
from tests.support.backends import Backends
from tests.support.rows import ending, gated

TICK = 0.05


@pytest.fixture
def relay(backends: Backends) -> Iterator[Relay]:
    settings = Settings(openai_api_key="k", broker_url="memory://")
    queue = Queue(make_celery(settings, publisher=True))
    catalog = load_catalog(settings, {})
    services = Services(settings, catalog, backends.store, backends.log, queue, backends.redis)
    started = Relay(services, Endings(services))
    started.start()
    started.require_live()
    yield started
    started.stop()
    queue.close()


def _delta(number: int) -> bytes:
    return events.encode({"type": "response.output_text.delta", "sequence_number": number, "delta": "x"})


def test_follow_when_the_log_was_rebuilt_without_what_was_seen_then_lost_instead_of_a_clean_end(
    backends: Backends, relay: Relay
) -> None:
    # Given a follower that has seen some events
    claim = gated(backends.store)
    row = claim.row
    backends.log.acquire(row.id, 1, opening_frames(row, claim.envelope), channel=relay.channel)
    backends.log.append(row.id, 1, 1, [_delta(n) for n in range(1, 20)])
    following = relay.follow(row.id, -1, tick_seconds=TICK)
    assert next(following).count(b"\n\n") == 20
    # When the log is lost and its response ends without them
    backends.log.drop([row.id])
    backends.log.read(row.id, -1, channel=relay.channel)  # as the follower's process does when it is quiet
    backends.hands.backdate(row.id, "lease_until")
    ended = backends.store.endings.settle(row, [], reason="worker_lost", message="worker_lost: gone.")
    assert ended is not None
    seal_log(backends.store, backends.log, ended, wipe_seconds=600)
    # Then it is told so
    with pytest.raises(StreamLost):
        list(following)


def test_follow_when_the_ended_rows_log_lacks_its_end_then_the_archive_gives_it_at_once(
    backends: Backends, relay: Relay
) -> None:
    claim = gated(backends.store)
    opening = opening_frames(claim.row, claim.envelope)
    backends.log.acquire(claim.row.id, 1, opening)
    ended = backends.store.endings.finish(claim.row.id, 1, ending(claim, "ho"), [*opening, _delta(1)])
    assert ended is not None

    got = list(relay.follow(claim.row.id, -1, tick_seconds=TICK, ended=True))

    # in one piece: not a quiet tick before it
    assert got == [b"".join([*opening, _delta(1), events.terminal(ended.row.status, 2, ended.result)])]
