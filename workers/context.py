"""`context_management` for upstreams that do not have it: a long chain is summarised before its next turn.

The summary comes first in the response's output, sealed as a compaction item; later turns start from
it. It is made by a call of its own, which the response's usage includes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from shared.store.rows import Claim
from workers.compaction import sealed_item, summarise, summary_message
from workers.counting import estimated
from workers.providers import Call, Generation, Provider
from workers.sealed_content import Sealer

FIELD = "context_management"


@dataclass(frozen=True, slots=True)
class Managed:
    """What to generate now, what subscribers see before it, and what that has cost."""

    generation: Generation
    events: list[dict[str, Any]]
    usage: dict[str, Any] | None = None


def manage(provider: Provider, generation: Generation, call: Call, claim: Claim, sealer: Sealer) -> Managed:
    """Raises UpstreamError where the summary fails."""
    threshold = _threshold(generation.body)
    body = {k: v for k, v in generation.body.items() if k != FIELD}
    plain = replace(generation, body=body)
    items = generation.items
    if threshold is None or isinstance(items, str) or estimated(generation) <= threshold:
        return Managed(plain, [])
    own = max(len(generation.own), 1)
    earlier, then = items[:-own], items[-own:]
    if not earlier:
        return Managed(plain, [])
    summary, usage = summarise(provider, plain, earlier, call, claim)
    item = sealed_item(summary, then, claim, sealer)
    events = [
        {"type": "response.output_item.added", "item": item},
        {"type": "response.output_item.done", "item": item},
    ]
    return Managed(replace(plain, items=[summary_message(summary), *then], resumable=False), events, usage)


def added(usage: dict[str, Any] | None, more: dict[str, Any] | None) -> dict[str, Any] | None:
    """Two usages as one, number by number."""
    if usage is None or more is None:
        return usage or more
    return {k: added(v, more.get(k)) if isinstance(v, dict) else v + more.get(k, 0) for k, v in usage.items()}


def _threshold(body: dict[str, Any]) -> int | None:
    """Tokens; the field is validated when the request is accepted."""
    wanted = [e.get("compact_threshold") for e in body.get(FIELD) or [] if e.get("type") == "compaction"]
    numbers = [n for n in wanted if isinstance(n, int)]
    return min(numbers) if numbers else None
