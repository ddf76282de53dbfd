"""The event log: what any subscriber sees, at any time, is a slice of it. Redis lives here only."""

from __future__ import annotations

from shared.log.board import Board, Reporter
from shared.log.event_log import ENDED_SECONDS, Batch, EventLog, LogState, Slice
from shared.log.quotas import Quota, Quotas, Taken
from shared.log.scripts import ENDED, FENCED, GAP
from shared.log.subscriber import Heard, Subscriber

__all__ = [
    "ENDED",
    "ENDED_SECONDS",
    "FENCED",
    "GAP",
    "Batch",
    "Board",
    "EventLog",
    "Heard",
    "LogState",
    "Quota",
    "Quotas",
    "Reporter",
    "Slice",
    "Subscriber",
    "Taken",
]
