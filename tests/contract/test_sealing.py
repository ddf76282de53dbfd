"""Terminal first in SQL, then in the log: whoever notices does it, once, and archives the log."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from shared.errors import LogUnavailable
from shared.log import EventLog, LogState
from shared.sealing import opening_frames, seal_log
from shared.store.endings import LOST_MESSAGE
from shared.store.rows import Claim, Ended
from shared.wire import events
from tests.support.backends import Backends
from tests.support.lanes import together
from tests.support.rows import TENANT, accepted, claimed, deltas, gated

WIPE = 600.0


def seal(backends: Backends, ended: Ended, log: EventLog | None = None) -> None:
    seal_log(backends.store, log or backends.log, ended, wipe_seconds=WIPE)


def cancelled(backends: Backends, response_id: str) -> Ended:
    ended = backends.store.endings.cancel(TENANT, response_id)
    assert ended is not None
    return ended


def streaming(backends: Backends, **changes: Any) -> Claim:
    """A gated row whose worker has written three deltas."""
    claim = gated(backends.store, **changes)
    backends.log.acquire(claim.row.id, claim.row.attempt, opening_frames(claim.row, claim.envelope))
    assert backends.log.append(claim.row.id, claim.row.attempt, 1, deltas(1, 3)) == 3
    return claim


def archive(backends: Backends, response_id: str) -> list[bytes]:
    packed = backends.store.responses.archive(response_id)
    assert packed is not None
    return events.split(zlib.decompress(packed))


def test_seal_when_cancelled_mid_stream_then_the_log_ends_with_the_rows_object(backends: Backends) -> None:
    claim = streaming(backends)
    ended = cancelled(backends, claim.row.id)

    seal(backends, ended)

    found = backends.log.read_all(claim.row.id)
    assert found.state == LogState(2, 4, True, False)
    assert found.frames[-1] == events.terminal("cancelled", 4, ended.result)
    assert archive(backends, claim.row.id) == found.frames
    assert backends.row(claim.row.id).terminal_seq == 4


def test_seal_when_cancelled_mid_stream_then_the_worker_is_fenced(backends: Backends) -> None:
    claim = streaming(backends)

    seal(backends, cancelled(backends, claim.row.id))

    assert backends.log.append(claim.row.id, claim.row.attempt, 4, deltas(4, 1)) < 0


def test_seal_when_never_claimed_then_opening_and_end(backends: Backends) -> None:
    row = accepted(backends.store, background=True)

    seal(backends, cancelled(backends, row.id))

    types = [events.event_type(f) for f in archive(backends, row.id)]
    assert types == ["response.created", "response.queued", "response.failed"]
    assert backends.log.heads([row.id]) == [LogState(1, 2, True, False)]


def test_seal_when_repeated_then_nothing_changes(backends: Backends) -> None:
    claim = streaming(backends)
    ended = cancelled(backends, claim.row.id)
    seal(backends, ended)
    before = (backends.log.read_all(claim.row.id), archive(backends, claim.row.id))

    stored = backends.store.responses.get(claim.row.id)
    assert stored is not None and stored.result is not None
    seal(backends, Ended(stored.row, stored.envelope, stored.result))
    seal(backends, ended)

    assert (backends.log.read_all(claim.row.id), archive(backends, claim.row.id)) == before


def test_seal_when_many_notice_at_once_then_one_terminal_event(backends: Backends) -> None:
    claim = streaming(backends)
    ended = cancelled(backends, claim.row.id)

    together(*[lambda: seal(backends, ended)] * 4)

    types = [events.event_type(f) for f in archive(backends, claim.row.id)]
    assert types.count("response.failed") == 1 and types[-1] == "response.failed"


def test_seal_when_settled_then_the_terminal_event_is_the_rows(backends: Backends) -> None:
    claim = streaming(backends)
    backends.hands.backdate(claim.row.id, "lease_until")
    ended = backends.store.endings.settle(claim.row, [], reason="worker_lost", message=LOST_MESSAGE)
    assert ended is not None

    seal(backends, ended)

    assert events.terminal_response(archive(backends, claim.row.id)[-1]) == ended.result


@pytest.mark.parametrize("was", ["streaming", "claimed"])
def test_seal_when_a_running_log_was_lost_then_the_new_one_says_so(backends: Backends, was: str) -> None:
    claim = streaming(backends) if was == "streaming" else claimed(backends.store)
    backends.redis.flushdb()

    seal(backends, cancelled(backends, claim.row.id))

    (state,) = backends.log.heads([claim.row.id])
    assert state is not None and (state.lost, state.terminal) == (True, True)


def test_seal_when_nothing_was_ever_claimed_then_not_lost(backends: Backends) -> None:
    row = accepted(backends.store)

    seal(backends, cancelled(backends, row.id))

    (state,) = backends.log.heads([row.id])
    assert state is not None and state.lost is False


def test_seal_when_a_newer_attempt_owns_the_log_then_hands_off(backends: Backends) -> None:
    claim = streaming(backends)
    ended = cancelled(backends, claim.row.id)
    backends.log.acquire(claim.row.id, 9, [])

    seal(backends, ended)

    assert backends.log.heads([claim.row.id]) == [LogState(9, 3, False, False)]
    assert backends.row(claim.row.id).terminal_seq is None


@pytest.mark.parametrize(("stored", "seconds"), [(True, 60), (False, WIPE)])
def test_seal_when_done_then_the_log_lives_as_long_as_it_is_needed(
    backends: Backends, stored: bool, seconds: float
) -> None:
    claim = streaming(backends, store=stored)

    seal(backends, cancelled(backends, claim.row.id))

    ttl = int(backends.redis.pttl(f"respool:{{{claim.row.id}}}:log"))
    assert (seconds - 10) * 1000 < ttl <= seconds * 1000


def test_seal_when_not_stored_then_never_archived(backends: Backends) -> None:
    claim = streaming(backends, store=False)

    seal(backends, cancelled(backends, claim.row.id))

    assert backends.store.responses.archive(claim.row.id) is None
    assert backends.row(claim.row.id).terminal_seq == 4


class LosingLog(EventLog):
    """A log whose Redis is emptied right after one of its calls."""

    def __init__(self, backends: Backends, after: str) -> None:
        super().__init__(backends.redis)
        self.after = after

    def acquire(self, *args: Any, **kw: Any) -> LogState:
        state = super().acquire(*args, **kw)
        self._lose("acquire")
        return state

    def append(self, *args: Any, **kw: Any) -> int:
        answer = super().append(*args, **kw)
        self._lose("append")
        return answer

    def _lose(self, call: str) -> None:
        if call == self.after:
            self._redis.flushdb()


@pytest.mark.parametrize("after", ["acquire", "append"])
def test_seal_when_redis_is_emptied_meanwhile_then_no_broken_archive(backends: Backends, after: str) -> None:
    claim = streaming(backends)
    ended = cancelled(backends, claim.row.id)

    with pytest.raises(LogUnavailable):
        seal(backends, ended, LosingLog(backends, after))
    assert backends.row(claim.row.id).terminal_seq is None
    seal(backends, ended)

    assert events.event_type(archive(backends, claim.row.id)[-1]) == "response.failed"
