"""Whether a failed try may be repeated, and what to do with a row whose worker is gone. PURE.

Money is real: only what provably was not sent, or is provably not billed, is tried again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum

from shared.errors import UpstreamError
from shared.store.rows import ResponseRow

MAX_TRIES = 3
MAX_RESCUES = 5
_BASE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Decision:
    again: bool
    after_seconds: float = 0.0


def decide(error: UpstreamError, tries: int, *, rng: random.Random) -> Decision:
    """After `tries` tries inside one gate. Full-jitter exponential waits."""
    if not error.unbilled or tries >= MAX_TRIES:
        return Decision(False)
    return Decision(True, rng.uniform(0, _BASE_SECONDS * 2**tries))


_UNBILLED_STATUS = {429, 503, 529}
MAX_WAIT_SECONDS = 60.0


def put_back_after(
    error: UpstreamError, *, retry_count: int, max_retries: int, left_seconds: float, rng: random.Random
) -> float | None:
    """Seconds until a refused generation is tried again; None: pass the refusal on now.

    Only complete answers that say "not now" qualify: nothing was generated.
    """
    refusal = error.refusal
    if (
        refusal is None
        or refusal.get("upstream_status") not in _UNBILLED_STATUS
        or retry_count >= max_retries
    ):
        return None
    asked = refusal.get("retry_after")
    wait = float(asked) if asked else 2**retry_count * rng.uniform(0.5, 1.0)
    return wait if wait <= min(MAX_WAIT_SECONDS, left_seconds) else None


class Rung(Enum):
    """The ladder for a row in progress whose lease ran out (RELIABILITY 3.6)."""

    EXPIRE = "expire"  # 1: its deadline has passed as well
    REQUEUE = "requeue"  # 2: nothing was ever sent upstream: free
    GIVE_UP = "give_up"  # 2: so often that the row itself may be what kills workers
    RESUME = "resume"  # 3: the provider goes on with the very same generation
    RESTART = "restart"  # 4: nothing of it was seen, and the provider's rule allows paying again
    FAIL = "fail"  # 5: it was sent and cannot be resumed: never splice two generations


def rung(
    row: ResponseRow,
    *,
    overdue: bool,
    resumable: bool = False,
    restart_unseen: bool = False,
    seen: bool = True,
) -> Rung:
    """`seen`: whether any subscriber may have seen more than that it is in progress."""
    if overdue:
        return Rung.EXPIRE
    if row.upstream_started_at is None:
        return Rung.REQUEUE if row.rescue_count < MAX_RESCUES else Rung.GIVE_UP
    if resumable and row.upstream_response_id is not None and row.rescue_count < MAX_RESCUES:
        return Rung.RESUME
    if restart_unseen and not seen and row.rescue_count == 0:
        return Rung.RESTART
    return Rung.FAIL
