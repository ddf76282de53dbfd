"""Paid results that the database does not take, on local disk until it does.

One file a response, written and fsynced before it counts; replayed with its attempt number, so that
a row which was settled meanwhile stays as it is.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from shared.errors import StoreUnavailable
from shared.store.rows import Ended, Ending

_log = logging.getLogger("respool.spool")

_SUFFIX = ".result.json"
Finish = Callable[[str, int, Ending, Sequence[bytes]], Ended | None]


class Spool:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, response_id: str, attempt: int, ending: Ending, journal: Sequence[bytes]) -> None:
        """Durable when this returns. Raises OSError where the disk does not take it either."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        record = {
            "response_id": response_id,
            "attempt": attempt,
            "ending": dataclasses.asdict(ending),
            "journal": [frame.decode() for frame in journal],
        }
        path = self._path(response_id, attempt)
        scratch = path.with_suffix(".part")
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(orjson.dumps(record))
            file.flush()
            os.fsync(file.fileno())
        scratch.rename(path)
        self._sync_folder()

    def drop(self, response_id: str, attempt: int) -> None:
        self._path(response_id, attempt).unlink(missing_ok=True)

    def replay(self, finish: Finish) -> int:
        """Offer every kept result again; how many were done with. Raises as `finish` does."""
        done = 0
        for path in sorted(self._folder.glob("*" + _SUFFIX)):
            try:
                record = orjson.loads(path.read_bytes())
            except FileNotFoundError:
                continue  # its own worker was faster
            try:
                ending = Ending(**record["ending"])
                journal = [frame.encode() for frame in record["journal"]]
                ended = finish(record["response_id"], record["attempt"], ending, journal)
            except StoreUnavailable:
                raise
            except Exception:
                # kept for an operator to look at; the results behind it must not wait for that
                _log.exception("kept result refused", extra={"response_id": record["response_id"]})
                continue
            _log.info(
                "kept result %s",
                "written" if ended else "came too late",
                extra={"response_id": record["response_id"]},
            )
            path.unlink(missing_ok=True)
            done += 1
        return done

    def _path(self, response_id: str, attempt: int) -> Path:
        return self._folder / f"{response_id}.{attempt}{_SUFFIX}"

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
