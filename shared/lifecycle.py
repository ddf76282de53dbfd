"""The state machine of a response, as data. PURE.

`docs/lifecycle.md` draws it; a test holds drawing, table and store to each other.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    QUEUED = "queued"  # accepted and durable; waits for a worker
    IN_PROGRESS = "in_progress"  # owned by a worker through a lease with an attempt number
    COMPLETED = "completed"  # the upstream said completed
    INCOMPLETE = "incomplete"  # the upstream stopped early and said so
    FAILED = "failed"  # refused, broken off, lost or past its deadline
    CANCELLED = "cancelled"  # by its caller; wins over anything that comes later


class Transition(StrEnum):
    CLAIM = "claim"
    RELEASE = "release"
    FINISH = "finish"
    CANCEL = "cancel"
    EXPIRE = "expire"
    SETTLE = "settle"


TERMINAL = frozenset({Status.COMPLETED, Status.INCOMPLETE, Status.FAILED, Status.CANCELLED})

# transition -> (from, to): who may do what, each ONE conditional UPDATE in shared/store.
TRANSITIONS: dict[Transition, tuple[frozenset[Status], frozenset[Status]]] = {
    # a worker takes the row: attempt + 1, lease
    Transition.CLAIM: (frozenset({Status.QUEUED}), frozenset({Status.IN_PROGRESS})),
    # nothing was sent upstream: back to the queue, attempt + 1
    Transition.RELEASE: (frozenset({Status.IN_PROGRESS}), frozenset({Status.QUEUED})),
    # the owner ends it, with its attempt number
    Transition.FINISH: (
        frozenset({Status.IN_PROGRESS}),
        frozenset({Status.COMPLETED, Status.INCOMPLETE, Status.FAILED}),
    ),
    # the caller ends it: attempt + 1 fences the worker
    Transition.CANCEL: (frozenset({Status.QUEUED, Status.IN_PROGRESS}), frozenset({Status.CANCELLED})),
    # past its queue deadline or its deadline
    Transition.EXPIRE: (frozenset({Status.QUEUED, Status.IN_PROGRESS}), frozenset({Status.FAILED})),
    # its lease ran out after something was sent upstream: nothing runs twice
    Transition.SETTLE: (frozenset({Status.IN_PROGRESS}), frozenset({Status.FAILED})),
}


def is_terminal(status: str) -> bool:
    return status in TERMINAL


def terminal_event_type(status: str) -> str:
    """A cancelled stream ends with `response.failed` whose response says cancelled (CONTRACT 4.3)."""
    return {
        Status.COMPLETED: "response.completed",
        Status.INCOMPLETE: "response.incomplete",
        Status.FAILED: "response.failed",
        Status.CANCELLED: "response.failed",
    }[Status(status)]
