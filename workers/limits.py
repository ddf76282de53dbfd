"""What an account takes at a time and a minute (`concurrency`, `requests_per_minute`, `tokens_per_minute`).

What they have left is shared by all workers through Redis. Where Redis does not answer nothing is
limited: limits are there to spare refusals, and must never stop what was accepted or is being paid for.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from shared.catalog import Catalog
from shared.errors import LogUnavailable
from shared.log import Quota, Quotas, Taken
from shared.rounds import Rounds
from shared.store.rows import ResponseRow

_log = logging.getLogger("respool.limits")

RENEW_SECONDS = 10.0
# After a refusal, so long nothing of the account is claimed here: it may have been too large for what is
# left of the minute, and a long queue of its like would be claimed and given back row by row.
REFUSED_SECONDS = 1.0
BLIND_SECONDS = 5.0  # how long Redis is not asked again after it did not answer


@dataclass(eq=False)
class Seat:
    """A place among what an account generates at a time."""

    account: str
    who: str
    taken: Taken
    counted: int  # tokens
    used: int | None = None  # tokens, once the upstream has said them


def tokens_used(result: bytes) -> int | None:
    """As the upstream reported them in a Response."""
    usage = orjson.loads(result).get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if isinstance(total, int) else None


class Limits:
    def __init__(self, catalog: Catalog, quotas: Quotas, clock: Callable[[], float] = time.monotonic) -> None:
        self._catalog = catalog
        self._quotas = quotas
        self._clock = clock
        self._blind_until = 0.0
        self._refused_until: dict[str, float] = {}
        self._seats: set[Seat] = set()
        self._lock = threading.Lock()
        self._rounds = Rounds("limits", self.renew, lambda: RENEW_SECONDS)

    def start(self) -> None:
        self._rounds.start()

    def stop(self) -> None:
        self._rounds.stop()

    def apply_to(self, account: str) -> bool:
        return bool(self._quota(account))

    def full(self) -> set[str]:
        """The accounts that take nothing now."""
        quotas = {name: quota for name in self._catalog.providers if (quota := self._quota(name))}
        if not quotas or self._is_blind():
            return set()
        try:
            full = self._quotas.full(quotas)
        except LogUnavailable as error:
            self._was_not_heard(error)
            return set()
        return full | {name for name in quotas if self._clock() < self._refused_until.get(name, 0.0)}

    def states(self) -> dict[str, bool]:
        """Each limited account, and whether it takes nothing now."""
        full = self.full()
        return {name: name in full for name in self._catalog.providers if self._quota(name)}

    def take(self, row: ResponseRow, tokens: Callable[[], int]) -> Seat | float:
        """A seat; or where the account is at a limit, for about how many seconds.

        `tokens` of the request, asked for where they count.
        """
        quota = self._quota(row.provider)
        runs = row.upstream_response_id is not None
        seat = Seat(row.provider, f"{row.id}.{row.attempt}", Taken(0.0), 0)
        if not quota or self._is_blind():
            return seat
        seat.counted = tokens() if quota.tokens and not runs else 0
        try:
            seat.taken = self._quotas.take(row.provider, quota, seat.who, tokens=seat.counted, runs=runs)
        except LogUnavailable as error:
            self._was_not_heard(error)
            return seat
        if seat.taken.wait_seconds > 0:
            self._refused_until[row.provider] = self._clock() + REFUSED_SECONDS
            return seat.taken.wait_seconds
        with self._lock:
            self._seats.add(seat)
        return seat

    def leave(self, seat: Seat) -> None:
        with self._lock:
            if seat not in self._seats:
                return
            self._seats.discard(seat)
        self._refused_until.pop(seat.account, None)
        quota = self._quota(seat.account)
        counted = min(seat.counted, quota.tokens)
        more = seat.used - counted if quota.tokens and seat.used is not None else 0
        try:
            self._quotas.leave(seat.account, seat.who, seat.taken, more_tokens=more)
        except LogUnavailable as error:
            self._was_not_heard(error)  # it counts until nobody has renewed it for a while

    def hold(self, account: str, seconds: float) -> None:
        """The upstream has named a time: all workers leave a limited account alone for so long."""
        if self._quota(account) and not self._is_blind():
            try:
                self._quotas.hold(account, seconds)
            except LogUnavailable as error:
                self._was_not_heard(error)

    def _quota(self, account: str) -> Quota:
        provider = self._catalog.providers.get(account)
        if provider is None:
            return Quota()
        return Quota(provider.concurrency, provider.requests_per_minute, provider.tokens_per_minute)

    def _is_blind(self) -> bool:
        return self._clock() < self._blind_until

    def _was_not_heard(self, error: LogUnavailable) -> None:
        self._blind_until = self._clock() + BLIND_SECONDS
        _log.warning("limits are not kept: %s", error)

    def renew(self) -> None:
        """Say again what runs here."""
        with self._lock:
            seats = list(self._seats)
        self._quotas.renew((seat.account, seat.who) for seat in seats)
        with self._lock:
            gone = [seat for seat in seats if seat not in self._seats]
        for seat in gone:  # it left while it was renewed
            self._quotas.leave(seat.account, seat.who, seat.taken, more_tokens=0)
