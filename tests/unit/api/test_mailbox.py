"""A follower's hints: in order, bounded, and never silent about what did not fit."""

from __future__ import annotations

from api.mailbox import ENDED, LOOK, SIZE, Mailbox
from shared.log import Heard


def heard(first: int) -> Heard:
    return Heard(first, False, b"f\n\n")


def test_get_when_hints_were_put_then_in_order() -> None:
    mailbox = Mailbox(-1)
    for hint in (LOOK, heard(1), ENDED):
        mailbox.put(hint)

    assert [mailbox.get(0.01) for _ in range(4)] == [LOOK, heard(1), ENDED, None]


def test_get_when_more_came_than_fits_then_a_look_after_the_kept_ones() -> None:
    mailbox = Mailbox(-1)
    for number in range(SIZE + 10):
        mailbox.put(heard(number))

    got = [mailbox.get(0.01) for _ in range(SIZE + 2)]

    assert got == [*(heard(n) for n in range(SIZE)), LOOK, None]


def test_moved_when_frames_were_passed_on_then_the_silence_begins_anew() -> None:
    mailbox = Mailbox(3)
    before = mailbox.quiet_since

    mailbox.moved(7)

    assert mailbox.cursor == 7
    assert mailbox.quiet_since >= before
