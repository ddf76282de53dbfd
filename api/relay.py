"""Following a response: every subscriber gets a slice of the one log, from Redis or the archive.

A batch that is heard is used only when it is the next one; otherwise the log is read. Pub/sub may
drop anything, so silence is checked for the whole process: the logs' ends every two seconds, the
rows every five.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator, Sequence

from api.endings import Endings
from api.mailbox import ENDED, LOOK, Hint, Mailbox, Mailboxes
from shared.errors import Gone, LogUnavailable, RespoolError, StoreUnavailable, Unavailable
from shared.log import Heard, Subscriber
from shared.queue import Parcel
from shared.rounds import Rounds
from shared.services import Services
from shared.store.packing import unpacked
from shared.store.rows import ResponseRow
from shared.wire import events

_log = logging.getLogger("respool.relay")

LOOK_SECONDS = 2.0
ROW_SECONDS = 5.0
CONNECT_SECONDS = 2.0
PATIENCE_SECONDS = 30.0  # without Redis, before a stream is given up
EXPECT_SECONDS = 10.0  # from a response's acceptance until its creator follows it
EXPIRE_GRACE_SECONDS = 20.0  # the owner and the sweep go first


class StreamLost(RespoolError):
    """The stream cannot go on here: end the connection so that the client comes back."""


class Relay:
    def __init__(self, services: Services, endings: Endings) -> None:
        self._store = services.store
        self._event_log = services.log
        self._endings = endings
        self._mailboxes = Mailboxes()
        self._subscriber = Subscriber(services.redis, heard=self._heard, deaf=self._all_look)
        self._looks = 0
        self._watch = Rounds("silence", self._check_silence, lambda: LOOK_SECONDS)

    def start(self) -> None:
        self._subscriber.start()
        self._watch.start()

    def stop(self) -> None:
        self._watch.stop()
        self._subscriber.stop()

    @property
    def followers(self) -> int:
        return len(self._mailboxes)

    def left(self, row: ResponseRow) -> None:
        """A client that created this response, or attached to it, is gone: perhaps the last one here."""
        if not self._mailboxes.of(row.id):
            self._endings.abandoned(row, self.channel)

    @property
    def channel(self) -> str:
        """This process, as the log knows it."""
        return self._subscriber.channel

    def require_live(self) -> None:
        """Refuse a stream before it is accepted, rather than after it is paid for."""
        if not self._subscriber.connected.wait(CONNECT_SECONDS):
            raise Unavailable(
                "Streaming is not available right now.", code="stream_unavailable", retry_after=2
            )

    def announce(self, row: ResponseRow, opening: Sequence[bytes], bell: Parcel | None = None) -> bool:
        """Write the opening events of a response just accepted, and listen for more. False: Redis is away.

        A `bell` goes along with them.
        """
        # before they are written: who creates a response hears all of it, and need not look
        mailbox = self._mailboxes.expect(row.id)
        try:
            state = self._event_log.acquire(
                row.id, row.attempt, opening, channel=self._subscriber.channel, push=bell
            )
        except LogUnavailable as error:
            mailbox.put(LOOK)
            _log.warning("opening events wait: %s", error, extra={"response_id": row.id})
            return False
        if state.frames:
            mailbox.put(Heard(0, state.terminal, state.frames))  # a worker has ended it meanwhile
        elif (state.attempt, state.seq) != (row.attempt, len(opening) - 1):
            mailbox.put(LOOK)  # a worker was faster
        return True

    def check_log(self, row: ResponseRow, after: int) -> None:
        """Raises Gone where a log was lost and cannot be continued from `after`.

        A hot log that ends elsewhere than the archive is dropped: the archive is what counts (DESIGN 7.17).
        """
        try:
            (state,) = self._event_log.heads([row.id])
            if state is not None and row.terminal_seq is not None and state.seq != row.terminal_seq:
                self._event_log.drop([row.id])
                return
        except LogUnavailable:
            return
        if state is not None and state.lost and after >= 0:
            raise Gone(
                "The events of this response were lost; retrieve it without streaming.", code="stream_lost"
            )

    def follow(
        self, response_id: str, after: int, *, tick_seconds: float, ended: bool = False
    ) -> Generator[bytes]:
        """Frames with a sequence number above `after`, until the terminal one; b"" for each quiet tick.

        `ended`: its row has ended; what the log should lack of it, the archive has.

        Raises StreamLost when the rest cannot be served from here.
        """
        mailbox, expected = self._mailboxes.enter(response_id, after)
        first = None if expected else ENDED if ended else LOOK
        try:
            yield from self._follow(response_id, after, mailbox, first, tick_seconds)
        finally:
            self._mailboxes.leave(response_id, mailbox)

    def _follow(
        self, response_id: str, cursor: int, mailbox: Mailbox, item: Hint | None, tick: float
    ) -> Iterator[bytes]:
        deaf_since: float | None = None
        waited = False
        item = item or mailbox.get(tick)
        while True:
            ended = False
            if isinstance(item, Heard) and item.first <= cursor + 1:
                frames, ended = _fresh(item, cursor), item.terminal
            elif item is not None:
                try:
                    frames, ended = self._look(response_id, cursor, row_ended=item == ENDED)
                    deaf_since = None
                except LogUnavailable as error:
                    frames, ended = self._from_archive(response_id, cursor)
                    deaf_since = deaf_since or time.monotonic()
                    if not ended and time.monotonic() - deaf_since > PATIENCE_SECONDS:
                        raise StreamLost("the event log is not available") from error
            else:
                frames = b""
            if frames:
                cursor += frames.count(b"\n\n")
                mailbox.moved(cursor)
            if frames or item is None:
                yield frames
            if ended and waited and not frames:
                raise StreamLost("its end lies behind what this follower has seen: the log was rebuilt")
            if ended:
                return
            waited = True
            item = mailbox.get(tick if deaf_since is None else min(tick, 1.0))
            if item is None and deaf_since is not None:
                item = LOOK

    def _look(self, response_id: str, cursor: int, *, row_ended: bool) -> tuple[bytes, bool]:
        """All that the log has after the cursor, and whether that is the end."""
        taken: list[bytes] = []
        while True:
            part = self._event_log.read(response_id, cursor + len(taken), channel=self._subscriber.channel)
            taken += part.frames
            state = part.state
            if state is None:
                break
            if state.lost and 0 <= state.seq <= cursor:
                raise StreamLost("the log was rebuilt without what this follower has seen")
            at_end = cursor + len(taken) >= state.seq
            if at_end and state.terminal:
                return b"".join(taken), True
            if at_end or not part.frames:
                break
        if state is None or row_ended:
            frames, ended = self._from_archive(response_id, cursor + len(taken))
            return b"".join(taken) + frames, ended
        return b"".join(taken), False

    def _from_archive(self, response_id: str, cursor: int) -> tuple[bytes, bool]:
        """The rest of an ended response; nothing while it runs."""
        try:
            row = self._store.responses.states([response_id]).get(response_id)
            if row is None or row.deleted_at is not None:
                raise StreamLost("the response is gone")
            if not row.is_terminal:
                return b"", False
            archive = self._store.responses.archive(response_id)
            if archive is None:
                # ended by others, or not stored: its log lacks the terminal event until somebody adds it
                self._endings.seal(response_id)
                part = self._event_log.read_all(response_id)
                return b"".join(part.frames[cursor + 1 :]), part.state is not None and part.state.terminal
        except (StoreUnavailable, LogUnavailable):
            return b"", False  # looked for again
        return b"".join(events.split(unpacked(archive))[cursor + 1 :]), True

    def _heard(self, response_id: str, heard: Heard) -> None:
        for mailbox in self._mailboxes.of(response_id):
            mailbox.put(heard)

    def _all_look(self) -> None:
        for response_id in self._mailboxes.ids():
            self._hint(response_id, LOOK)

    def _hint(self, response_id: str, hint: Hint) -> None:
        for mailbox in self._mailboxes.of(response_id):
            mailbox.put(hint)

    def _check_silence(self) -> None:
        self._looks += 1
        self._mailboxes.forget_expected(EXPECT_SECONDS)
        self._check_logs()
        if self._looks % 2 == 0:
            self._check_rows()

    def _check_logs(self) -> None:
        quiet = self._mailboxes.quiet(LOOK_SECONDS)
        if not quiet:
            return
        for response_id, state in zip(
            quiet, self._event_log.heads(quiet, channel=self._subscriber.channel), strict=True
        ):
            if state is not None:
                for mailbox in self._mailboxes.of(response_id):
                    if state.terminal or state.seq > mailbox.cursor:
                        mailbox.put(LOOK)

    def _check_rows(self) -> None:
        quiet = self._mailboxes.quiet(ROW_SECONDS - LOOK_SECONDS / 2)
        if not quiet:
            return
        rows = self._store.responses.states(quiet)
        now = self._store.gauges.now()
        for response_id in quiet:
            row = rows.get(response_id)
            if (
                row is None
                or row.is_terminal
                or (
                    _may_be_overdue(row, now)
                    and self._endings.expire(response_id, grace_seconds=EXPIRE_GRACE_SECONDS)
                )
            ):
                self._hint(response_id, ENDED)


def _fresh(heard: Heard, cursor: int) -> bytes:
    """The part of a batch that the follower has not seen."""
    seen = cursor + 1 - heard.first
    return heard.frames if seen == 0 else b"".join(events.split(heard.frames)[seen:])


def _may_be_overdue(row: ResponseRow, now: float) -> bool:
    """Asked first, so that the conditional UPDATE, which decides, is seldom made in vain."""
    limit = row.queue_deadline_at if row.deadline_at is None else row.deadline_at
    return now > limit
