"""How much a model is to think, and how many tokens it may write in all. PURE.

`max_output_tokens` counts thinking, there as here: it is never raised. Without one, thinking has its room
beside the account's own limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.catalog.dialects.messages import reasons
from workers.providers.anthropic.models import Traits

BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 32_768, "max": 32_768}
_LEAST_BUDGET = 1024
_DEFAULT = "medium"


@dataclass(frozen=True, slots=True)
class Thought:
    max_tokens: int
    thinking: dict[str, Any] | None = None
    effort: str | None = None
    left_out: bool = False  # it was asked for, and cannot be had here


def thought(body: dict[str, Any], model: Traits, *, default_limit: int, hindered: bool) -> Thought:
    """`hindered`: the request is one that a model with a budget cannot think about."""
    limit: int | None = body.get("max_output_tokens")
    effort = (body.get("reasoning") or {}).get("effort")
    if not reasons(body):
        off = {"type": "disabled"} if effort == "none" and model.adaptive else None
        return Thought(limit or default_limit, off)
    budget = BUDGETS.get(effort or _DEFAULT, BUDGETS[_DEFAULT])
    if model.adaptive:
        # its thinking is not shown unless one asks
        shown = {"type": "adaptive", "display": "summarized"}
        return Thought(limit or default_limit + budget, shown, "low" if effort == "minimal" else effort)
    if limit is not None:
        budget = min(budget, limit // 2)
    if hindered or budget < _LEAST_BUDGET:
        return Thought(limit or default_limit, left_out=True)
    return Thought(limit or default_limit + budget, {"type": "enabled", "budget_tokens": budget})
