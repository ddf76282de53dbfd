"""Bells in Celery's transport: any thread acknowledges, and wakes the reader only where it has stopped."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from shared.queue.transport import BellChannel


class Reader:
    """Stands where the library's connection is."""

    def __init__(self) -> None:
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1


@pytest.fixture
def reader() -> Reader:
    return Reader()


def test_ack_when_there_was_room_then_nobody_is_woken(reader: Reader) -> None:
    heard = BellChannel.QoS(SimpleNamespace(connection=reader), 2)
    heard.append("a bell", "1")

    assert heard.can_consume()
    heard.ack("1")

    assert reader.woken == 0


def test_ack_when_the_reader_had_stopped_then_it_is_woken_once_and_goes_on(reader: Reader) -> None:
    heard = BellChannel.QoS(SimpleNamespace(connection=reader), 2)
    heard.append("a bell", "1")
    heard.append("a bell", "2")
    assert not heard.can_consume()

    heard.ack("1")
    heard.ack("2")

    assert reader.woken == 1
    assert heard.can_consume()


def test_ack_when_it_comes_between_the_two_looks_then_the_reader_goes_on(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = BellChannel.QoS(SimpleNamespace(connection=reader), 1)
    heard.append("a bell", "1")
    first_look = iter([False])
    by_library = BellChannel.QoS.__mro__[1].can_consume

    def looks(qos: object) -> bool:
        answer = next(first_look, None)
        if answer is None:
            return bool(by_library(qos))
        heard.ack("1")
        return answer

    monkeypatch.setattr(BellChannel.QoS.__mro__[1], "can_consume", looks)

    assert heard.can_consume()
