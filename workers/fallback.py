"""Where a response goes when its account cannot take it: to another target of its alias, or to wait.

Before the money gate it changes its target in the same hands. After it only what provably was not
billed goes elsewhere: it was never sent, or refused by a complete answer, and nobody has seen a word.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from shared.catalog import Catalog, Route
from shared.catalog.fallback import next_able
from shared.errors import LeaseLost, UpstreamError
from shared.store.leases import Leases
from shared.store.rows import Claim, Ended, ResponseRow
from shared.transitions import Transitions
from workers import retry
from workers.breaker import Breakers
from workers.limits import Limits, Seat, tokens_used
from workers.providers.refusals import NO_SUCH_MODEL

# Of what runs in front of a model: it waited for the model in vain, which may be at work, and paid for.
_TIMED_OUT = {504, 522, 524}
# The account, not the request: a key, a deployment or a configuration that is gone.
_OPERATORS = {"upstream_auth", "provider_gone"}
_NO_SUCH_MODEL = {NO_SUCH_MODEL, "DeploymentNotFound"}
_SPENT = {402, 429}  # its money, or its quota
AT_LIMIT, BREAKER_OPEN = "at_limit", "breaker_open"
SHORTEST_SECONDS, LONGEST_SECONDS = 0.5, 5.0  # a row waits before it is claimed again


def moves_on(error: UpstreamError) -> bool:
    """Whether another account may be asked: this one was not billed, and the fault is not the client's."""
    if error.unbilled or error.reason in _OPERATORS:
        return True
    if error.refusal is None:
        return False
    status = error.refusal.get("upstream_status")
    if status == 404:
        return error.refusal.get("code") in _NO_SUCH_MODEL
    return status in _SPENT or (isinstance(status, int) and status >= 500 and status not in _TIMED_OUT)


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What a claim leaves alone now."""

    providers: set[str]
    aliases: set[str]  # those without any other target


_NOTHING_HELD = HeldBack(set(), set())


@dataclass(frozen=True, slots=True)
class Seated:
    """A claim that may be sent to the account its row names now."""

    claim: Claim
    seat: Seat

    def ended(self, ended: Ended | None) -> None:
        if ended is not None and self.seat.counted:
            self.seat.used = tokens_used(ended.result)


class Targets:
    def __init__(
        self,
        *,
        catalog: Catalog,
        leases: Leases,
        breakers: Breakers,
        limits: Limits,
        ring: Callable[[str], object],
        transitions: Transitions,
    ) -> None:
        self._catalog = catalog
        self._leases = leases
        self._breakers = breakers
        self._limits = limits
        self._ring = ring
        self._transitions = transitions
        self._rng = random.Random()

    def held_back(self) -> HeldBack:
        accounts = {*self._breakers.held_back(), *self._limits.full()}
        if not accounts:
            return _NOTHING_HELD
        aliases = self._catalog.aliases
        return HeldBack(
            accounts, {name for name in aliases if self._catalog.next_target(name, (), accounts) is None}
        )

    @contextmanager
    def seated(self, claim: Claim, tokens: Callable[[Claim], int]) -> Iterator[Seated | None]:
        """While inside, it counts for the account it goes to; None: it was given back, to wait.

        `tokens` of the request, as far as they can be known. Raises LeaseLost.
        """
        seated = self._seat(claim, tokens)
        try:
            yield seated
        finally:
            if seated is not None:
                self._limits.leave(seated.seat)

    def _seat(self, claim: Claim, tokens: Callable[[Claim], int]) -> Seated | None:
        refused: set[str] = set()  # accounts
        while True:
            row = claim.row
            taken, reason = self._asked(claim, tokens)
            if isinstance(taken, Seat):
                return Seated(claim, taken)
            refused.add(row.provider)
            other = self._other(claim, {*refused, *self._breakers.held_back()})
            if other is None:
                self._wait(row, taken, reason)
                return None
            claim = self._redirect(claim, other, reason)

    def _asked(self, claim: Claim, tokens: Callable[[Claim], int]) -> tuple[Seat | float, str]:
        """A seat at the account of the row, or for how long there is none, and why."""
        row = claim.row
        # what has no other target is a breaker's probe here, or was claimed a moment before it opened
        if (
            row.alias is not None
            and row.upstream_response_id is None
            and not self._breakers.of(row.provider).admits()
        ):
            return SHORTEST_SECONDS, BREAKER_OPEN
        return self._limits.take(row, lambda: tokens(claim)), AT_LIMIT

    def _other(self, claim: Claim, held_back: set[str]) -> Route | None:
        row = claim.row
        if row.alias is None or row.upstream_response_id is not None:
            return None
        return next_able(self._catalog, row.alias, claim.request, _tried(row), held_back)

    def _redirect(self, claim: Claim, other: Route, reason: str) -> Claim:
        row, to = claim.row, _columns(other)
        if not self._leases.redirect(row.id, row.attempt, **to):
            raise LeaseLost("ended before it was sent elsewhere")
        self._transitions.moved(row, to=other.provider.name, reason=reason)
        there = row._replace(provider=to["provider"], model=to["model"], label=to["label"])
        return replace(claim, row=there)

    def _wait(self, row: ResponseRow, seconds: float, reason: str) -> None:
        after = min(max(seconds, SHORTEST_SECONDS), LONGEST_SECONDS) * self._rng.uniform(0.7, 1.0)
        if not self._leases.release(row.id, row.attempt, after_seconds=after):
            raise LeaseLost("ended before it was sent")
        self._transitions.held_back(row, reason=reason, seconds=round(after, 2))

    def again(self, claim: Claim, error: UpstreamError) -> bool:
        """What was not billed goes back to the queue: at once for another target, or for later here.

        Where all others are at their limits it waits for one of them. False: that is its end. Raises
        LeaseLost.
        """
        refusal = error.refusal or {}
        if refusal.get("upstream_status") == 429 and refusal.get("retry_after"):
            self._limits.hold(claim.row.provider, float(refusal["retry_after"]))
        return (
            self._sent_elsewhere(claim, error, self.held_back().providers)
            or self._put_back(claim, error)
            or self._sent_elsewhere(claim, error, set(self._breakers.held_back()))
        )

    def _sent_elsewhere(self, claim: Claim, error: UpstreamError, held_back: set[str]) -> bool:
        row = claim.row
        if row.alias is None or not moves_on(error):
            return False
        tried = [*_tried(row), row.target]
        other = next_able(self._catalog, row.alias, claim.request, tried, held_back)
        if other is None:
            return False
        if not self._leases.retarget(row.id, row.attempt, tried="\n".join(tried), **_columns(other)):
            raise LeaseLost("ended while it was refused")
        self._transitions.moved(row, to=other.provider.name, reason=error.reason)
        self._ring(row.id)
        return True

    def _put_back(self, claim: Claim, error: UpstreamError) -> bool:
        """A refusal that was not billed waits for its second try without holding a slot."""
        row, provider = claim.row, self._catalog.providers.get(claim.row.provider)
        wait = retry.put_back_after(
            error,
            retry_count=row.retry_count,
            max_retries=provider.max_retries if provider is not None else 0,
            left_seconds=row.queue_deadline_at - claim.at,
            rng=self._rng,
        )
        if wait is None or not self._breakers.of(row.provider).take_retry():
            return False
        if not self._leases.put_back(row.id, row.attempt, after_seconds=wait):
            raise LeaseLost("ended while it was refused")
        self._transitions.put_back(row, reason=error.reason, seconds=round(wait, 2))
        return True


def _tried(row: ResponseRow) -> list[str]:
    return row.tried.split("\n") if row.tried else []


def _columns(route: Route) -> dict[str, str]:
    return {"provider": route.provider.name, "model": route.model, "label": route.provider.shown}
