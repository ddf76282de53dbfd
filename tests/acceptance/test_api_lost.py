"""The API is killed under open streams, or there are two of them: every stream is a slice of one log."""

from __future__ import annotations

from pathlib import Path

from tests.support.checker import Checker
from tests.support.clients import Caller, Follower
from tests.support.roles import ApiProcess
from tests.support.stack import Stack
from tests.support.waiting import wait_until

SLOW = "mock-n150-i20"  # three seconds of words
HALF = 75


def test_api_when_killed_under_open_streams_then_clients_come_back_without_a_gap(
    embedded: Stack, checker: Checker
) -> None:
    # Given open streams, and callers that wait for their answer
    followers = [Follower(embedded, body={"model": SLOW, "input": f"stream {n}"}) for n in range(8)]
    callers = [Caller(embedded, {"model": SLOW, "input": f"call {n}"}) for n in range(4)]
    for client in (*followers, *callers):
        client.start()
    wait_until(lambda: all(f.transcript.last >= 20 for f in followers), "all streams are under way")
    wait_until(lambda: len(checker.rows()) == 12, "all are accepted")
    # When the API dies
    embedded.wait_for_restart("api", embedded.kill("api"))
    seen = [f.finished() for f in followers]
    checker.wait_for_all()
    # Then the streams go on where they were cut, and all is generated once, waited for or not
    assert checker.findings(seen) == []
    assert {s.cuts > 0 for s in seen} == {True}
    assert [c.finished().answer for c in callers] == [None] * 4
    assert {r.status for r in checker.rows().values()} == {"completed"}


def test_stream_when_two_apis_serve_halves_of_it_then_they_fit(
    embedded: Stack, checker: Checker, tmp_path: Path
) -> None:
    # Given two API processes on the same data
    second = ApiProcess(embedded.data_dir, embedded.api_key, embedded.env, tmp_path / "second.log").start()
    # When one client reads the first half here, and another one the second half there
    first_half = Follower(embedded, body={"model": SLOW, "input": "two halves"}, until=HALF)
    first_half.start()
    head = first_half.finished()
    second_half = Follower(second, response_id=head.response_id, after=head.last)
    whole = Follower(second, response_id=head.response_id)
    for follower in (second_half, whole):
        follower.start()
    tail = second_half.finished()
    # Then the halves are the whole, byte for byte
    assert head.frames + tail.frames == whole.finished().frames
    assert (head.last, tail.ended) == (HALF, True)
    checker.wait_for_all()
    assert checker.findings([head, tail, whole.transcript]) == []
    second.stop()
