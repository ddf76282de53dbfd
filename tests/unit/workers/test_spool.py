"""Paid results on disk: written whole, replayed with their attempt, dropped when done with."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import StoreUnavailable
from shared.store.rows import Ended, Ending
from workers.spool import Spool

ENDING = Ending("completed", {"id": "resp_1", "output": []}, [{"id": "msg_1"}], refusal=None)
JOURNAL = [b"event: a\ndata: {}\n\n", 'event: b\ndata: {"x":"\u00e9"}\n\n'.encode()]


def test_kept_result_when_replayed_then_offered_as_it_was(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.keep("resp_1", 3, ENDING, JOURNAL)
    offered = []

    def finish(response_id: str, attempt: int, ending: Ending, journal: object) -> Ended | None:
        offered.append((response_id, attempt, ending, journal))
        return None

    assert spool.replay(finish) == 1
    assert offered == [("resp_1", 3, ENDING, JOURNAL)]
    assert list((tmp_path / "spool").iterdir()) == []


def test_kept_result_when_the_database_is_still_away_then_kept_on(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.keep("resp_1", 1, ENDING, JOURNAL)

    def finish(*_: object) -> Ended | None:
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        spool.replay(finish)
    assert len(list(tmp_path.iterdir())) == 1


def test_kept_result_when_dropped_then_not_replayed(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.keep("resp_1", 1, ENDING, JOURNAL)
    spool.drop("resp_1", 1)

    assert spool.replay(lambda *_: None) == 0


def test_spool_when_nothing_was_ever_kept_then_nothing_to_do(tmp_path: Path) -> None:
    assert Spool(tmp_path / "never").replay(lambda *_: None) == 0


def test_kept_result_when_on_disk_then_readable_by_its_owner_alone(tmp_path: Path) -> None:
    Spool(tmp_path / "spool").keep("resp_1", 1, ENDING, JOURNAL)

    (file,) = (tmp_path / "spool").iterdir()
    assert (file.stat().st_mode & 0o777, (tmp_path / "spool").stat().st_mode & 0o777) == (0o600, 0o700)
