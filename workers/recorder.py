"""The end of a generation, written: journal into the log, result into SQL, then the terminal event.

What was paid for is recorded even when it takes a while. Zero rows updated means that another hand
was faster: nothing is forced.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from shared.errors import LeaseLost, LogUnavailable, StoreUnavailable
from shared.log import ENDED_SECONDS, GAP, EventLog
from shared.metrics import RESEEDS
from shared.store import Store
from shared.store.rows import Claim, Ended, Ending
from shared.transitions import Transitions
from shared.wire import events
from workers.flusher import Flusher, Journal
from workers.spool import Spool
from workers.tally import count_tokens

_log = logging.getLogger("respool.recorder")

FINISH_SECONDS = 900.0  # how long a paid result is offered to a database that does not answer
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0


class Recorder:
    def __init__(
        self,
        store: Store,
        log: EventLog,
        flusher: Flusher,
        spool: Spool,
        transitions: Transitions,
        *,
        wipe_seconds: float,
    ) -> None:
        self._store = store
        self._transitions = transitions
        self._spool = spool
        self._event_log = log
        self._flusher = flusher
        self._wipe_seconds = wipe_seconds

    def end(self, claim: Claim, ending: Ending, journal: Journal) -> Ended:
        """Raises LeaseLost where the response is not mine any more."""
        ending = replace(ending, at=claim.now())
        if journal.eager or not claim.row.store or not (journal.acquired or journal.late):
            self._flusher.drain(journal)
        else:
            journal.closing = True  # nobody waits for its events one by one, and the archive has them all
            journal.check()
        ended = self._record(claim, ending, journal.frames)
        self._flusher.forget(journal)
        self._say_terminal(ended, journal)
        return ended

    def _record(self, claim: Claim, ending: Ending, journal: list[bytes]) -> Ended:
        until = time.monotonic() + FINISH_SECONDS
        pause = _FIRST_PAUSE
        kept = False
        while True:
            try:
                ended = self._store.endings.finish(
                    claim.row.id,
                    claim.row.attempt,
                    ending,
                    journal,
                    alone=claim.row.conversation_id is None,
                )
                replayed = ended is None and kept  # whoever replays the spool says so
                if ended is None:
                    ended = self._mine_already(claim)
            except StoreUnavailable:
                if time.monotonic() >= until:
                    raise
                if not kept:
                    kept = self._keep(claim, ending, journal)
                time.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            if kept:
                self._spool.drop(claim.row.id, claim.row.attempt)
            if ended is None:
                raise LeaseLost("ended by another hand")
            if not replayed:
                self._transitions.ended(ended.row)
                count_tokens(self._transitions.counters, ending.response)
            return ended

    def _keep(self, claim: Claim, ending: Ending, journal: list[bytes]) -> bool:
        """On disk as well: this process may end before the database comes back."""
        try:
            self._spool.keep(claim.row.id, claim.row.attempt, ending, journal)
        except OSError as error:
            _log.error("result waits in memory only: %s", error.strerror, extra={"response_id": claim.row.id})
            return False
        _log.warning("result waits for the database, kept on disk", extra={"response_id": claim.row.id})
        return True

    def _mine_already(self, claim: Claim) -> Ended | None:
        """A COMMIT whose answer was lost may have ended the row as I wanted it."""
        stored = self._store.responses.get(claim.row.id)
        if stored is None or stored.result is None or stored.row.attempt != claim.row.attempt:
            return None
        return Ended(stored.row, stored.envelope, stored.result) if stored.row.is_terminal else None

    def _say_terminal(self, ended: Ended, journal: Journal) -> None:
        """With what the log lacks before it. Whoever finds it missing appends the same bytes."""
        row, seq, sent = ended.row, len(journal.frames), journal.acknowledged
        frame = events.terminal(row.status, seq, ended.result)
        seconds = ENDED_SECONDS if ended.row.store else self._wipe_seconds
        try:
            rest = [*journal.frames[sent:], frame]
            answer = self._event_log.append(
                row.id, row.attempt, sent, rest, seconds=seconds, takes=journal.takes
            )
            if answer == GAP:  # the log was lost since it was written, or never made mine
                self._event_log.reseed(row.id, row.attempt, journal.frames)
                self._transitions.counters.add(RESEEDS)
                self._event_log.append(row.id, row.attempt, seq, [frame], seconds=seconds)
        except LogUnavailable:
            _log.warning("terminal event waits for a reader", extra={"response_id": ended.row.id})
