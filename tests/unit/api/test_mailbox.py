"""A follower's hints: in order, bounded, and never silent about what did not fit."""

from __future__ import annotations

from api.mailbox import ENDED, LOOK, SIZE, Mailbox, Mailboxes
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


def test_enter_when_expected_then_what_came_before_is_there() -> None:
    boxes = Mailboxes()
    boxes.expect("resp_1").put(heard(0))

    mailbox, expected = boxes.enter("resp_1", -1)

    assert expected
    assert mailbox.get(0.01) == heard(0)


def test_enter_when_another_follower_was_expected_then_a_mailbox_of_its_own() -> None:
    boxes = Mailboxes()
    boxes.expect("resp_1")
    first, _ = boxes.enter("resp_1", -1)

    second, expected = boxes.enter("resp_1", -1)

    assert second is not first
    assert not expected


def test_enter_when_from_the_middle_then_not_taken_for_the_creator() -> None:
    boxes = Mailboxes()
    boxes.expect("resp_1")

    assert boxes.enter("resp_1", 3)[1] is False
    assert boxes.enter("resp_1", -1)[1] is True


def test_leave_when_the_last_one_goes_then_nothing_stays() -> None:
    boxes = Mailboxes()
    mailbox, _ = boxes.enter("resp_1", -1)

    boxes.leave("resp_1", mailbox)

    assert (len(boxes), boxes.ids()) == (0, [])


def test_forget_expected_when_nobody_came_then_nothing_stays() -> None:
    boxes = Mailboxes()
    boxes.expect("resp_1")

    boxes.forget_expected(-1.0)

    assert (len(boxes), boxes.enter("resp_1", -1)[1]) == (0, False)
