"""The Lua scripts, on fakeredis and on Redis: fenced, dense, ended once."""

from __future__ import annotations

import pytest

from shared.log import ENDED, FENCED, GAP, Batch, EventLog, LogState
from tests.support.backends import Backends

ID = "resp_1"
OPENING = [b"f0\n\n", b"f1\n\n"]


def frames(first: int, count: int, mark: str = "f") -> list[bytes]:
    return [b"%b%d\n\n" % (mark.encode(), n) for n in range(first, first + count)]


def whole(log: EventLog) -> list[bytes]:
    return log.read(ID, -1).frames


def head(log: EventLog) -> LogState | None:
    (state,) = log.heads([ID])
    return state


def running(log: EventLog, attempt: int = 1) -> None:
    log.acquire(ID, attempt, OPENING)
    assert log.append(ID, attempt, 2, frames(2, 2)) == 3


def test_acquire_when_the_log_is_empty_then_the_opening_events_are_in_it(log: EventLog) -> None:
    state = log.acquire(ID, 0, OPENING)

    assert state == LogState(attempt=0, seq=1, terminal=False, lost=False)
    assert whole(log) == OPENING


def test_acquire_when_there_is_no_opening_then_empty_at_minus_one(log: EventLog) -> None:
    assert log.acquire(ID, 1, []).seq == -1
    assert log.append(ID, 1, 0, frames(0, 1)) == 0


def test_acquire_when_the_attempt_is_newer_then_mine_and_the_events_stay(log: EventLog) -> None:
    running(log)

    state = log.acquire(ID, 2, [b"other\n\n"])

    assert (state.attempt, state.seq) == (2, 3)
    assert whole(log) == [*OPENING, *frames(2, 2)]


@pytest.mark.parametrize("mine", [1, 2])
def test_acquire_when_the_log_is_at_my_attempt_or_beyond_then_unchanged(log: EventLog, mine: int) -> None:
    running(log, attempt=2)

    state = log.acquire(ID, mine, [b"other\n\n"])

    assert state == LogState(attempt=2, seq=3, terminal=False, lost=False)
    assert len(whole(log)) == 4


@pytest.mark.parametrize("attempt", [1, 2])
def test_acquire_when_the_log_has_fewer_of_the_first_frames_then_it_gets_the_rest(
    log: EventLog, attempt: int
) -> None:
    log.acquire(ID, 1, OPENING[:1])

    state = log.acquire(ID, attempt, [*OPENING, b"f2\n\n"])

    assert (state.attempt, state.seq) == (attempt, 2)
    assert head(log) == state
    assert whole(log) == [*OPENING, b"f2\n\n"]


def test_acquire_when_older_than_the_owner_then_it_adds_nothing(log: EventLog) -> None:
    log.acquire(ID, 2, OPENING[:1])

    assert log.acquire(ID, 1, OPENING).seq == 0


def test_acquire_when_the_log_has_ended_then_it_adds_nothing(log: EventLog) -> None:
    log.acquire(ID, 1, OPENING[:1])
    log.append(ID, 1, 1, frames(1, 1), seconds=60)

    assert log.acquire(ID, 1, [*OPENING, b"f2\n\n"]).seq == 1


def test_acquire_when_told_lost_then_marked_only_where_it_made_the_log(log: EventLog) -> None:
    made = log.acquire(ID, 1, OPENING, lost=True)
    found = log.acquire(ID, 2, OPENING, lost=False)

    assert (made.lost, found.lost) == (True, True)


def test_acquire_when_the_log_was_there_then_lost_is_not_set(log: EventLog) -> None:
    running(log)

    assert log.acquire(ID, 2, OPENING, lost=True).lost is False


def test_append_when_dense_then_the_last_number(log: EventLog) -> None:
    running(log)

    assert log.append(ID, 1, 4, frames(4, 3)) == 6
    assert whole(log) == [*OPENING, *frames(2, 5)]


def test_append_when_a_newer_attempt_owns_the_log_then_fenced(log: EventLog) -> None:
    running(log)
    log.acquire(ID, 2, [])

    assert log.append(ID, 1, 4, frames(4, 1)) == FENCED
    assert len(whole(log)) == 4


def test_append_when_the_log_was_never_acquired_by_me_then_gap(log: EventLog) -> None:
    running(log)

    assert log.append(ID, 2, 4, frames(4, 1)) == GAP
    assert head(log) == LogState(1, 3, False, False)


def test_append_when_it_takes_the_log_then_mine_and_what_is_known_is_not_doubled(log: EventLog) -> None:
    log.acquire(ID, 0, OPENING)

    assert log.append(ID, 1, 0, [*OPENING, *frames(2, 3)], seconds=60, takes=True) == 4

    assert whole(log) == [*OPENING, *frames(2, 3)]
    assert head(log) == LogState(attempt=1, seq=4, terminal=True, lost=False)
    assert log.append(ID, 0, 5, frames(5, 1)) == FENCED


def test_append_when_it_would_take_a_log_that_is_newer_ended_or_elsewhere_then_refused(log: EventLog) -> None:
    log.acquire(ID, 1, OPENING)

    assert log.append(ID, 2, 5, frames(5, 1), takes=True) == GAP
    assert log.append(ID, 0, 2, frames(2, 1), takes=True) == FENCED
    assert log.append(ID, 1, 2, frames(2, 1), seconds=60) == 2
    assert log.append(ID, 2, 3, frames(3, 1), takes=True) == ENDED
    assert head(log) == LogState(attempt=1, seq=2, terminal=True, lost=False)


def test_append_when_there_is_no_log_then_gap_and_none_is_made(log: EventLog) -> None:
    assert log.append(ID, 1, 0, frames(0, 1)) == GAP
    assert log.append(ID, 1, 0, frames(0, 1), takes=True) == GAP
    assert (head(log), whole(log)) == (None, [])


def test_append_when_it_has_all_events_and_there_is_no_log_then_begun_and_ended(log: EventLog) -> None:
    assert log.append(ID, 1, 0, [*OPENING, *frames(2, 3)], seconds=60, takes=True) == 4

    state = log.acquire(ID, 0, OPENING, channel="respool:api:late")
    assert (state.attempt, state.seq, state.terminal) == (1, 4, True)
    assert state.frames == b"".join([*OPENING, *frames(2, 3)])
    assert whole(log) == [*OPENING, *frames(2, 3)]


def test_append_when_it_has_only_the_end_and_there_is_no_log_then_gap(log: EventLog) -> None:
    assert log.append(ID, 1, 2, frames(2, 3), seconds=60, takes=True) == GAP
    assert log.append(ID, 1, 0, frames(0, 3), seconds=60) == GAP
    assert head(log) is None


def test_acquire_when_not_to_be_heard_or_long_or_running_then_without_its_frames(log: EventLog) -> None:
    running(log)
    assert log.acquire(ID, 0, OPENING, channel="respool:api:late").frames == b""
    log.append(ID, 1, 4, frames(4, 1), seconds=60)
    assert log.acquire(ID, 0, OPENING).frames == b""
    assert log.acquire(ID, 0, OPENING, channel="respool:api:late").frames != b""

    log.append("resp_long", 1, 0, frames(0, 300), seconds=60, takes=True)
    long = log.acquire("resp_long", 0, OPENING, channel="respool:api:late")
    assert (long.seq, long.terminal, long.frames) == (299, True, b"")


def test_append_when_a_number_is_left_out_then_gap(log: EventLog) -> None:
    running(log)

    assert log.append(ID, 1, 5, frames(5, 1)) == GAP
    assert len(whole(log)) == 4


@pytest.mark.parametrize(("first", "count"), [(2, 2), (2, 1), (0, 1), (3, 1)])
def test_append_when_all_of_it_is_known_then_harmless(log: EventLog, first: int, count: int) -> None:
    running(log)

    assert log.append(ID, 1, first, frames(first, count, mark="again")) == 3
    assert whole(log) == [*OPENING, *frames(2, 2)]


def test_append_when_part_of_it_is_known_then_only_the_rest(log: EventLog) -> None:
    running(log)

    assert log.append(ID, 1, 2, frames(2, 4)) == 5
    assert whole(log) == [*OPENING, *frames(2, 4)]


def test_append_when_terminal_then_nothing_comes_after(log: EventLog) -> None:
    running(log)

    assert log.append(ID, 1, 4, [b"end\n\n"], seconds=60) == 4

    assert log.append(ID, 1, 5, frames(5, 1)) == ENDED
    assert log.append(ID, 1, 4, [b"end\n\n"], seconds=60) == ENDED
    assert (head(log), whole(log)[-1]) == (LogState(1, 4, True, False), b"end\n\n")


def test_append_when_terminal_then_a_newer_attempt_cannot_go_on_either(log: EventLog) -> None:
    running(log)
    log.append(ID, 1, 4, [b"end\n\n"], seconds=60)

    assert log.acquire(ID, 2, OPENING).terminal is True
    assert log.append(ID, 2, 5, frames(5, 1)) == ENDED


def test_append_many_when_each_has_its_own_fate_then_an_answer_each(log: EventLog) -> None:
    log.acquire("resp_ok", 1, OPENING)
    log.acquire("resp_fenced", 2, OPENING)
    log.acquire("resp_ended", 1, OPENING)
    log.append("resp_ended", 1, 2, [b"end\n\n"], seconds=60)
    batches = [Batch(i, 1, 2, frames(2, 2)) for i in ("resp_ok", "resp_fenced", "resp_ended", "resp_missing")]

    assert log.append_many(batches) == [3, FENCED, ENDED, GAP]


def test_append_many_when_several_of_one_response_then_in_order(log: EventLog) -> None:
    running(log)

    assert log.append_many([Batch(ID, 1, 4, frames(4, 2)), Batch(ID, 1, 6, frames(6, 2))]) == [5, 7]
    assert whole(log) == [*OPENING, *frames(2, 6)]


def test_append_many_when_nothing_is_given_then_nothing(log: EventLog) -> None:
    assert log.append_many([]) == []


def test_reseed_when_the_log_is_gone_then_whole_from_the_journal(log: EventLog, backends: Backends) -> None:
    running(log)
    backends.redis.flushdb()

    assert log.reseed(ID, 1, frames(0, 6)) == 5

    assert whole(log) == frames(0, 6)
    assert log.append(ID, 1, 6, frames(6, 1)) == 6


def test_reseed_when_the_log_is_shorter_or_marked_lost_then_replaced(log: EventLog) -> None:
    log.acquire(ID, 1, [b"other\n\n"], lost=True)

    log.reseed(ID, 1, frames(0, 4))

    assert (head(log), whole(log)) == (LogState(1, 3, False, False), frames(0, 4))


def test_reseed_when_a_newer_attempt_owns_the_log_then_fenced(log: EventLog) -> None:
    running(log, attempt=2)

    assert log.reseed(ID, 1, frames(0, 9)) == FENCED
    assert len(whole(log)) == 4


def test_reseed_when_ended_then_refused(log: EventLog) -> None:
    running(log)
    log.append(ID, 1, 4, [b"end\n\n"], seconds=60)

    assert log.reseed(ID, 1, frames(0, 2)) == ENDED
    assert len(whole(log)) == 5


@pytest.mark.parametrize("verb", ["acquire", "append", "append_many", "reseed"])
def test_script_when_redis_has_forgotten_it_then_sent_again(
    log: EventLog, backends: Backends, verb: str
) -> None:
    running(log)
    backends.redis.script_flush()

    if verb == "acquire":
        answer = log.acquire(ID, 2, []).seq
    elif verb == "append":
        answer = log.append(ID, 1, 2, frames(2, 2))
    elif verb == "append_many":
        (answer,) = log.append_many([Batch(ID, 1, 2, frames(2, 2))])
    else:
        answer = log.reseed(ID, 1, frames(0, 4))

    assert answer == 3


def test_frames_when_they_hold_any_bytes_then_kept_as_they_are(log: EventLog) -> None:
    odd = [bytes(range(256)), "\N{SNOWMAN} \r\n".encode(), b""]

    log.acquire(ID, 1, odd)

    assert whole(log) == odd


def test_append_when_the_batch_is_as_large_as_the_flushers_then_taken(log: EventLog) -> None:
    log.acquire(ID, 1, [])

    assert log.append(ID, 1, 0, frames(0, 256)) == 255
    assert len(whole(log)) == 256


def test_acquire_when_something_is_pushed_along_then_both_are_done_even_without_the_script(
    backends: Backends,
) -> None:
    for script_is_known in (True, False):
        if not script_is_known:
            backends.redis.script_flush()

        state = backends.log.acquire(f"resp_{script_is_known}", 0, [b"first"], push=("pushed", b"bell"))

        assert (state.attempt, state.seq) == (0, 0)
        assert backends.redis.rpop("pushed") == b"bell"
    assert backends.redis.llen("pushed") == 0
