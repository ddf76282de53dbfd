"""The walk that tells whether the machine is quiet: through every place once, so that no cache keeps it."""

from __future__ import annotations

from bench.quiet import Memory


def test_walk_when_followed_then_it_comes_back_after_every_place() -> None:
    memory = Memory()
    following, place, seen = memory._next, memory._begin, set()

    while place not in seen:
        seen.add(place)
        place = following[place]

    assert place == memory._begin
    assert len(seen) == 65_536 and all(one % 8 == 0 for one in seen)  # one in each line of 64 bytes of 4 MiB


def test_wait_when_there_is_no_patience_then_not_at_all() -> None:
    Memory().wait(0)
